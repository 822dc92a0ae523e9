"""Channels and deliveries over HTTP: who may, what is shown, what is refused."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from nearwise_server.scopes import Scope
from nearwise_server.store.deliveries import (
    DeliveryFilter,
    Settlement,
    State,
    deliveries_before,
    settle_deliveries,
)
from tests.server.conftest import NOW, Callers, packed

CRM = {"name": "crm", "url": "https://crm.example/in?token=t0ken"}
SUBJECT = "s_4711"


@pytest.fixture
def keeper(callers: Callers) -> TestClient:
    """A client that keeps channels."""
    return callers.client(Scope.CHANNELS)


def report(callers: Callers, count: int, environment: str = "production") -> None:
    """Some trigger events for the channel `crm`."""
    members = {"type": "trigger", "at": 1, "subject": SUBJECT, "trigger": "abandoned", "id": "1", "channel": "crm"}
    callers.send(callers.batch(0, *(packed(**members) for _ in range(count))), callers.key(Scope.DEVICE, environment))


def settle(callers: Callers, *states: State) -> None:
    """Settle the first deliveries so."""
    with callers.centre.database.writing() as connection:
        rows = deliveries_before(connection, DeliveryFilter(environment="production"), None, 100)[::-1]
        settlements = [
            Settlement(id=row.id, state=state, changed_ms=5, next_ms=10, last_error="answered 500")
            for row, state in zip(rows, states, strict=False)
        ]
        settle_deliveries(connection, settlements)


def listed(client: TestClient, query: str = "") -> list[tuple[int, str]]:
    answer = client.get(f"/v1/deliveries{query}").json()
    return [(row["seq"], row["state"]) for row in answer["deliveries"]]


def test_a_channel_is_made_with_a_secret_that_is_shown_once(keeper: TestClient) -> None:
    made = keeper.post("/v1/channels", json=CRM)
    assert made.status_code == 201
    assert made.json().pop("secret").startswith("whsec_")
    (shown,) = keeper.get("/v1/channels").json()["channels"]
    assert shown == CRM | {"created": int(NOW * 1000), "disabled": None}


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({}, 422),
        (CRM | {"name": "a b"}, 422),
        (CRM | {"name": ""}, 422),
        (CRM | {"url": "http://crm.example/"}, 422),
        (CRM | {"url": "https://10.0.0.1/"}, 422),
        (CRM | {"url": 7}, 422),
        ([], 400),
    ],
)
def test_a_channel_that_cannot_be_is_refused(keeper: TestClient, asked: object, status: int) -> None:
    answer = keeper.post("/v1/channels", json=asked)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert keeper.get("/v1/channels").json() == {"channels": []}


def test_a_name_is_taken_once_and_an_environment_has_so_many_channels(keeper: TestClient) -> None:
    codes = [keeper.post("/v1/channels", json=CRM).status_code for _ in range(2)]
    assert codes == [201, 422]
    for number in range(99):
        assert keeper.post("/v1/channels", json=CRM | {"name": f"c{number}"}).status_code == 201
    assert "at most 100" in keeper.post("/v1/channels", json=CRM | {"name": "more"}).json()["detail"]


def test_channels_are_removed_and_enabled_by_name_in_their_environment(callers: Callers, keeper: TestClient) -> None:
    keeper.post("/v1/channels", json=CRM)
    elsewhere = callers.client(Scope.CHANNELS, "staging")
    for path in ("crm", "%00", "a%20b"):
        assert elsewhere.delete(f"/v1/channels/{path}").status_code == 404
        assert elsewhere.post(f"/v1/channels/{path}/enable").status_code == 404
    assert keeper.post("/v1/channels/crm/enable").json() == {"name": "crm"}
    assert keeper.delete("/v1/channels/crm").json() == {"name": "crm"}
    assert keeper.delete("/v1/channels/crm").status_code == 404


@pytest.mark.parametrize("scope", [Scope.DEVICE, Scope.PUBLISH, Scope.READ])
def test_only_their_keepers_touch_channels(callers: Callers, scope: Scope) -> None:
    client = callers.client(scope)
    assert client.get("/v1/channels").status_code == 403
    assert client.post("/v1/channels", json=CRM).status_code == 403
    assert client.delete("/v1/channels/crm").status_code == 403
    assert client.post("/v1/deliveries/retry", json={}).status_code == 403
    assert client.post("/v1/deliveries/1/retry").status_code == 403
    assert client.get("/v1/deliveries").status_code == (200 if scope is Scope.READ else 403)


def test_deliveries_are_listed_without_what_they_say_of_anyone(callers: Callers, keeper: TestClient) -> None:
    report(callers, 1)
    answer = keeper.get("/v1/deliveries")
    (row,) = answer.json()["deliveries"]
    assert row.pop("webhook_id").startswith("msg_")
    assert row == {
        "id": row["id"],
        "device": "till-1",
        "epoch": "ab" * 16,
        "seq": 0,
        "trigger": "abandoned",
        "channel": "crm",
        "state": "waiting",
        "tries": 0,
        "created": int(NOW * 1000),
        "changed": int(NOW * 1000),
        "next": int(NOW * 1000),
        "last_error": None,
    }
    assert SUBJECT not in answer.text


def test_deliveries_are_filtered_and_paged(callers: Callers, keeper: TestClient) -> None:
    report(callers, 5)
    settle(callers, State.SENT, State.DEAD, State.DEAD)
    assert listed(keeper) == [(4, "waiting"), (3, "waiting"), (2, "dead"), (1, "dead"), (0, "sent")]
    assert listed(keeper, "?state=dead&channel=crm") == [(2, "dead"), (1, "dead")]
    assert listed(keeper, "?channel=other") == []
    assert listed(callers.client(Scope.READ, "staging")) == []
    page = keeper.get("/v1/deliveries?limit=3").json()
    rest = keeper.get("/v1/deliveries", params={"limit": 3, "after": page["next"]}).json()
    assert ([row["seq"] for row in rest["deliveries"]], rest["next"]) == ([1, 0], None)
    (dead, *_) = keeper.get("/v1/deliveries?state=dead").json()["deliveries"]
    assert (dead["next"], dead["last_error"]) == (None, "answered 500")


@pytest.mark.parametrize("query", ["state=lost", "channel=%00", "after=x", "limit=0"])
def test_a_bad_question_about_deliveries_is_refused(keeper: TestClient, query: str) -> None:
    assert keeper.get(f"/v1/deliveries?{query}").status_code == 400


def test_one_delivery_is_tried_again_unless_it_was_sent(callers: Callers, keeper: TestClient) -> None:
    report(callers, 2)
    settle(callers, State.SENT, State.DEAD)
    dead, sent = (row["id"] for row in keeper.get("/v1/deliveries").json()["deliveries"])
    assert callers.client(Scope.CHANNELS, "staging").post(f"/v1/deliveries/{dead}/retry").status_code == 404
    assert keeper.post(f"/v1/deliveries/{dead}/retry").json() == {"retried": 1}
    assert keeper.post(f"/v1/deliveries/{sent}/retry").status_code == 409
    assert keeper.post("/v1/deliveries/99999/retry").status_code == 404
    assert keeper.post("/v1/deliveries/x/retry").status_code == 404
    assert listed(keeper) == [(1, "waiting"), (0, "sent")]


def test_all_that_is_dead_is_tried_again(callers: Callers, keeper: TestClient) -> None:
    report(callers, 3)
    settle(callers, State.SENT, State.DEAD, State.DEAD)
    assert keeper.post("/v1/deliveries/retry", json={"channel": "other"}).json() == {"retried": 0}
    assert keeper.post("/v1/deliveries/retry", json={"channel": "a b"}).status_code == 400
    assert keeper.post("/v1/deliveries/retry", json={"channel": "crm"}).json() == {"retried": 2}
    assert keeper.post("/v1/deliveries/retry", json={}).json() == {"retried": 0}
    assert listed(keeper) == [(2, "waiting"), (1, "waiting"), (0, "sent")]
