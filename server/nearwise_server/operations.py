"""Operations: one row per thing that can be asked over HTTP. Routes, key checks and the OpenAPI page follow from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from nearwise_server import schemas
from nearwise_server.errors import RequestRefused
from nearwise_server.keys import ApiKey, Keyring
from nearwise_server.media_types import JSON_TYPE, PROBLEM_TYPE
from nearwise_server.scopes import Scope

ANYONE: frozenset[Scope] = frozenset()
DEVICES = frozenset({Scope.DEVICE})
PUBLISHERS = frozenset({Scope.PUBLISH})
READERS = frozenset({Scope.READ})
"""What devices report may be personal: a key of CI that leaks must not show it."""
CHANNEL_KEEPERS = frozenset({Scope.CHANNELS})
"""Who sets where personal data is sent to: neither CI nor analysts."""
DELIVERY_READERS = READERS | CHANNEL_KEEPERS
PEOPLE = frozenset({Scope.READ, Scope.PUBLISH})
HOLDERS = frozenset({Scope.DEVICE, Scope.READ, Scope.PUBLISH})
"""What devices may fetch, people may look at."""
TRAIT_WRITERS = frozenset({Scope.TRAITS})
"""A job that copies traits from elsewhere needs to read nothing here."""
TRAIT_READERS = frozenset({Scope.DEVICE, Scope.READ})
ERASERS = frozenset({Scope.ERASE})
"""Erasing destroys: no key for something else may do it. Devices ask by an event."""
RECEIPT_READERS = frozenset({Scope.DEVICE, Scope.READ, Scope.ERASE})

Handler = Callable[[Request, ApiKey], Awaitable[Response]]
NOBODY = ApiKey("", Scope.READ, "")
"""Stands for the caller of an operation that needs no key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A body: its media type and, for JSON, its schema; `also` are other media types that it may have."""

    media_type: str
    schema: Mapping[str, object] = field(default_factory=dict[str, object])
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation. `answers` are status -> what it means, with the body where there is one."""

    method: str
    path: str
    handler: Handler
    scopes: frozenset[Scope]
    summary: str
    answers: Mapping[int, tuple[str, Content | None]]
    parameters: tuple[Mapping[str, object], ...] = ()
    body: Content | None = None


Answers = dict[int, tuple[str, Content | None]]
_ANY = (401, 403, 500, 503)
"""What every operation with a key may answer."""
WITH_BODY = (408, 413, 415, 422, 429)
"""What an operation that reads a body may answer besides."""
_REFUSED: tuple[str, Content | None] = ("refused", Content(media_type=PROBLEM_TYPE, schema=schemas.PROBLEM))


def listing(
    handler: Handler, path: str, summary: str, schema: schemas.Schema, scopes: frozenset[Scope] = READERS
) -> Operation:
    """A listing in pages."""
    return Operation(
        method="GET",
        path=path,
        handler=handler,
        scopes=scopes,
        summary=summary,
        parameters=schemas.PAGE,
        answers=answers_of(JSON_TYPE, 400, schema=schema),
    )


def answers_of(
    media_type: str,
    *refusals: int,
    status: int = 200,
    schema: schemas.Schema | None = None,
    also: tuple[str, ...] = (),
) -> Answers:
    """The good answer, and the refusals."""
    good = Content(media_type=media_type, schema=schema or {}, also=also)
    answers: Answers = {status: ("done", good)}
    return answers | dict.fromkeys((*refusals, *_ANY), _REFUSED)


def routes(operations: Iterable[Operation], keyring: Keyring) -> list[Route]:
    """The routes that serve the operations; one route per path, so that a wrong method learns the right ones."""
    paths: dict[str, dict[str, Operation]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method] = operation
    return [Route(path, _endpoint(methods, keyring), methods=list(methods)) for path, methods in paths.items()]


def _endpoint(methods: Mapping[str, Operation], keyring: Keyring) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        operation = methods["GET" if request.method == "HEAD" else request.method]
        if not operation.scopes:
            return await operation.handler(request, NOBODY)
        return await operation.handler(request, await _authenticate(request, keyring, operation.scopes))

    return endpoint


async def _authenticate(request: Request, keyring: Keyring, scopes: frozenset[Scope]) -> ApiKey:
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    key = None
    if scheme.lower() == "bearer" and text:
        key = keyring.remembered(text) or await run_in_threadpool(keyring.verify, text)
    if key is None:
        challenge = (("WWW-Authenticate", 'Bearer realm="nearwise"'),)
        raise RequestRefused(401, "unauthorized", "send a key of this server as a bearer token", headers=challenge)
    if key.scope not in scopes:
        wanted = " or ".join(sorted(scope.value for scope in scopes))
        raise RequestRefused(403, "forbidden", f"this needs a key with scope {wanted}")
    return key
