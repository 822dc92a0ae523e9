"""The courier: the one task that delivers. It sends a few deliveries at a time and judges how each try ended."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from functools import partial

from anyio.to_thread import run_sync
from sqlalchemy.exc import SQLAlchemyError

from nearwise_server.settings import Settings
from nearwise_server.store import Database
from nearwise_server.webhooks.posting import Failure, Poster
from nearwise_server.webhooks.rounds import Ended, Errand, Rounds
from nearwise_server.webhooks.signing import message_id, signed_headers
from nearwise_server.webhooks.verdicts import Judge, Verdict

_log = logging.getLogger(__name__)


class Courier:
    """Delivers until it is stopped. `jitter` gives numbers from 0 up to 1."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        *,
        clock: Callable[[], float],
        jitter: Callable[[], float] = random.random,
        poster: Poster | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._jitter = jitter
        self._poster = poster or Poster(settings)
        self._rounds = Rounds(database, settings)
        self._judge = Judge(settings)
        self._stopping = asyncio.Event()
        self._sending: dict[asyncio.Task[Verdict], Errand] = {}
        self._ended: list[Ended] = []

    async def run(self) -> None:
        """Deliver until `stop`; then break off what is under way, which stays due."""
        stopping = asyncio.create_task(self._stopping.wait())
        while not stopping.done():
            try:
                moved = await self.advance()
            except Exception as error:  # noqa: BLE001  # whatever it is, the next round may do better
                _log.warning("deliveries wait: %s", type(error).__name__)
                moved = 0
            if not moved:
                pause = self._settings.webhook_poll_seconds
                await asyncio.wait((stopping, *self._sending), timeout=pause, return_when=asyncio.FIRST_COMPLETED)
        await self.close()

    def stop(self) -> None:
        """Let `run` end."""
        self._stopping.set()

    async def catch_up(self) -> None:
        """Deliver what is due now, and return when all of it is written."""
        moved = 1
        while moved or self._sending:
            moved = await self.advance()
            if not moved and self._sending:
                await asyncio.wait(self._sending, return_when=asyncio.FIRST_COMPLETED)

    async def advance(self) -> int:
        """Write what has ended and begin with what is due; how many deliveries moved on."""
        for task in [task for task in self._sending if task.done()]:
            self._ended.append(Ended(self._sending.pop(task), task.result()))
        sending = list(self._sending.values())
        begun = await run_sync(partial(self._rounds.go, self._now_ms(), list(self._ended), sending))
        self._ended.clear()
        for errand in begun.errands:
            self._sending[asyncio.create_task(self._send(errand))] = errand
        return len(begun.errands) + begun.buried

    async def close(self) -> None:
        """Break off what is under way and write how everything ended."""
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)
        for task, errand in self._sending.items():
            interrupted = Verdict(self._judge.interrupted(errand.row, self._now_ms()))
            self._ended.append(Ended(errand, interrupted if task.cancelled() else task.result()))
        self._sending.clear()
        try:
            if self._ended:
                await run_sync(self._rounds.write, self._now_ms(), self._ended)
        except SQLAlchemyError as error:
            _log.warning("deliveries wait until their claims have run out: %s", type(error).__name__)
        await self._poster.close()

    async def _send(self, errand: Errand) -> Verdict:
        channel, row = errand.channel, errand.row
        try:
            headers = signed_headers(channel.secret, message_id(row), int(self._clock()), errand.body)
            outcome = await self._poster.post(channel.url, headers, errand.body)
        except Exception as error:  # noqa: BLE001  # a fault of ours: this delivery is tried again, the others go on
            _log.error("a delivery failed here: %s", type(error).__name__)
            outcome = Failure(f"failed here: {type(error).__name__}")
        return self._judge.judge(row, outcome, self._now_ms(), self._jitter())

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)
