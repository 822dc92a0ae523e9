"""Traits: written by a key that can do nothing else, read by devices as far as the published bundle declares them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from nearwise_rules import Entry
from nearwise_server.app import Centre, open_centre
from nearwise_server.publishing import Publication
from nearwise_server.scopes import Scope
from nearwise_server.settings import Settings
from nearwise_server.store import Database
from nearwise_server.store.traits import StoredTraits, drop_traits, put_traits, traits_of
from tests.server.conftest import NOW, Callers

PUT_AT = int(NOW * 1000)
TRAITS = {"subject.tier": "gold", "household": {"size": 3, "pets": ["cat"]}, "internal.margin": 0.25}


@pytest.fixture
def writer(callers: Callers) -> TestClient:
    """A job that copies traits."""
    return callers.client(Scope.TRAITS)


@pytest.fixture
def till(callers: Callers) -> TestClient:
    """A device."""
    return callers.client(Scope.DEVICE)


def declare(callers: Callers, sources: Mapping[str, str], environment: str = "production") -> None:
    """Publish attributes of these sources."""
    entries = [Entry.of("attribute", name, {"type": "string", "source": source}) for name, source in sources.items()]
    publication = Publication(environment=environment, published_by="test")
    callers.centre.publisher.publish_entries(entries, publication)


def lines(*values: object) -> str:
    return "\n".join(json.dumps(value) for value in values)


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("urn:nearwise:problem:")


def test_a_device_gets_the_traits_that_the_bundle_declares(
    callers: Callers, writer: TestClient, till: TestClient
) -> None:
    declare(callers, {"subject.tier": "trait", "household": "trait", "internal.margin": "context"})
    assert writer.put("/v1/traits/s_1", json=TRAITS).json() == {"updated": PUT_AT}
    answer = till.get("/v1/traits/s_1")
    traits = {"subject.tier": "gold", "household": {"size": 3, "pets": ["cat"]}}
    assert answer.json() == {"subject": "s_1", "traits": traits, "updated": PUT_AT}
    assert answer.headers["cache-control"] == "private, no-cache"


def test_a_device_gets_none_before_a_bundle_declares_any(writer: TestClient, till: TestClient) -> None:
    writer.put("/v1/traits/s_1", json=TRAITS)
    assert till.get("/v1/traits/s_1").json()["traits"] == {}


def test_people_who_may_read_what_is_personal_see_all_traits(callers: Callers, writer: TestClient) -> None:
    writer.put("/v1/traits/s_1", json=TRAITS)
    assert callers.client(Scope.READ).get("/v1/traits/s_1").json()["traits"] == TRAITS


def test_unchanged_traits_are_304_until_they_or_the_declarations_change(
    callers: Callers, writer: TestClient, till: TestClient
) -> None:
    declare(callers, {"subject.tier": "trait"})
    writer.put("/v1/traits/s_1", json=TRAITS)
    first = till.get("/v1/traits/s_1")
    condition = {"If-None-Match": first.headers["etag"]}
    unchanged = till.get("/v1/traits/s_1", headers=condition)
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert (unchanged.headers["etag"], unchanged.headers["cache-control"]) == (
        first.headers["etag"],
        "private, no-cache",
    )
    declare(callers, {"subject.tier": "trait", "household": "trait"})
    assert till.get("/v1/traits/s_1", headers=condition).status_code == 200


def test_putting_replaces_all_traits_of_the_subject_and_of_no_other(callers: Callers, writer: TestClient) -> None:
    writer.put("/v1/traits/s_1", json=TRAITS)
    writer.put("/v1/traits/s_2", json={"a": 1})
    writer.put("/v1/traits/s_1", json={"b": 2})
    reader = callers.client(Scope.READ)
    assert [reader.get(f"/v1/traits/{each}").json()["traits"] for each in ("s_1", "s_2")] == [{"b": 2}, {"a": 1}]


def test_dropped_traits_are_gone(callers: Callers, writer: TestClient, till: TestClient) -> None:
    writer.put("/v1/traits/s_1", json=TRAITS)
    assert writer.delete("/v1/traits/s_1").json() == {"deleted": True}
    assert writer.delete("/v1/traits/s_1").json() == {"deleted": False}
    assert code(till.get("/v1/traits/s_1")) == (404, "unknown_subject")


def test_environments_are_apart(callers: Callers, writer: TestClient) -> None:
    writer.put("/v1/traits/s_1", json=TRAITS)
    assert code(callers.client(Scope.DEVICE, "staging").get("/v1/traits/s_1")) == (404, "unknown_subject")


def test_only_the_scope_for_traits_writes_them_and_it_reads_nothing(callers: Callers, writer: TestClient) -> None:
    for scope in set(Scope) - {Scope.TRAITS}:
        client = callers.client(scope)
        answers = (client.put("/v1/traits/s", json={}), client.delete("/v1/traits/s"), client.post("/v1/traits"))
        assert {code(answer) for answer in answers} == {(403, "forbidden")}
    for path in ("/v1/traits/s", "/v1/manifest", "/v1/bundles", "/v1/devices", "/v1/events", "/v1/summary"):
        assert code(writer.get(path)) == (403, "forbidden")
    assert code(callers.client(Scope.PUBLISH).get("/v1/traits/s")) == (403, "forbidden")


REFUSED: list[tuple[dict[str, object], str]] = [
    ({"a b": 1}, "named as an attribute"),
    ({"": 1}, "named as an attribute"),
    ({"x" * 129: 1}, "named as an attribute"),
    ({f"t{number}": 1 for number in range(201)}, "at most 200 traits"),
    ({"a": [[[[[[[[1]]]]]]]]}, "nested at most 8"),
    ({"a": [[[[[[[[]]]]]]]]}, "nested at most 8"),
]


@pytest.mark.parametrize(("traits", "wrong"), REFUSED)
def test_traits_have_limits(writer: TestClient, traits: dict[str, object], wrong: str) -> None:
    answer = writer.put("/v1/traits/s_1", json=traits)
    assert code(answer) == (422, "bad_traits")
    assert wrong in answer.json()["detail"]


def test_traits_at_the_limits_are_taken(callers: Callers, writer: TestClient) -> None:
    traits = {f"t{number}": number for number in range(199)} | {"deep": [[[[[[[1]]]]]]]}
    writer.put("/v1/traits/s_1", json=traits)
    assert callers.client(Scope.READ).get("/v1/traits/s_1").json()["traits"] == traits


@pytest.mark.parametrize("value", [b'{"a": NaN}', b'{"a": 1e999}', b'{"a": "\\ud800"}', b'{"a": {"\\ud800": 1}}'])
def test_what_json_cannot_carry_is_refused(writer: TestClient, value: bytes) -> None:
    assert code(writer.put("/v1/traits/s_1", content=value)) == (422, "bad_traits")


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"5"])
def test_a_body_that_is_no_object_is_refused(writer: TestClient, body: bytes) -> None:
    assert code(writer.put("/v1/traits/s_1", content=body)) == (400, "not_json")


def test_a_body_over_the_limit_is_not_read(writer: TestClient) -> None:
    assert code(writer.put("/v1/traits/s_1", json={"a": "x" * 20_000})) == (413, "too_large")


@pytest.mark.parametrize("subject", ["a%0Ab", "%00", "x" * 257, "%7F"])
def test_a_path_that_names_no_subject_is_not_found(writer: TestClient, subject: str) -> None:
    assert code(writer.put(f"/v1/traits/{subject}", json={})) == (404, "unknown_subject")


def test_subjects_may_be_any_text_of_one_line(callers: Callers, writer: TestClient) -> None:
    writer.put("/v1/traits/Łódź%20%23%3F%25", json={"a": 1})
    answer = callers.client(Scope.READ).get("/v1/traits/Łódź%20%23%3F%25")
    assert answer.json()["subject"] == "Łódź #?%"


def test_many_subjects_are_written_in_one_request(callers: Callers, writer: TestClient) -> None:
    many = [{"subject": f"s_{number}", "traits": {"n": number}} for number in range(1_000)]
    again = {"subject": "s_7", "traits": {"n": "last"}}
    answer = writer.post("/v1/traits", content=lines(*many[:999], again) + "\r\n\n")
    assert answer.json() == {"stored": 999, "updated": PUT_AT}
    reader = callers.client(Scope.READ)
    assert [reader.get(f"/v1/traits/s_{n}").json()["traits"]["n"] for n in (0, 7, 998)] == [0, "last", 998]


def test_one_bad_line_stores_nothing_and_all_bad_lines_are_told_without_their_subjects(
    callers: Callers, writer: TestClient
) -> None:
    bad: list[object] = [
        {"subject": "secret", "traits": 5},
        {"subject": "secret"},
        {"subject": "sec/ret", "traits": {}},
        {"subject": 5, "traits": {}},
        ["secret"],
        {"subject": "..", "traits": {}},
    ]
    answer = writer.post("/v1/traits", content=lines({"subject": "good", "traits": {}}, *bad))
    assert code(answer) == (422, "bad_traits")
    assert [problem["line"] for problem in answer.json()["problems"]] == [2, 3, 4, 5, 6, 7]
    assert "secret" not in answer.text
    assert callers.client(Scope.READ).get("/v1/traits/good").status_code == 404


def test_a_request_for_many_has_limits(writer: TestClient) -> None:
    line: dict[str, object] = {"subject": "s", "traits": {}}
    assert code(writer.post("/v1/traits", content=lines(*[line] * 1_001))) == (413, "too_large")
    assert code(writer.post("/v1/traits", content=lines({"subject": "s", "traits": {"a": "x" * 19_000}}))) == (
        413,
        "too_large",
    )
    assert code(writer.post("/v1/traits", content=b"0" * (4 * 1024 * 1024 + 1))) == (413, "too_large")
    assert code(writer.post("/v1/traits", content=b'{"subject"')) == (400, "not_json")
    assert writer.post("/v1/traits", content=b"").json() == {"stored": 0, "updated": PUT_AT}


def test_the_subject_is_in_no_file(callers: Callers, writer: TestClient, settings: Settings) -> None:
    writer.put("/v1/traits/s_very_secret", json={"a": 1})
    files = [file for file in Path(settings.data).rglob("*") if file.is_file()]
    assert len(files) >= 2
    assert [file.name for file in files if b"s_very_secret" in file.read_bytes()] == []


def test_traits_outlive_the_server(centre: Centre, callers: Callers, writer: TestClient, settings: Settings) -> None:
    writer.put("/v1/traits/s_1", json=TRAITS)
    centre.close()
    again = open_centre(settings)
    assert Callers(again).client(Scope.READ).get("/v1/traits/s_1").json()["traits"] == TRAITS
    again.close()


def test_the_rows_are_the_same_on_both_engines(database: Database) -> None:
    with database.writing() as connection:
        put_traits(connection, "production", {"d1": b"{}", "d2": b'{"a":1}'}, 5)
        put_traits(connection, "production", {"d1": b'{"b":2}'}, 6)
        put_traits(connection, "production", {}, 7)
        assert traits_of(connection, "production", "d1") == StoredTraits(b'{"b":2}', 6)
        assert traits_of(connection, "production", "d2") == StoredTraits(b'{"a":1}', 5)
        assert drop_traits(connection, "production", "d1")
        assert not drop_traits(connection, "staging", "d2")
        assert traits_of(connection, "production", "d1") is None
