"""The OpenAPI page says what the server does: every route is on it, every answer has the form it promises."""

from __future__ import annotations

from typing import Any, Never

import pytest
from jsonschema import Draft202012Validator
from sqlalchemy.exc import OperationalError
from starlette.applications import Starlette
from starlette.routing import Route

from nearwise_server.app import Centre, list_operations, make_rooms
from nearwise_server.guard import Guard
from nearwise_server.polling import Polling
from nearwise_server.scopes import Scope
from nearwise_server.store import Database
from tests.server.conftest import BATCH, Callers, packed


@pytest.fixture
def page(callers: Callers) -> dict[str, Any]:
    """The page as anyone gets it."""
    return dict(callers.with_key("").get("/openapi.json").json())


def _check(page: dict[str, Any], path: str, method: str, answer: Any) -> None:
    """Hold an answer to what the page promises for it."""
    content = page["paths"][path][method]["responses"][str(answer.status_code)]["content"]
    schema = content[answer.headers["content-type"].partition(";")[0]]["schema"]
    Draft202012Validator(schema).validate(answer.json())  # pyright: ignore[reportUnknownMemberType]


def test_every_route_is_on_the_page_and_nothing_else(callers: Callers, page: dict[str, Any]) -> None:
    assert isinstance(callers.app, Guard)
    assert isinstance(callers.app.app, Polling)
    assert isinstance(callers.app.app.app, Starlette)
    served = {
        (route.path, method.lower())
        for route in callers.app.app.app.routes
        if isinstance(route, Route)
        for method in route.methods or ()
        if method != "HEAD"
    }
    described = {(path, method) for path, methods in page["paths"].items() for method in methods}
    assert served == described


def test_every_operation_names_who_may_call_it(centre: Centre, page: dict[str, Any]) -> None:
    for operation in list_operations(*make_rooms(centre)):
        described = page["paths"][operation.path][operation.method.lower()]
        assert described["x-scopes"] == sorted(scope.value for scope in operation.scopes)
        assert bool(described["security"]) == bool(operation.scopes)


def test_operation_ids_are_unique_and_path_parameters_are_declared(page: dict[str, Any]) -> None:
    operations = [(path, each) for path, methods in page["paths"].items() for each in methods.values()]
    assert len({each["operationId"] for _, each in operations}) == len(operations)
    for path, each in operations:
        declared = {parameter["name"] for parameter in each["parameters"] if parameter["in"] == "path"}
        assert declared == {part[1:-1] for part in path.split("/") if part.startswith("{")}


def test_answers_have_the_form_that_the_page_promises(callers: Callers, page: dict[str, Any]) -> None:
    callers.publish({"a": {"n": 1}})
    key, publisher, reader = callers.key(Scope.DEVICE), callers.client(Scope.PUBLISH), callers.client(Scope.READ)
    _check(page, "/v1/batches", "post", callers.send(callers.batch(1, packed(type="status", at=1), b""), key))
    _check(page, "/v1/batches", "post", callers.send(b"", key))
    _check(page, "/v1/batches", "post", callers.with_key("").post("/v1/batches", headers=BATCH))
    for path in ("/v1/bundles", "/v1/devices", "/v1/events", "/v1/summary", "/healthz", "/openapi.json"):
        _check(page, path, "get", reader.get(path))
    _check(page, "/v1/rollback", "post", publisher.post("/v1/rollback", json={"to": 1}))
    _check(page, "/v1/rollback", "post", publisher.post("/v1/rollback", json={"to": 9}))
    _check(page, "/v1/bundles", "post", publisher.post("/v1/bundles", json={"files": {}}))
    _check(page, "/v1/events", "get", reader.get("/v1/events?limit=0"))
    writer = callers.client(Scope.TRAITS)
    for body in (b'{"a": 1}', b"{", b'{" ": 1}'):
        _check(page, "/v1/traits/{subject}", "put", writer.put("/v1/traits/s", content=body))
    for body in (b"", b"{", b"{}"):
        _check(page, "/v1/traits", "post", writer.post("/v1/traits", content=body))
    for subject in ("s", "other"):
        _check(page, "/v1/traits/{subject}", "get", reader.get(f"/v1/traits/{subject}"))
    _check(page, "/v1/traits/{subject}", "delete", writer.delete("/v1/traits/s"))
    eraser = callers.client(Scope.ERASE)
    asked = [eraser.post("/v1/erasures", content=body) for body in (b'{"subject": "s"}', b"{", b"{}")]
    for answer in asked:
        _check(page, "/v1/erasures", "post", answer)
    for id_ in (asked[0].json()["id"], "other"):
        _check(page, "/v1/erasures/{id}", "get", eraser.get(f"/v1/erasures/{id_}"))
    _check(page, "/v1/erasures", "get", reader.get("/v1/erasures"))


def test_answers_about_channels_and_deliveries_have_the_form_that_the_page_promises(
    callers: Callers, page: dict[str, Any]
) -> None:
    keeper, crm = callers.client(Scope.CHANNELS), {"name": "crm", "url": "https://crm.example"}
    due = packed(type="trigger", at=1, trigger="abandoned", id="1", channel="crm")
    callers.send(callers.batch(0, due), callers.key(Scope.DEVICE))
    for _ in range(2):
        _check(page, "/v1/channels", "post", keeper.post("/v1/channels", json=crm))
    _check(page, "/v1/channels", "get", keeper.get("/v1/channels"))
    _check(page, "/v1/channels/{name}/enable", "post", keeper.post("/v1/channels/crm/enable"))
    for _ in range(2):
        _check(page, "/v1/channels/{name}", "delete", keeper.delete("/v1/channels/crm"))
    answer = keeper.get("/v1/deliveries")
    _check(page, "/v1/deliveries", "get", answer)
    _check(page, "/v1/deliveries", "get", keeper.get("/v1/deliveries?state=lost"))
    for identity in (answer.json()["deliveries"][0]["id"], 99):
        _check(page, "/v1/deliveries/{id}/retry", "post", keeper.post(f"/v1/deliveries/{identity}/retry"))
    _check(page, "/v1/deliveries/retry", "post", keeper.post("/v1/deliveries/retry", json={}))


def test_refusals_that_come_before_an_operation_are_on_the_page(
    callers: Callers, page: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    key = {scope.value: callers.client(scope) for scope in Scope}
    coded = {"Content-Encoding": "gzip", "Content-Type": "application/vnd.nearwise.batch"}
    posts = {path: methods["post"] for path, methods in page["paths"].items() if "post" in methods}
    for path, operation in posts.items():
        caller = key[operation["x-scopes"][0]]
        _check(page, path, "post", caller.post(path, headers=coded, content=b"{}"))
        _check(page, path, "post", caller.post(path, headers=BATCH, content=b"0" * (17 * 1024 * 1024)))

    def locked(_database: Database) -> Never:
        raise OperationalError("BEGIN", None, Exception("database is locked"))

    monkeypatch.setattr(Database, "reading", locked)
    for path in ("/v1/bundles", "/v1/events", "/v1/summary"):
        answer = key["read"].get(path)
        assert answer.status_code == 503
        _check(page, path, "get", answer)


def test_every_schema_on_the_page_is_a_schema(page: dict[str, Any]) -> None:
    for methods in page["paths"].values():
        for operation in methods.values():
            bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
            for media in (media for body in bodies for media in body.get("content", {}).values()):
                Draft202012Validator.check_schema(media.get("schema", {}))
