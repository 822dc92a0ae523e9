"""Erasures over HTTP: ask for one (what came in by letter), and read the receipts. Devices ask by an event."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import anyio
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response

from nearwise_rules import erasure_digest
from nearwise_server.answers import answer_json
from nearwise_server.bodies import Bodies
from nearwise_server.errors import RequestRefused
from nearwise_server.keys import DEVICE_NAME, ApiKey
from nearwise_server.requests import cursor, json_body, page_limit, text
from nearwise_server.settings import Settings
from nearwise_server.store import Database
from nearwise_server.store.erasures import Asked, Erasure, ask_erasures, erasure_of_id, erasures_after

_NUMBER = re.compile(r"[0-9]{1,18}")
_SUBJECT_CHARACTERS = 1_024
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasures:
    """The operations on erasures over what the server shares."""

    settings: Settings
    database: Database
    bodies: Bodies
    workers: anyio.CapacityLimiter
    clock: Callable[[], float]

    async def ask(self, request: Request, key: ApiKey) -> Response:
        """Erase a subject, named as it is; only its digest is kept."""
        async with self.bodies.body(request, 16 * 1024) as body:
            subject = text(json_body(body), "subject", most=_SUBJECT_CHARACTERS)
        if not subject:
            raise RequestRefused(422, "bad_member", "'subject' must be text")
        now_ms = int(self.clock() * 1000)
        asked = Asked(id=secrets.token_hex(16), digest=erasure_digest(subject), asked_ms=now_ms)

        def write() -> Erasure | None:
            with self.database.writing() as connection:
                ask_erasures(connection, key.environment, [asked])
                return erasure_of_id(connection, key.environment, asked.id)

        return _answer(await self._run(write), 202)

    async def receipt(self, request: Request, key: ApiKey) -> Response:
        """What became of one request."""
        id_ = str(request.path_params["id"])
        if not DEVICE_NAME.fullmatch(id_):  # ids are made of the same characters
            return _answer(None)

        def read() -> Erasure | None:
            with self.database.reading() as connection:
                return erasure_of_id(connection, key.environment, id_)

        return _answer(await run_sync(read))

    async def receipts(self, request: Request, key: ApiKey) -> Response:
        """All requests, in the order of arrival."""
        limit, after = page_limit(request, self.settings.page_rows), cursor(request, _NUMBER)
        number = 0 if after is None else int(after.group())

        def read() -> list[Erasure]:
            with self.database.reading() as connection:
                return erasures_after(connection, key.environment, number, limit)

        rows = await self._run(read)
        following = str(rows[-1].number) if len(rows) == limit else None
        return answer_json({"erasures": [_receipt(row) for row in rows], "next": following})

    async def _run(self, work: Callable[[], Result]) -> Result:
        """Work for people: it never takes the threads that devices need."""
        return await run_sync(work, limiter=self.workers)


def _answer(erasure: Erasure | None, status: int = 200) -> Response:
    if erasure is None:
        raise RequestRefused(404, "unknown_erasure", "there is no such request: it may not have arrived yet")
    return answer_json(_receipt(erasure), status)


def _receipt(erasure: Erasure) -> dict[str, object]:
    return {
        "id": erasure.id,
        "digest": erasure.digest,
        "device": erasure.device,
        "status": "waiting" if erasure.done_ms is None else "done",
        "asked": erasure.asked_ms,
        "done": erasure.done_ms,
        "events": erasure.events,
        "batches": erasure.batches,
        "traits": erasure.traits,
    }
