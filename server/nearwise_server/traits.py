"""Traits over HTTP: written by whoever knows the subjects, read by devices as far as the newest bundle declares them.

No answer and no log repeats a subject that a device did not name itself.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeVar, cast

import anyio
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response

from nearwise_rules import DocumentError, canonical_json, erasure_digest
from nearwise_server.answers import answer_json
from nearwise_server.bodies import Bodies
from nearwise_server.catalogue import Catalogue
from nearwise_server.edge import names
from nearwise_server.errors import RequestRefused
from nearwise_server.keys import ApiKey
from nearwise_server.media_types import JSON_TYPE
from nearwise_server.operations import DEVICES
from nearwise_server.requests import json_body, json_lines
from nearwise_server.settings import Settings
from nearwise_server.store import Database
from nearwise_server.store.traits import drop_traits, put_traits, traits_of

_SUBJECT = re.compile(r"[^\x00-\x1f\x7f/\ud800-\udfff]{1,256}")
_NAME = re.compile(r"[A-Za-z0-9._-]{1,128}")
_LINE_FRAME_BYTES = 2_048
"""What a line holds around its traits: the subject, escaped at worst, and two names."""
_PROBLEMS_SHOWN = 100
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """The operations on traits over what the server shares."""

    settings: Settings
    database: Database
    catalogue: Catalogue
    bodies: Bodies
    workers: anyio.CapacityLimiter
    clock: Callable[[], float]

    async def _run(self, work: Callable[[], Result]) -> Result:
        """Work for people and their jobs: it never takes the threads that devices need."""
        return await run_sync(work, limiter=self.workers)

    async def put(self, request: Request, key: ApiKey) -> Response:
        """Replace the traits of one subject."""
        digest = erasure_digest(_subject_of(request))
        async with self.bodies.body(request, self.settings.subject_bytes) as body:
            content = json_body(body, most=self.settings.subject_bytes)
        try:
            packed = pack_traits(content, self.settings)
        except ValueError as wrong:
            raise RequestRefused(422, "bad_traits", str(wrong)) from None
        return answer_json({"updated": await self._run(partial(self._put, key.environment, {digest: packed}))})

    async def put_many(self, request: Request, key: ApiKey) -> Response:
        """Replace the traits of many subjects, all or none of them."""
        async with self.bodies.body(request, self.settings.subjects_bytes) as body:
            bodies = await self._run(partial(self._read_lines, body))
        updated = await self._run(partial(self._put, key.environment, bodies))
        return answer_json({"stored": len(bodies), "updated": updated})

    async def drop(self, request: Request, key: ApiKey) -> Response:
        """Forget the traits of one subject."""
        digest = erasure_digest(_subject_of(request))

        def write() -> bool:
            with self.database.writing() as connection:
                return drop_traits(connection, key.environment, digest)

        return answer_json({"deleted": await self._run(write)})

    async def read(self, request: Request, key: ApiKey) -> Response:
        """The traits of one subject: for a device those that its rules can read, for people all."""
        subject = _subject_of(request)

        def read() -> tuple[Mapping[str, object], int] | None:
            with self.database.reading() as connection:
                stored = traits_of(connection, key.environment, erasure_digest(subject))
            return None if stored is None else (json.loads(stored.body), stored.updated_ms)

        held = await run_sync(read)
        if held is None:
            raise RequestRefused(404, "unknown_subject", "nothing is known of this subject")
        traits, updated = held
        if key.scope in DEVICES:
            newest = self.catalogue.newest(key.environment)
            declared = newest.traits if newest is not None else ()
            traits = {name: value for name, value in traits.items() if name in declared}
        return _conditional(request, canonical_json({"subject": subject, "traits": traits, "updated": updated}))

    def _put(self, environment: str, bodies: Mapping[str, bytes]) -> int:
        now_ms = int(self.clock() * 1000)
        with self.database.writing() as connection:
            put_traits(connection, environment, bodies, now_ms)
        return now_ms

    def _read_lines(self, body: bytes) -> dict[str, bytes]:
        """The traits by digest; the last line of a subject counts."""
        line_bytes = self.settings.subject_bytes + _LINE_FRAME_BYTES
        bodies: dict[str, bytes] = {}
        problems: list[dict[str, object]] = []
        for line, value in json_lines(body, most=self.settings.subjects_per_request, line_bytes=line_bytes):
            try:
                subject, traits = _parts(value)
                bodies[erasure_digest(subject)] = pack_traits(traits, self.settings)
            except ValueError as wrong:
                problems.append({"line": line, "code": "bad_traits", "message": str(wrong)})
        if problems:
            detail = f"{len(problems)} lines have problems; nothing was stored"
            raise RequestRefused(422, "bad_traits", detail, more={"problems": problems[:_PROBLEMS_SHOWN]})
        return bodies


def pack_traits(value: object, settings: Settings) -> bytes:
    """The traits of one subject as they are stored.

    Raises:
        ValueError: they are not what may be stored; the message repeats no value.
    """
    if not isinstance(value, dict):
        raise ValueError("traits are an object of attribute names and values")
    members = cast("dict[str, object]", value)
    if len(members) > settings.subject_traits:
        raise ValueError(f"at most {settings.subject_traits} traits of one subject")
    if not all(map(_NAME.fullmatch, members)):
        raise ValueError("a trait is named as an attribute: letters, digits, '.', '_' and '-', at most 128")
    if _is_deeper(members, settings.subject_depth):
        raise ValueError(f"traits are nested at most {settings.subject_depth} deep")
    try:
        packed = canonical_json(members)
    except DocumentError as error:
        raise ValueError(f"traits hold what JSON cannot carry ({error.problems[0].code})") from None
    if len(packed) > settings.subject_bytes:
        raise ValueError(f"the traits of one subject have at most {settings.subject_bytes} bytes")
    return packed


def _is_deeper(value: object, depth: int) -> bool:
    """Walks level by level, without recursion."""
    level: list[object] = [value]
    for _ in range(depth):
        level = [child for part in level for child in _children(part)]
    return any(isinstance(part, dict | list) for part in level)


def _children(value: object) -> list[object]:
    if isinstance(value, dict):
        return [*cast("dict[str, object]", value).values()]
    return cast("list[object]", value) if isinstance(value, list) else []


def _parts(value: object) -> tuple[str, object]:
    line = cast("dict[str, object]", value) if isinstance(value, dict) else {}
    if line.keys() != {"subject", "traits"}:
        raise ValueError("a line is an object of 'subject' and 'traits'")
    subject = line["subject"]
    if not isinstance(subject, str) or not is_subject(subject):
        raise ValueError("a subject is 1 to 256 characters without '/' and control characters")
    return subject, line["traits"]


def is_subject(text: str) -> bool:
    """Whether a text can be the subject in a path."""
    return _SUBJECT.fullmatch(text) is not None and text not in (".", "..")


def _subject_of(request: Request) -> str:
    subject = str(request.path_params["subject"])
    if not is_subject(subject):
        raise RequestRefused(404, "unknown_subject", "a subject is 1 to 256 characters without control characters")
    return subject


def _conditional(request: Request, body: bytes) -> Response:
    """The body, or 304 when the caller has it."""
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache", "Vary": "Authorization"}
    if names(request.headers.get("if-none-match", ""), etag):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=JSON_TYPE)
