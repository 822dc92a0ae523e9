"""The outbox: a log of events, sealed into batches that never change until the server has answered for them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import RLock
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from nearwise.errors import ClientClosed, StorageFailed

from .batches import NO_EVENT, Batch, BatchLimits, Figures, LogLimits, Span
from .cursor import Cursor, Sealed, read_cursor, write_cursor
from .dead import DeadLetters

if TYPE_CHECKING:
    from .memory import MemoryLog
    from .rewriting import Matches

_ENDLESS = 1 << 63
_FEW = 1_000
"""So many events are in memory at once when all are gone through."""


class Log(Protocol):
    """Where the events are: on disk or in memory."""

    durable: bool
    epoch: str
    lost: int
    held: Span | None
    quiet: bool
    wake: Callable[[], None]

    @property
    def next(self) -> int: ...
    @property
    def size_bytes(self) -> int: ...
    @property
    def damaged_bytes(self) -> int: ...
    def append(self, payload: bytes, *, critical: bool = False) -> int: ...
    def commit(self) -> int: ...
    def prepare(self) -> bool: ...
    def read(self, span: Span) -> Iterator[tuple[int, bytes]]: ...
    def unsettled(self, confirmed: Callable[[str], int]) -> int: ...
    def epochs(self) -> list[str]: ...
    def redact(self, matches: Matches) -> Iterator[tuple[str, int]]: ...
    def remove_through(self, epoch: str, end: int) -> None: ...
    def close(self) -> None: ...


class Outbox:
    """Events on their way to the server. Any thread may append or redact; one thread seals, sends and settles."""

    def __init__(self, log: Log, cursor: Cursor, keep: Callable[[Cursor, bool], None], dead: DeadLetters) -> None:
        """Use `open_outbox` or `memory_outbox`. `keep` persists a cursor, synced when its second argument is true."""
        self._log = log
        self._cursor = cursor
        self._keep = keep
        self._dead = dead
        self._settled = 0
        self._redacted = 0
        self._recalled: set[int] = set()
        self._closed = False
        self._moving = RLock()
        self._found = log.unsettled(cursor.confirmed)
        self._opened_at = log.next
        self.append = log.append
        self.commit = log.commit
        self.prepare = log.prepare
        self._hold()

    def waiting(self) -> list[bytes]:
        """Every event of the current epoch that the server has not confirmed, in order. For few: all are in memory."""
        log = self._log
        with self._moving:
            events = list(log.read((log.epoch, self._cursor.confirmed(log.epoch), _ENDLESS)))
        return [payload for _, payload in events if payload != NO_EVENT]

    @property
    def place(self) -> tuple[str, int]:
        """Where the next event goes, or behind: the epoch, and the first sequence that is free."""
        return self._log.epoch, self._log.next

    def since(self, place: tuple[str, int]) -> list[bytes]:
        """The events from a place on that the server has not confirmed. For few: all are in memory."""
        epoch, sequence = place
        with self._moving:
            start = max(sequence, self._cursor.confirmed(epoch))
            return [payload for _, payload in self._log.read((epoch, start, _ENDLESS))]

    def found(self, first: int = 0) -> Iterator[tuple[int, bytes]]:
        """The unconfirmed events that earlier runs left in the current epoch, from a sequence on, with theirs."""
        while first < self._opened_at:
            with self._moving:
                first = max(first, self._cursor.confirmed(self._log.epoch))
                events = list(self._log.read((self._log.epoch, first, min(first + _FEW, self._opened_at))))
            yield from events
            first += _FEW

    def record(self, payload: bytes, noted: Callable[[], None]) -> None:
        """Append a critical event and call `noted`, before any answer of the server for it is heeded.

        Whoever misses his note after a crash finds the event `since` the place it was given, or it was never appended.

        Raises:
            StorageFailed, EventRefused, ClientClosed: it is not in the log.
        """
        with self._moving:
            place = self.place
            try:
                self._log.append(payload, critical=True)
            except StorageFailed:
                if payload not in self.since(place):
                    raise
            noted()

    @property
    def stirred(self) -> bool:
        """Whether an event came since `settle_down`."""
        return not self._log.quiet

    def settle_down(self) -> None:
        """From now on the next event calls `wake`."""
        self._log.quiet = True

    def on_event(self, wake: Callable[[], None]) -> None:
        """Call `wake` with the first event after each `settle_down`."""
        self._log.wake = wake

    def figures(self) -> Figures:
        """How the outbox fares."""
        log = self._log
        queued = self._found + (log.next - self._opened_at) - self._settled - self._redacted - log.lost
        return Figures(
            queued=max(queued, 0),
            lost=log.lost,
            dead=self._dead.count,
            size_bytes=log.size_bytes,
            damaged_bytes=log.damaged_bytes,
            durable=log.durable,
        )

    def seal(self, limits: BatchLimits) -> Batch | None:
        """The batch to send: the one that is waiting for its answer, else a new one; None when there is nothing.

        Its events and boundaries are on disk before it is returned.

        Raises:
            StorageFailed, OSError: the disk failed.
        """
        with self._moving:
            return None if self._closed else self._waiting_batch() or self._new_batch(limits)

    def _waiting_batch(self) -> Batch | None:
        """The batch that is waiting for its answer; None when there is none, or nothing is left of it."""
        sealed = self._cursor.sealed
        if sealed is None:
            return None
        end = sealed.first + sealed.length
        batch = self._collect((sealed.epoch, sealed.first, end), BatchLimits(_ENDLESS, _ENDLESS))
        if batch is None:
            self._move(sealed.epoch, end)
            return None
        lead, missing = batch.first - sealed.first, end - batch.end
        return Batch(sealed.epoch, sealed.first, (NO_EVENT,) * lead + batch.events + (NO_EVENT,) * missing)

    def _new_batch(self, limits: BatchLimits) -> Batch | None:
        upper = self._log.commit()
        for epoch in self._log.epochs():
            end = upper if epoch == self._log.epoch else _ENDLESS
            batch = self._collect((epoch, self._cursor.confirmed(epoch), end), limits)
            if batch is not None:
                self._seal(batch.epoch, batch.first, len(batch.events))
                return batch
        return None

    def _collect(self, span: Span, limits: BatchLimits) -> Batch | None:
        events: list[bytes] = []
        first, size = -1, 0
        for sequence, payload in self._log.read(span):
            if not events:
                first = sequence
            index = sequence - first
            if index < len(events):  # the same event again, copied when a sync failed
                continue
            if events and (index >= limits.events or size + len(payload) > limits.size_bytes):
                break
            events.extend([NO_EVENT] * (index - len(events)))
            events.append(payload)
            size += len(payload)
        return Batch(span[0], first, tuple(events)) if events else None

    def _seal(self, epoch: str, first: int, count: int) -> None:
        cursor = self._cursor._replace(sealed=Sealed(epoch, first, count))
        with self._moving:
            if self._closed:
                raise ClientClosed("the outbox is closed")
            self._keep(cursor, True)
        self._cursor = cursor
        self._hold()

    def _hold(self) -> None:
        sealed = self._cursor.sealed
        self._log.held = None if sealed is None else (sealed.epoch, sealed.first, sealed.first + sealed.length)

    def settle(self, batch: Batch, end: int | None = None) -> None:
        """The server has answered for the events of a batch below `end` (all of them by default): forget them."""
        end = batch.end if end is None else min(end, batch.end)
        with self._moving:
            answered = enumerate(batch.events[: end - batch.first], batch.first)
            self._settled += sum(event != NO_EVENT and number not in self._recalled for number, event in answered)
            self._move(batch.epoch, end)

    def _move(self, epoch: str, end: int) -> None:
        """An answer that comes after `close` changes nothing: the folder may be another client's by then."""
        with self._moving:
            if not self._closed:
                self._move_while_open(epoch, end)

    def _move_while_open(self, epoch: str, end: int) -> None:
        done = {**self._cursor.done, epoch: max(end, self._cursor.confirmed(epoch))}
        self._log.remove_through(epoch, end)
        waiting = {*self._log.epochs(), self._log.epoch}
        kept = MappingProxyType({key: value for key, value in done.items() if key in waiting})
        self._cursor = Cursor(epoch=self._cursor.epoch, done=kept)
        self._recalled.clear()
        self._hold()
        with suppress(OSError):  # the old cursor only leads to a batch sent again, which the server knows
            self._keep(self._cursor, False)

    def halve(self, batch: Batch) -> bool:
        """The server finds the batch too large: seal its first half instead. False when it is one event."""
        if len(batch.events) < 2:
            return False
        self._seal(batch.epoch, batch.first, len(batch.events) // 2)
        return True

    def bury(self, batch: Batch, reasons: dict[int, str]) -> None:
        """Set events aside that the server will never take: index in the batch -> reason."""
        with self._moving:
            for index, reason in sorted(reasons.items()):
                event = batch.events[index] if 0 <= index < len(batch.events) else NO_EVENT
                if event != NO_EVENT and batch.first + index not in self._recalled:
                    self._dead.add(batch.epoch, batch.first + index, event, reason)

    def redact(self, matches: Matches) -> int:
        """Take out every event whose payload matches, dead letters too; how many it were.

        It leaves its number without an event: a batch that may have reached the server keeps its boundaries. No file
        of the outbox holds a byte of it when this returns. Events appended meanwhile stay. After a crash in the
        middle, call it again.

        Raises:
            StorageFailed, OSError: the disk refused; some events are left.
            ClientClosed: the outbox was closed.
        """
        with self._moving:
            if self._closed:
                raise ClientClosed("the outbox is closed")
            count = 0
            for epoch, sequence in self._log.redact(matches):
                count += 1
                self._recall(epoch, sequence)
            return count + self._dead.redact(matches)

    def _recall(self, epoch: str, sequence: int) -> None:
        """Count an event out; one that is on its way must not be counted again, or be kept, when the answer comes."""
        if sequence >= self._cursor.confirmed(epoch):
            self._redacted += 1
        sealed = self._cursor.sealed
        if sealed is not None and sealed.epoch == epoch and sealed.first <= sequence < sealed.first + sealed.length:
            self._recalled.add(sequence)

    def close(self) -> None:
        """Sync and give back every file. What is queued waits for the next start.

        Raises:
            StorageFailed: the disk failed.
        """
        with self._moving:
            self._closed = True
        self._log.close()


def open_outbox(folder: str, *, clock: Callable[[], float], limits: LogLimits | None = None) -> Outbox:
    """The outbox of a folder, with what earlier runs left in it.

    A folder whose cursor is lost gets a new epoch for new events: a number that was sent is never given again.

    Raises:
        OSError: the folder cannot be used.
    """
    from .log import EventLog
    from .segments import LogPlace

    os.makedirs(folder, mode=0o700, exist_ok=True)
    known = read_cursor(folder)
    cursor = known or Cursor(epoch=os.urandom(16).hex())
    log = EventLog(LogPlace(folder=folder, clock=clock), limits or LogLimits(), cursor.epoch)
    log.skip_to(cursor.used(cursor.epoch))
    if known is None:
        write_cursor(folder, cursor, durable=True)

    def keep(cursor: Cursor, durable: bool) -> None:
        write_cursor(folder, cursor, durable=durable)

    return Outbox(log, cursor, keep, DeadLetters(os.path.join(folder, "dead-letters.jsonl")))


def memory_outbox(log: MemoryLog) -> Outbox:
    """The outbox over a log that dies with the process."""
    return Outbox(log, Cursor(epoch=log.epoch), lambda _cursor, _durable: None, DeadLetters(None))
