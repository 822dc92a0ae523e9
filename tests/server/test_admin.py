"""What people and CI call: publishing, going back, listing, reading events and counts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from starlette.testclient import TestClient

from nearwise_rules import open_manifest
from nearwise_server.app import open_centre
from nearwise_server.publishing import trust_of
from nearwise_server.scopes import Scope
from nearwise_server.settings import Settings
from tests.server.conftest import BATCH, NOW, Callers, packed

RULE_SET = {
    "nearwise.yaml": "name: shop\ngrace: safe_only\n",
    "flags/layout.yaml": "type: string\nvariants: {grid: grid, list: list}\ndefault: grid\n",
}


@pytest.fixture
def publisher(callers: Callers) -> TestClient:
    """A client that may publish."""
    return callers.client(Scope.PUBLISH)


@pytest.fixture
def reader(callers: Callers) -> TestClient:
    """A client that may read."""
    return callers.client(Scope.READ)


def test_a_rule_set_is_published_as_the_next_version(
    callers: Callers, publisher: TestClient, reader: TestClient
) -> None:
    answer = publisher.post("/v1/bundles", json={"files": RULE_SET, "note": "first"})
    assert answer.status_code == 201
    assert (answer.json()["version"], answer.json()["environment"]) == (1, "production")
    manifest = open_manifest(callers.client(Scope.DEVICE).get("/v1/manifest").content, trust_of(callers.centre.signer))
    assert (manifest.root, manifest.grace, manifest.expires) == (answer.json()["root"], "safe_only", None)
    (listed,) = reader.get("/v1/bundles").json()["bundles"]
    assert (listed["note"], listed["published"], len(listed["published_by"])) == ("first", int(NOW * 1000), 12)


def test_problems_come_all_at_once_with_their_places_and_nothing_changes(
    publisher: TestClient, reader: TestClient
) -> None:
    broken = RULE_SET | {
        "flags/layout.yaml": "type: string\nvariants: {grid: grid}\ndefault: gird\n",
        "segments.yaml": "[]",
    }
    answer = publisher.post("/v1/bundles", json={"files": broken})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    problems = answer.json()["problems"]
    assert {problem["file"] for problem in problems} == {"flags/layout.yaml", "segments.yaml"}
    assert all(set(problem) == {"file", "line", "column", "code", "message"} for problem in problems)
    assert reader.get("/v1/bundles").json()["bundles"] == []


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"{", 400),
        (b"{}", 422),
        (b'{"files": []}', 422),
        (b'{"files": {"a": 1}}', 422),
        (b'{"files": {}, "note": 7}', 422),
        (b'{"files": {}, "note": "\\u0000"}', 422),
        (b'{"files": {"flags/a.yaml": "\\ud800"}}', 422),
        (b'{"files": [' + b"[]," * 1_000_000 + b"[]]}", 413),
        (b"x" * (4 * 1024 * 1024 + 1), 413),
    ],
)
def test_a_bad_publication_is_refused(publisher: TestClient, content: bytes, status: int) -> None:
    answer = publisher.post("/v1/bundles", content=content)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_going_back_is_a_new_version_with_old_content(
    callers: Callers, publisher: TestClient, reader: TestClient
) -> None:
    old = callers.publish({"a": {"n": 1}})
    callers.publish({"a": {"n": 2}})
    answer = publisher.post("/v1/rollback", json={"to": 1, "note": "oops"})
    assert (answer.status_code, answer.json()["version"], answer.json()["root"]) == (201, 3, old.root)
    newest = reader.get("/v1/bundles").json()["bundles"][0]
    assert (newest["version"], newest["content_of"], newest["note"]) == (3, 1, "oops")
    current = callers.centre.catalogue.newest("production")
    assert current is not None
    assert current.bundle.entry("flag", "a") == b'{"n":1}'


@pytest.mark.parametrize(("to", "status"), [(9, 404), (0, 422), (True, 422), ("1", 422), (2**60, 422), (None, 422)])
def test_going_back_to_nowhere_is_refused(publisher: TestClient, to: object, status: int) -> None:
    assert publisher.post("/v1/rollback", json={"to": to}).status_code == status


def test_going_back_takes_no_document_of_many_values(publisher: TestClient) -> None:
    answer = publisher.post("/v1/rollback", content=b'{"to": [' + b"[]," * 5_000 + b"[]]}")
    assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")


def test_another_environments_version_is_nowhere(callers: Callers) -> None:
    callers.publish({"a": {"n": 1}})
    assert callers.client(Scope.PUBLISH, "staging").post("/v1/rollback", json={"to": 1}).status_code == 404


def test_versions_are_listed_newest_first_in_pages(callers: Callers, reader: TestClient) -> None:
    for number in range(5):
        callers.publish({"a": {"n": number}})
    pages = list(_pages(reader, "/v1/bundles", "bundles", 2))
    assert [[row["version"] for row in page] for page in pages] == [[5, 4], [3, 2], [1]]


def test_devices_show_what_arrived_and_what_is_missing(callers: Callers, reader: TestClient) -> None:
    key = callers.key(Scope.DEVICE)
    bad = packed(type="nonsense", at=1)
    loss = packed(type="loss", at=1, first=5, last=6, count=2, why="full")
    callers.send(callers.batch(0), key)
    callers.send(callers.batch(0), key)
    callers.send(callers.batch(7, bad, loss), key)
    callers.send(callers.batch(0, epoch="cd" * 16), key)
    first, second = reader.get("/v1/devices").json()["devices"]
    assert first == {
        "name": "till-1",
        "bundle_version": None,
        "sdk": None,
        "last_seen": int(NOW * 1000),
        "epoch": "ab" * 16,
        "stored": 4,
        "rejected": 1,
        "erased": 0,
        "repeated": 3,
        "lost": 2,
        "high_water": 2,
        "missing": [[3, 4]],
        "missing_events": 2,
    }
    assert (second["epoch"], second["stored"], second["high_water"]) == ("cd" * 16, 3, 2)


def test_devices_come_in_pages(callers: Callers, reader: TestClient) -> None:
    key = callers.key(Scope.DEVICE)
    for number in range(5):
        callers.send(callers.batch(0, device=f"till-{number}"), key)
    names = [[row["name"] for row in page] for page in _pages(reader, "/v1/devices", "devices", 2)]
    assert names == [["till-0", "till-1"], ["till-2", "till-3"], ["till-4"]]


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 100])
def test_a_device_of_many_epochs_comes_in_pages_too(callers: Callers, reader: TestClient, limit: int) -> None:
    key, epochs = callers.key(Scope.DEVICE), [f"{number:032x}" for number in range(5)]
    for epoch in epochs:
        callers.send(callers.batch(0, epoch=epoch), key)
    for silent in ("till-0", "till-2"):
        callers.client(Scope.DEVICE, device=silent).get("/v1/manifest")
    pages = list(_pages(reader, "/v1/devices", "devices", limit))
    assert max(map(len, pages)) <= limit
    assert [(row["name"], row["epoch"]) for page in pages for row in page] == [
        ("till-0", None),
        *(("till-1", epoch) for epoch in epochs),
        ("till-2", None),
    ]


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 7, 100])
def test_events_come_in_pages_without_repetition(callers: Callers, reader: TestClient, limit: int) -> None:
    key = callers.key(Scope.DEVICE)
    callers.send(callers.batch(0), key)
    callers.send(callers.batch(2, *(packed(type="track", at=1, name=name) for name in "cd"), b"\xc1"), key)
    callers.send(callers.batch(0, device="till-2"), key)
    events = [event for page in _pages(reader, "/v1/events", "events", limit) for event in page]
    assert [(event["device"], event["seq"]) for event in events] == [
        *(("till-1", number) for number in range(4)),
        *(("till-2", number) for number in range(3)),
    ]
    assert events[3]["name"] == "d"
    assert events[0] == {
        "device": "till-1",
        "epoch": "ab" * 16,
        "seq": 0,
        "received": int(NOW * 1000),
        "type": "track",
        "at": int(NOW * 1000),
        "name": "sale",
        "value": 2.5,
    }


def test_a_reader_of_events_goes_on_where_it_ended(callers: Callers, reader: TestClient) -> None:
    key = callers.key(Scope.DEVICE)
    callers.send(callers.batch(0), key)
    cursor = reader.get("/v1/events").json()["next"]
    assert reader.get("/v1/events", params={"after": cursor}).json() == {"events": [], "next": None}
    callers.send(callers.batch(3), key)
    later = reader.get("/v1/events", params={"after": cursor}).json()
    assert [event["seq"] for event in later["events"]] == [3, 4, 5]


def test_events_carry_the_time_of_sending_by_the_devices_clock(callers: Callers, reader: TestClient) -> None:
    headers = BATCH | {"Nearwise-Sent": "1795000000123"}
    callers.client(Scope.DEVICE).post("/v1/batches", content=callers.batch(0), headers=headers)
    callers.send(callers.batch(3), callers.key(Scope.DEVICE))
    events = reader.get("/v1/events").json()["events"]
    assert [event.get("sent") for event in events] == [1795000000123] * 3 + [None] * 3


def test_events_of_another_environment_stay_there(callers: Callers) -> None:
    callers.send(callers.batch(0), callers.key(Scope.DEVICE, "staging"))
    assert callers.client(Scope.READ).get("/v1/events").json()["events"] == []
    assert callers.client(Scope.READ).get("/v1/summary").json()["events"] == 0
    assert callers.client(Scope.READ).get("/v1/devices").json()["devices"] == []


def test_a_page_of_large_events_ends_early_and_goes_on(settings: Settings) -> None:
    centre = open_centre(replace(settings, answer_bytes=10_000))
    callers = Callers(centre)
    large = packed(type="track", at=1, name="sale", properties={"text": "x" * 4000})
    larger = packed(type="track", at=1, name="sale", properties={"text": "x" * 40_000})
    callers.send(callers.batch(0, large, large, large, larger, large), callers.key(Scope.DEVICE))
    pages = [[event["seq"] for event in page] for page in _pages(callers.client(Scope.READ), "/v1/events", "events", 9)]
    assert pages == [[0, 1], [2], [3], [4]]
    centre.close()


def test_an_event_cannot_speak_for_the_server(callers: Callers, reader: TestClient) -> None:
    said = packed(type="track", at=1, name="sale", sent=5, received=6, seq=7, device="till-9")
    callers.send(callers.batch(0, said), callers.key(Scope.DEVICE))
    (event,) = reader.get("/v1/events").json()["events"]
    assert (event["received"], event["seq"], event["device"], "sent" in event) == (int(NOW * 1000), 0, "till-1", False)


def test_values_that_add_up_to_more_than_a_number_stay_numbers(callers: Callers, reader: TestClient) -> None:
    huge = packed(type="track", at=1, name="sale", value=1e308)
    callers.send(callers.batch(0, huge, huge, huge), callers.key(Scope.DEVICE))
    answer = reader.get("/v1/summary")
    assert b"Infinity" not in answer.content
    assert answer.json()["counts"][0]["value"] > 1e308


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "limit=-1", "after=", "after=x", "after=1", "after=1.2.3"])
def test_a_bad_page_is_refused(reader: TestClient, query: str) -> None:
    assert reader.get(f"/v1/events?{query}").status_code == 400


def test_the_summary_counts_what_events_stand_for(callers: Callers, reader: TestClient) -> None:
    key = callers.key(Scope.DEVICE)
    shown = {"type": "exposure", "at": 1, "flag": "layout", "reason": "SPLIT", "id": "x"}
    events = [
        packed(**shown, variant="grid"),
        packed(**shown, variant="grid"),
        packed(**shown, variant=None),
        packed(type="summary", at=9, flag="layout", variant="grid", count=40, **{"from": 1}),
    ]
    callers.send(callers.batch(0, *events), key)
    callers.send(callers.batch(4), key)
    first = reader.get("/v1/summary").json()
    assert (first["batches"], first["events"]) == (2, 7)
    assert [tuple(count.values()) for count in first["counts"]] == [
        ("exposure", None, "layout", None, 1, 1, 0),
        ("exposure", None, "layout", "grid", 2, 2, 0),
        ("summary", None, "layout", "grid", 1, 40, 0),
        ("track", "sale", None, None, 3, 3, 7.5),
    ]
    callers.send(callers.batch(7), key)
    callers.send(callers.batch(7), key)
    assert reader.get("/v1/summary").json()["counts"][-1]["events"] == 6


def _pages(client: TestClient, path: str, name: str, limit: int) -> list[list[dict[str, Any]]]:
    """All pages of a listing that hold anything."""
    pages: list[list[dict[str, Any]]] = []
    params: dict[str, str | int] = {"limit": limit}
    while True:
        page = client.get(path, params=params).json()
        if page[name]:
            pages.append(page[name])
        if page["next"] is None:
            return pages
        params["after"] = page["next"]
