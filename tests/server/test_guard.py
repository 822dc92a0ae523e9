"""The last net: headers on every answer, problems for everything that fails, nothing of the inside to a caller."""

from __future__ import annotations

import logging

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from nearwise_server.app import Centre
from nearwise_server.catalogue import Catalogue
from nearwise_server.scopes import Scope
from tests.server.conftest import Callers

PROBLEM = "application/problem+json"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/v1/manifest/", 404),
        ("GET", "/v1/../etc/passwd", 404),
        ("DELETE", "/v1/bundles", 405),
        ("PATCH", "/v1/manifest", 405),
        ("GET", "/v1/manifest", 401),
        ("GET", "/healthz", 200),
        ("HEAD", "/healthz", 200),
    ],
)
def test_every_answer_has_security_headers_and_refusals_are_problems(
    callers: Callers, method: str, path: str, status: int
) -> None:
    answer = callers.with_key("").request(method, path, follow_redirects=False)
    assert answer.status_code == status
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert "server" not in answer.headers
    if status >= 400:
        assert answer.headers["content-type"] == PROBLEM
        assert answer.json()["status"] == status


def test_a_wrong_method_learns_the_right_ones(callers: Callers) -> None:
    allowed = callers.with_key("").delete("/v1/bundles").headers["allow"]
    assert {"GET", "POST"} <= {method.strip() for method in allowed.split(",")}


def test_a_fault_is_answered_with_a_number_that_the_log_has(
    callers: Callers, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_catalogue: Catalogue, _environment: str) -> None:
        raise KeyError("secret detail")

    client = callers.client(Scope.DEVICE)
    monkeypatch.setattr(Catalogue, "newest", fail)
    answer = client.get("/v1/manifest")
    assert (answer.status_code, answer.headers["content-type"]) == (500, PROBLEM)
    assert "secret" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    (record,) = (record for record in caplog.records if record.levelno == logging.ERROR)
    assert answer.json()["id"] in record.getMessage()
    assert record.exc_info is not None


def test_no_key_and_no_body_ends_up_in_a_log(callers: Callers, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    key = callers.key(Scope.DEVICE)
    callers.send(b"private body", key)
    callers.send(callers.batch(0), key)
    assert key.split(".")[2] not in caplog.text
    assert "private body" not in caplog.text


def test_a_store_that_fails_is_a_503_and_the_last_bundle_is_still_served(
    callers: Callers, centre: Centre, caplog: pytest.LogCaptureFixture
) -> None:
    callers.publish({"a": {"n": 1}})
    key = callers.key(Scope.DEVICE)
    till: TestClient = callers.with_key(key)
    assert till.get("/v1/manifest").status_code == 200
    with centre.database.writing() as connection:
        connection.execute(text("DROP TABLE batches"))
    answer = callers.send(callers.batch(0), key)
    assert (answer.status_code, answer.headers["content-type"]) == (503, PROBLEM)
    assert "retry-after" in answer.headers
    assert callers.client(Scope.READ).get("/v1/events").status_code == 503
    assert till.get("/v1/manifest").status_code == 200
    assert "sale" not in caplog.text
