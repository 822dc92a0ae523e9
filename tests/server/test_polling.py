"""The shortcut for unchanged manifests answers exactly as the application does."""

from __future__ import annotations

import pytest

from nearwise_server.app import Centre
from nearwise_server.keys import list_keys, revoke_key
from nearwise_server.scopes import Scope
from nearwise_server.settings import Settings
from tests.server.conftest import Callers


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A server that forgets verified keys at once when their time is over."""
    return Settings(data=settings.data, port=0, key_cache_rows=1)


@pytest.mark.parametrize("condition", ['"nothing"', "*", '"x", {}', "W/{}", "{}", "", "{}x"])
def test_the_first_and_the_later_polls_get_the_same_answer(callers: Callers, condition: str) -> None:
    etag = callers.publish({"a": {"n": 1}}).etag
    till, other = callers.client(Scope.DEVICE), callers.client(Scope.DEVICE)
    headers = {"If-None-Match": condition.format(etag)}
    first = till.get("/v1/manifest", headers=headers)
    later = till.get("/v1/manifest", headers=headers)
    other.get("/v1/manifest")  # takes the only place among the remembered keys
    again = till.get("/v1/manifest", headers=headers)
    for answer in (later, again):
        assert (answer.status_code, answer.content) == (first.status_code, first.content)
        assert sorted(answer.headers.items()) == sorted(first.headers.items())


def test_a_poll_by_the_shortcut_is_a_sighting(callers: Callers) -> None:
    etag = callers.publish({"a": {"n": 1}}).etag
    till = callers.client(Scope.DEVICE)
    for version in ("7", "8"):
        status = {"Nearwise-Device": "till-9", "Nearwise-Bundle": version, "If-None-Match": etag}
        assert till.get("/v1/manifest", headers=status).status_code == 304
    (seen,) = callers.client(Scope.READ).get("/v1/devices").json()["devices"]
    assert (seen["name"], seen["bundle_version"]) == ("till-9", 8)


def test_a_poll_without_a_key_never_takes_the_shortcut(callers: Callers) -> None:
    etag = callers.publish({"a": {"n": 1}}).etag
    till = callers.client(Scope.DEVICE)
    assert till.get("/v1/manifest", headers={"If-None-Match": etag}).status_code == 304
    for scheme in ("", "Basic ", "bearer"):
        headers = {"If-None-Match": etag, "Authorization": scheme + callers.key(Scope.DEVICE)}
        assert callers.with_key("").get("/v1/manifest", headers=headers).status_code == 401


def test_a_revoked_key_is_refused_once_it_is_no_longer_remembered(callers: Callers, centre: Centre) -> None:
    etag = callers.publish({"a": {"n": 1}}).etag
    till = callers.client(Scope.DEVICE)
    assert till.get("/v1/manifest", headers={"If-None-Match": etag}).status_code == 304
    revoke_key(centre.database, list_keys(centre.database)[0].key_id, now_ms=1)
    callers.client(Scope.READ).get("/v1/manifest")  # takes the only place among the remembered keys
    assert till.get("/v1/manifest", headers={"If-None-Match": etag}).status_code == 401
