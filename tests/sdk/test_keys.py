"""Keys: the pinned part is split off and never sent."""

from __future__ import annotations

import pytest

from nearwise import Settings, SettingsInvalid
from nearwise.keys import pinned_trust, split_key
from nearwise_rules import development_signer, public_key_text

PUBLIC = public_key_text(development_signer(bytes(32)).public_key)
API = "nw1.d0123456789ab.c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2Vj"


def test_a_device_key_is_split_into_what_is_sent_and_what_is_pinned() -> None:
    assert split_key(f"{API}.{PUBLIC}") == (API, PUBLIC)
    assert split_key(API) == (API, None)
    assert split_key(None) == ("", None)


@pytest.mark.parametrize("key", ["", "nonsense", "nw1.a", f"{API}.{PUBLIC}.more", "nw1..x", f"nw2{API[3:]}"])
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(SettingsInvalid, match="not a Nearwise key"):
        split_key(key)


def test_trust_is_one_key_within_the_scope_of_the_settings() -> None:
    trust = pinned_trust(PUBLIC, Settings(tenant="shop", environment="live"))
    assert trust is not None
    assert list(trust.keys.values()) == [development_signer(bytes(32)).public_key]
    assert (trust.tenant, trust.environment, trust.audience) == ("shop", "live", None)
    with pytest.raises(SettingsInvalid, match="trust"):
        pinned_trust("short", Settings())
