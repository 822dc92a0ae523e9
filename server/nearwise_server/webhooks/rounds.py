"""The courier's side of the database: one transaction writes what has ended and claims what is next.

A courier that is killed leaves its claims to run out; then the same deliveries, with the same ids, are due again.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection

from nearwise_server.settings import Settings
from nearwise_server.store import Database
from nearwise_server.store.channels import Channel, ChannelName, disable_channel
from nearwise_server.store.deliveries import (
    DeliveryRow,
    Settlement,
    are_due,
    claim_deliveries,
    due_deliveries,
    remove_settled,
    settle_deliveries,
)
from nearwise_server.webhooks.verdicts import Judge, Verdict

_CLAIM_MARGIN_SECONDS = 60.0
"""How much longer than its try a claim lasts: time to write the outcome also when the database is slow."""
_SWEEP_SECONDS = 3600.0
_ROWS_AT_ONCE = 32

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Errand:
    """A claimed delivery and the channel it goes to."""

    row: DeliveryRow
    channel: Channel
    body: bytes

    @property
    def name(self) -> ChannelName:
        """The channel's."""
        return self.row.environment, self.row.channel


class Ended(NamedTuple):
    """An errand that is over, and what is to become of it."""

    errand: Errand
    verdict: Verdict


class Begun(NamedTuple):
    """What a round claimed, and how many deliveries it buried."""

    errands: list[Errand]
    buried: int


class Rounds:
    """Works through the deliveries of one database, beside the rounds of other servers if there are any."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._judge = Judge(settings)
        self._places = settings.webhook_sends
        self._places_per_channel = max(1, settings.webhook_sends // 2)  # one slow receiver never takes them all
        self._claim_ms = int((settings.webhook_timeout_seconds + _CLAIM_MARGIN_SECONDS) * 1000)
        self._held_ms: dict[ChannelName, int] = {}
        self._swept_ms = 0

    def go(self, now_ms: int, ended: Sequence[Ended], sending: Collection[Errand]) -> Begun:
        """Write what has ended and claim what is due, as far as `sending` leaves places."""
        room = self._places - len(sending)
        sweeping = now_ms - self._swept_ms >= _SWEEP_SECONDS * 1000
        if not ended and not sweeping and not self._may_claim(now_ms, room):
            return Begun([], 0)
        with self._database.writing() as connection:
            self._write(connection, now_ms, ended)
            if sweeping:
                remove_settled(connection, now_ms)
            begun = self._claim(connection, now_ms, sending) if room else Begun([], 0)
        if sweeping:
            self._swept_ms = now_ms
        return begun

    def write(self, now_ms: int, ended: Sequence[Ended]) -> None:
        """Write what has ended and claim nothing."""
        with self._database.writing() as connection:
            self._write(connection, now_ms, ended)

    def _may_claim(self, now_ms: int, room: int) -> bool:
        if not room:
            return False
        with self._database.reading() as connection:
            return are_due(connection, now_ms)

    def _write(self, connection: Connection, now_ms: int, ended: Sequence[Ended]) -> None:
        settle_deliveries(connection, [verdict.settlement for _, verdict in ended])
        for errand, verdict in ended:
            if verdict.held_ms:
                self._held_ms[errand.name] = verdict.held_ms
            if verdict.gone and disable_channel(connection, errand.channel, now_ms):
                _log.warning(
                    "channel %s of %s answered 410 and is disabled", errand.channel.name, errand.row.environment
                )

    def _claim(self, connection: Connection, now_ms: int, sending: Collection[Errand]) -> Begun:
        taken = Counter(errand.name for errand in sending)
        self._held_ms = {name: until_ms for name, until_ms in self._held_ms.items() if until_ms > now_ms}
        closed = {*self._held_ms, *(name for name, count in taken.items() if count >= self._places_per_channel)}
        errands: list[Errand] = []
        buried: list[Settlement] = []
        for due in due_deliveries(connection, now_ms, _ROWS_AT_ONCE, without=closed):
            name = (due.row.environment, due.row.channel)
            if due.channel is None or due.channel.disabled_ms is not None:
                buried.append(self._judge.without_channel(due.row, due.channel, now_ms))
            elif taken[name] < self._places_per_channel and len(errands) < self._places - len(sending):
                taken[name] += 1
                errands.append(Errand(due.row, due.channel, due.body))
        settle_deliveries(connection, buried)
        claim_deliveries(connection, [errand.row.id for errand in errands], now_ms + self._claim_ms)
        return Begun(errands, len(buried))
