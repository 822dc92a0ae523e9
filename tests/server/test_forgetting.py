"""Forgetting from the app to the last file of the centre: a client, a server, two folders."""

from __future__ import annotations

import time
from pathlib import Path

import nearwise
from nearwise_rules import Entry, Event, decode_batch, public_key_text, subject_token
from nearwise_server.app import open_centre
from nearwise_server.keys import make_key
from nearwise_server.publishing import Publication
from nearwise_server.scopes import Scope
from nearwise_server.serving import serve_centre_in_thread
from nearwise_server.settings import Settings
from nearwise_server.store.batches import batches_after

KEY = bytes(range(16))
ANNA, BEN = (subject_token(card, KEY) for card in ("card-anna", "card-ben"))


def raw(folder: Path) -> bytes:
    return b"\n".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


def test_after_forgetting_neither_the_device_nor_the_centre_holds_a_byte_of_the_subject(tmp_path: Path) -> None:
    served = Settings(data=str(tmp_path / "centre"), port=0, refresh_seconds=0.02, compaction_seconds=0.02)
    centre = open_centre(served)
    key = make_key(centre.database, Scope.DEVICE, "production", now_ms=1)
    publication = Publication(environment="production", published_by="test")
    centre.publisher.publish_entries([Entry.of("settings", "settings", {"name": "shop"})], publication)
    settings = nearwise.Settings(subject_key=KEY, poll_seconds=0.2, send_seconds=0.05)
    pinned = public_key_text(centre.signer.public_key)
    storage = tmp_path / "till"
    with (
        serve_centre_in_thread(centre) as url,
        nearwise.Client(url, key=key, trust=pinned, storage=storage, settings=settings) as client,
    ):
        assert client.ready(10)
        for number in range(30):
            client.context("card-anna").track("sale", number, secret=f"anna-{number}-only")
            client.context("card-ben").track("sale", number)
        assert client.flush(10) == 0
        asked = client.forget("card-anna")
        client.context("card-anna").track("sale", 99)
        ends = time.monotonic() + 20
        while not client.erasures()[0].done:
            assert time.monotonic() < ends
            time.sleep(0.05)
        receipt = client.erasures()[0].receipt or {}
        assert (receipt["id"], receipt["status"], receipt["events"]) == (asked.id, "done", 30)
        assert client.flush(10) == 0
        with centre.database.reading() as connection:
            batches = [decode_batch(row.body) for row in batches_after(connection, "production", 0, 1_000)]
        events = [event for batch in batches for event in batch.events if isinstance(event, Event)]
        assert [event.fields["value"] for event in events if event.subject == BEN] == list(range(30))
        assert [event.fields["value"] for event in events if event.subject == ANNA] == [99]
        client.forget("card-anna")
        while not client.erasures()[-1].done:
            assert time.monotonic() < ends
            time.sleep(0.05)
    for folder in (storage, tmp_path / "centre"):
        assert [text for text in (ANNA, "anna-", "card-anna") if text.encode() in raw(folder)] == []
