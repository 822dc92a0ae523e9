"""Answers as this server gives them: JSON, and problem+json (RFC 9457) for everything that is refused."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from nearwise_server.errors import RequestRefused, RuleSetRefused
from nearwise_server.media_types import JSON_TYPE, PROBLEM_TYPE

_log = logging.getLogger(__name__)
_CODES = {404: "not_found", 405: "method_not_allowed"}


def answer_json(content: object, status: int = 200) -> Response:
    """A JSON answer that nobody caches."""
    headers = {"Cache-Control": "no-store"}
    return Response(_dump(content), status, headers, media_type=JSON_TYPE)


def answer_refusal(refused: RequestRefused) -> Response:
    """The problem document of a refused request."""
    content: dict[str, object] = {
        "type": f"urn:nearwise:problem:{refused.code}",
        "title": HTTPStatus(refused.status).phrase,
        "status": refused.status,
        "detail": refused.detail,
    }
    headers = dict(refused.headers) | {"Cache-Control": "no-store"}
    return Response(_dump(content | refused.more), refused.status, headers, media_type=PROBLEM_TYPE)


def answer_rule_set_problems(problems: Sequence[Mapping[str, object]]) -> Response:
    """All problems of a rule set, each with its place."""
    detail = f"{len(problems)} problems in the rule set" if len(problems) != 1 else "1 problem in the rule set"
    return answer_refusal(RequestRefused(422, "rule_set", detail, more={"problems": list(problems)}))


async def on_refusal(_request: Request, error: Exception) -> Response:
    """A request that was refused on purpose."""
    assert isinstance(error, RequestRefused)  # noqa: S101  # registered for this class only
    return answer_refusal(error)


async def on_rule_set_refused(_request: Request, error: Exception) -> Response:
    """A rule set with problems."""
    assert isinstance(error, RuleSetRefused)  # noqa: S101  # registered for this class only
    return answer_rule_set_problems(error.problems)


async def on_http_error(_request: Request, error: Exception) -> Response:
    """An unknown route or method."""
    assert isinstance(error, HTTPException)  # noqa: S101  # registered for this class only
    status = error.status_code
    headers = tuple((error.headers or {}).items())
    return answer_refusal(RequestRefused(status, _CODES.get(status, "refused"), str(error.detail), headers=headers))


async def on_disconnect(_request: Request, _error: Exception) -> Response:
    """The caller has gone; nobody reads this."""
    return answer_refusal(RequestRefused(400, "disconnected", "the request ended early"))


async def on_store_failure(request: Request, error: Exception) -> Response:
    """The database cannot answer at the moment: the caller may try again."""
    _log.error("the store failed in %s: %s", _place(request), type(error).__name__)
    headers = (("Retry-After", "5"),)
    return answer_refusal(RequestRefused(503, "unavailable", "the store cannot answer at the moment", headers=headers))


async def on_failure(request: Request, error: Exception) -> Response:
    """A fault of ours: the caller gets a number, the log gets the number and the traceback."""
    number = secrets.token_hex(8)
    _log.error("failure %s in %s", number, _place(request), exc_info=error)
    return answer_refusal(RequestRefused(500, "failure", "the server failed; its log has the id", more={"id": number}))


def _place(request: Request) -> str:
    """The operation, without anything that the caller wrote."""
    return f"{request.method} {getattr(request.scope.get('route'), 'path', 'an unknown path')}"


def _dump(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
