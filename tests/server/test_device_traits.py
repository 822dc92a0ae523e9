"""Traits from the centre to a decision: a client, a server, one token of a card."""

from __future__ import annotations

import time
from pathlib import Path

import httpx

import nearwise
from nearwise.testing.rule_sets import rule_set_files
from nearwise_rules import Json, assemble, public_key_text, subject_token
from nearwise_server.app import open_centre
from nearwise_server.keys import make_key
from nearwise_server.publishing import Publication
from nearwise_server.scopes import Scope
from nearwise_server.serving import serve_centre_in_thread
from nearwise_server.settings import Settings

KEY = bytes(range(16))
LOUNGE: Json = {
    "type": "boolean",
    "variants": {"on": True, "off": False},
    "default": "off",
    "rules": [{"when": {"==": [{"var": "customer.tier"}, "gold"]}, "serve": "on"}],
}
RULES: dict[str, Json] = {
    "attributes": {"customer.tier": {"type": "string", "source": "trait", "purposes": ["personalise"]}},
    "flags": {"lounge": LOUNGE},
}


def test_a_trait_put_at_the_centre_decides_on_a_device_after_sign_in(tmp_path: Path) -> None:
    centre = open_centre(Settings(data=str(tmp_path / "centre"), port=0, refresh_seconds=0.02))
    key = make_key(centre.database, Scope.DEVICE, "production", now_ms=1)
    writer = make_key(centre.database, Scope.TRAITS, "production", now_ms=1)
    publication = Publication(environment="production", published_by="test")
    centre.publisher.publish_entries(assemble(rule_set_files(RULES)).entries, publication)
    settings = nearwise.Settings(subject_key=KEY, poll_seconds=0.2, traits_seconds=0.1)
    pinned = public_key_text(centre.signer.public_key)
    with (
        serve_centre_in_thread(centre) as url,
        nearwise.Client(url, key=key, trust=pinned, storage=tmp_path / "till", settings=settings) as client,
    ):
        path, headers = f"{url}/v1/traits/{subject_token('card-anna', KEY)}", {"Authorization": f"Bearer {writer}"}
        for tier, expected in (("gold", True), ("none", False)):
            assert httpx.put(path, json={"customer.tier": tier}, headers=headers).status_code == 200
            client.consent("card-anna", {"personalise": True})
            client.sign_in("card-anna")
            ends = time.monotonic() + 20
            while client.context("card-anna").flag("lounge") is not expected:
                assert time.monotonic() < ends
                time.sleep(0.02)
