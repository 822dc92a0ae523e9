"""Stored events, read back: pages in the order of arrival, and counts that grow with the ledger.

A batch stays the received blob; reading decodes it again. Only events that count are seen: not the rejected ones, not
the part of an overlapping batch that was stored before.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import copysign, isfinite

from nearwise_rules import BundleRefused, Event, decode_batch
from nearwise_server import coverage
from nearwise_server.store import Database
from nearwise_server.store.batches import LEDGER_LIMITS, StoredBatch, batches_after
from nearwise_server.store.erasures import rewritten_batches

_BATCHES_AT_ONCE = 64

_log = logging.getLogger(__name__)

Position = tuple[int, int]
"""A place in the ledger: row number, and index of the last event that was read (-1: none of this row)."""


@dataclass(frozen=True, slots=True)
class PageLimits:
    """How many events a page may hold, and about how many bytes of JSON; one event always has room."""

    events: int
    size_bytes: int


def events_after(
    database: Database, environment: str, position: Position, limits: PageLimits
) -> tuple[list[dict[str, object]], Position]:
    """A page of events as JSON objects, and the position behind its last."""
    row, index = position
    page: list[dict[str, object]] = []
    size_bytes = 0
    for batch in ledger_after(database, environment, row - 1 if row else 0):
        for sequence, event in counting_events(batch):
            if batch.row == row and event.index <= index:
                continue
            described = _event_json(batch, sequence, event)
            size_bytes += len(json.dumps(described, ensure_ascii=False))
            if page and size_bytes > limits.size_bytes:
                return page, position
            page.append(described)
            position = (batch.row, event.index)
            if len(page) == limits.events:
                return page, position
    return page, position


def counting_events(batch: StoredBatch) -> Iterator[tuple[int, Event]]:
    """The events of a batch that count, in order, each with its sequence number."""
    try:
        decoded = decode_batch(batch.body, LEDGER_LIMITS)
    except BundleRefused as refused:
        _log.error("row %d of the ledger cannot be read: %s", batch.row, refused.reason.value)
        return
    for event in decoded.events:
        if isinstance(event, Event) and not coverage.contains(batch.rejected, event.index):
            sequence = decoded.first + event.index
            if coverage.contains(batch.counted, sequence):
                yield sequence, event


def ledger_after(database: Database, environment: str, row: int) -> Iterator[StoredBatch]:
    """The ledger behind a row number, fetched a few batches at a time."""
    while True:
        with database.reading() as connection:
            batches = batches_after(connection, environment, row, _BATCHES_AT_ONCE)
        yield from batches
        if len(batches) < _BATCHES_AT_ONCE:
            return
        row = batches[-1].row


def _event_json(batch: StoredBatch, sequence: int, event: Event) -> dict[str, object]:
    known: dict[str, object] = {
        "device": batch.device,
        "epoch": batch.epoch,
        "seq": sequence,
        "received": batch.received_ms,
        "sent": batch.sent_ms,
        "type": event.type,
        "at": event.at,
        "subject": event.subject,
        "bundle": event.bundle,
    }
    fields = {name: value for name, value in event.fields.items() if name not in known}
    return fields | {name: value for name, value in known.items() if value is not None}


Group = tuple[str, str | None, str | None, str | None]
"""Type, name, flag, variant; None where the event has none."""

OTHER: Group = ("other", None, None, None)
"""Where events are counted once there are as many groups as there may be."""


@dataclass(slots=True)
class Count:
    """What one group adds up to: events, what they stand for (a summary stands for many), and their values."""

    events: int = 0
    count: int = 0
    value: float = 0.0


@dataclass(slots=True)
class Tally:
    """Counts up to a row of the ledger; asking again decodes only what is new, or all when something was erased.

    `rewritten` is how often batches of the ledger had been rewritten when counting began.
    """

    most_groups: int
    row: int = 0
    batches: int = 0
    rewritten: int = 0
    groups: dict[Group, Count] = field(default_factory=dict[Group, Count])
    lock: threading.Lock = field(default_factory=threading.Lock)

    def update(self, database: Database, environment: str) -> list[tuple[Group, Count]]:
        """Count what has arrived since the last time; all groups, sorted."""
        with self.lock:
            self._start_over_after_erasure(database, environment)
            for batch in ledger_after(database, environment, self.row):
                for _, event in counting_events(batch):
                    self._add(event)
                self.row = batch.row
                self.batches += 1
            ordered = sorted(self.groups.items(), key=lambda item: [part or "" for part in item[0]])
            return [(group, Count(count.events, count.count, count.value)) for group, count in ordered]

    def _start_over_after_erasure(self, database: Database, environment: str) -> None:
        with database.reading() as connection:
            rewritten = rewritten_batches(connection, environment)
        if rewritten != self.rewritten:
            self.row, self.batches, self.groups, self.rewritten = 0, 0, {}, rewritten

    def _add(self, event: Event) -> None:
        name, flag, variant = (_name(event, member) for member in ("name", "flag", "variant"))
        group: Group = (event.type, name, flag, variant)
        if group not in self.groups and len(self.groups) >= self.most_groups:
            group = OTHER
        count = self.groups.setdefault(group, Count())
        count.events += 1
        stands_for, value = event.fields.get("count"), event.fields.get("value")
        count.count += stands_for if event.type == "summary" and isinstance(stands_for, int) else 1
        total = count.value + (value if isinstance(value, (int, float)) else 0)
        count.value = total if isfinite(total) else copysign(sys.float_info.max, total)  # JSON has no infinity


def _name(event: Event, member: str) -> str | None:
    value = event.fields.get(member)
    return value if isinstance(value, str) else None
