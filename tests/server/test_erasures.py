"""Requests to erase over HTTP, and their receipts."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from nearwise_rules import erasure_digest
from nearwise_server.app import open_centre
from nearwise_server.scopes import Scope
from nearwise_server.settings import Settings
from tests.server.conftest import NOW, Callers, packed

NOW_MS = int(NOW * 1000)


@pytest.fixture
def eraser(callers: Callers) -> TestClient:
    """Whoever answers letters."""
    return callers.client(Scope.ERASE)


@pytest.fixture
def till(callers: Callers) -> TestClient:
    """A device."""
    return callers.client(Scope.DEVICE)


def work(callers: Callers) -> None:
    while callers.centre.eraser.step():
        pass


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("urn:nearwise:problem:")


def test_a_request_by_letter_is_taken_and_its_receipt_follows(
    callers: Callers, eraser: TestClient, till: TestClient
) -> None:
    event = packed(type="track", at=NOW_MS + 3_600_000, name="sale", subject="card-1")
    callers.send(callers.batch(0, event, event), callers.key(Scope.DEVICE))
    callers.client(Scope.TRAITS).put("/v1/traits/card-1", json={"a": 1})
    asked = eraser.post("/v1/erasures", json={"subject": "card-1"})
    waiting = {
        "id": asked.json()["id"],
        "digest": erasure_digest("card-1"),
        "device": None,
        "status": "waiting",
        "asked": NOW_MS,
        "done": None,
        "events": 0,
        "batches": 0,
        "traits": 1,
    }
    assert (asked.status_code, asked.json(), len(asked.json()["id"])) == (202, waiting, 32)
    assert till.get("/v1/traits/card-1").status_code == 404
    work(callers)
    done = waiting | {"status": "done", "done": NOW_MS, "events": 2, "batches": 1}
    for client in (eraser, till, callers.client(Scope.READ)):
        assert client.get(f"/v1/erasures/{waiting['id']}").json() == done


def test_a_request_of_a_device_says_which_asked(callers: Callers, till: TestClient) -> None:
    event = packed(type="erasure", at=NOW_MS - 5, id="e-1", digest=erasure_digest("card-1"))
    assert code(till.get("/v1/erasures/e-1")) == (404, "unknown_erasure")
    callers.send(callers.batch(0, event, device="till-9"), callers.key(Scope.DEVICE))
    receipt = till.get("/v1/erasures/e-1").json()
    assert (receipt["device"], receipt["status"], receipt["asked"]) == ("till-9", "waiting", NOW_MS - 5)


def test_receipts_belong_to_an_environment(callers: Callers, eraser: TestClient) -> None:
    id_ = eraser.post("/v1/erasures", json={"subject": "card-1"}).json()["id"]
    assert code(callers.client(Scope.DEVICE, "staging").get(f"/v1/erasures/{id_}")) == (404, "unknown_erasure")
    assert callers.client(Scope.READ, "staging").get("/v1/erasures").json() == {"erasures": [], "next": None}


def test_requests_are_listed_page_by_page(callers: Callers, eraser: TestClient) -> None:
    ids = [eraser.post("/v1/erasures", json={"subject": f"card-{number}"}).json()["id"] for number in range(5)]
    reader = callers.client(Scope.READ)
    first = reader.get("/v1/erasures?limit=3").json()
    rest = reader.get(f"/v1/erasures?limit=3&after={first['next']}").json()
    assert [each["id"] for each in (*first["erasures"], *rest["erasures"])] == ids
    assert rest["next"] is None
    assert code(reader.get("/v1/erasures?after=x")) == (400, "bad_cursor")


@pytest.mark.parametrize("body", [{}, {"subject": ""}, {"subject": 5}, {"subject": "a\x00"}, {"subject": "x" * 1_025}])
def test_a_request_that_names_nobody_is_refused(eraser: TestClient, body: dict[str, object]) -> None:
    assert code(eraser.post("/v1/erasures", json=body)) == (422, "bad_member")


def test_a_lone_surrogate_is_nobody(eraser: TestClient) -> None:
    assert code(eraser.post("/v1/erasures", content=b'{"subject": "\\ud800"}')) == (422, "bad_member")


@pytest.mark.parametrize("id_", ["%00", "a b", "x" * 129, "é"])
def test_what_is_no_id_is_unknown(till: TestClient, id_: str) -> None:
    assert code(till.get(f"/v1/erasures/{id_}")) == (404, "unknown_erasure")


def test_no_key_for_something_else_erases_and_the_key_to_erase_reads_nothing_else(
    callers: Callers, eraser: TestClient
) -> None:
    for scope in set(Scope) - {Scope.ERASE}:
        answer = callers.client(scope).post("/v1/erasures", json={"subject": "card-1"})
        assert code(answer) == (403, "forbidden")
    paths = ("/v1/erasures", "/v1/traits/s", "/v1/manifest", "/v1/bundles", "/v1/devices", "/v1/events", "/v1/summary")
    assert {code(eraser.get(path)) for path in paths} == {(403, "forbidden")}
    for scope in (Scope.PUBLISH, Scope.TRAITS):
        assert code(callers.client(scope).get("/v1/erasures/e-1")) == (403, "forbidden")


def test_the_subject_of_a_letter_is_in_no_answer_and_in_no_file(
    callers: Callers, eraser: TestClient, settings: Settings
) -> None:
    assert "very-secret" not in eraser.post("/v1/erasures", json={"subject": "very-secret"}).text
    files = [file for file in Path(settings.data).rglob("*") if file.is_file()]
    assert [file.name for file in files if b"very-secret" in file.read_bytes()] == []


def test_a_running_server_carries_requests_out_by_itself(tmp_path: Path) -> None:
    centre = open_centre(Settings(data=str(tmp_path / "server"), port=0, refresh_seconds=0.01))
    callers = Callers(centre)
    key = callers.key(Scope.ERASE)
    with callers.with_key(key) as eraser:
        id_ = eraser.post("/v1/erasures", json={"subject": "card-1"}).json()["id"]
        ends = time.monotonic() + 20
        while eraser.get(f"/v1/erasures/{id_}").json()["status"] != "done":
            assert time.monotonic() < ends
            time.sleep(0.01)
