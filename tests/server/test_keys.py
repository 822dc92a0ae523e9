"""API keys: kept hashed, scoped, revocable."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from nearwise_server.app import Centre
from nearwise_server.errors import KeyRefused
from nearwise_server.keys import Keyring, list_keys, make_key, revoke_key
from nearwise_server.scopes import Scope
from nearwise_server.store.tables import api_keys


def make(
    centre: Centre, scope: Scope = Scope.DEVICE, environment: str = "production", device: str | None = None
) -> str:
    return make_key(centre.database, scope, environment, now_ms=1, device=device)


def test_the_secret_is_not_in_the_database(centre: Centre) -> None:
    secret = make(centre).split(".")[2]
    with centre.database.reading() as connection:
        row = connection.execute(select(api_keys)).one()
    assert secret not in repr(row)
    assert len(row.secret_sha256) == 32


def test_a_key_is_what_it_was_made_as(centre: Centre) -> None:
    text = make(centre, device="till-7")
    key = Keyring(centre.database, rows=10, seconds=10).verify(text)
    assert key is not None
    assert (key.scope, key.environment, key.device) == (Scope.DEVICE, "production", "till-7")
    assert text.startswith(f"nw1.d{key.key_id}.")
    assert list_keys(centre.database) == (key,)
    assert list_keys(centre.database, "staging") == ()


def test_a_changed_text_is_no_key(centre: Centre) -> None:
    text = make(centre)
    ring = Keyring(centre.database, rows=10, seconds=10)
    flipped = text[:-1] + ("A" if text[-1] != "A" else "B")
    for other in ("", "nw1", flipped, text.replace("nw1.d", "nw1.p"), text + ".pin", text.upper()):
        assert ring.verify(other) is None


def test_a_verified_text_is_remembered_without_the_database(centre: Centre) -> None:
    text = make(centre)
    ring = Keyring(centre.database, rows=10, seconds=10)
    assert ring.remembered(text) is None
    assert ring.verify(text) is not None
    assert ring.remembered(text) == ring.verify(text)
    assert ring.remembered("\ud800") is None


def test_a_revoked_key_is_refused(centre: Centre) -> None:
    text = make(centre)
    key_id = list_keys(centre.database)[0].key_id
    assert revoke_key(centre.database, key_id, now_ms=2)
    assert not revoke_key(centre.database, key_id, now_ms=3)
    assert Keyring(centre.database, rows=10, seconds=10).verify(text) is None
    assert list_keys(centre.database)[0].revoked_ms == 2


@pytest.mark.parametrize(
    ("scope", "environment", "device"),
    [
        (Scope.DEVICE, "Production", None),
        (Scope.DEVICE, "", None),
        (Scope.DEVICE, "production", "a till"),
        (Scope.PUBLISH, "production", "till-7"),
    ],
)
def test_a_key_that_makes_no_sense_is_not_made(
    centre: Centre, scope: Scope, environment: str, device: str | None
) -> None:
    with pytest.raises(KeyRefused):
        make(centre, scope, environment, device)
