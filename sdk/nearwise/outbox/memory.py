"""The log of a client without a storage folder: a bounded queue in memory, behind the same calls as `EventLog`."""

from __future__ import annotations

import os
from _thread import RLock
from collections import deque
from typing import TYPE_CHECKING

from nearwise.errors import ClientClosed, EventRefused
from nearwise.events import encode_loss

from .batches import NO_EVENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .batches import Span
    from .rewriting import Matches


class MemoryLog:
    """Events in memory, oldest dropped first when there are too many. They die with the process."""

    def __init__(self, *, events: int, event_bytes: int, clock: Callable[[], float]) -> None:
        self.durable = False
        self.epoch = os.urandom(16).hex()
        self.lost = 0
        self.held: Span | None = None
        self.quiet = True
        self.wake: Callable[[], None] = lambda: None
        self._events: deque[tuple[int, bytes]] = deque()
        self._limit = max(events, 2)
        self._event_bytes = event_bytes
        self._clock = clock
        self._lock = RLock()
        self._next = 0
        self._closed = False

    @property
    def next(self) -> int:
        """The sequence of the next event."""
        return self._next

    def append(self, payload: bytes, *, critical: bool = False) -> int:  # noqa: ARG002 - memory has no classes
        """Keep one event and return its sequence.

        Raises:
            EventRefused: the event is larger than the limit.
            ClientClosed: the log was closed.
        """
        if len(payload) > self._event_bytes:
            raise EventRefused(f"an event of {len(payload)} bytes; at most {self._event_bytes} are kept")
        with self._lock:
            if self._closed:
                raise ClientClosed("the event log is closed")
            if len(self._events) >= self._limit:
                self._drop(max(self._limit // 10, 1))
            sequence = self._put(payload)
            if self.quiet:
                self.quiet = False
                self.wake()
            return sequence

    def _put(self, payload: bytes) -> int:
        sequence = self._next
        self._next = sequence + 1
        self._events.append((sequence, payload))
        return sequence

    def _drop(self, count: int) -> None:
        dropped = [self._events.popleft() for _ in range(min(count, len(self._events)))]
        events = sum(payload != NO_EVENT for _, payload in dropped)
        self.lost += events
        at_ms = int(self._clock() * 1000)
        self._put(encode_loss(at_ms, dropped[0][0], dropped[-1][0], events, "bound"))

    def commit(self) -> int:
        """All events below the returned sequence were appended before this call."""
        return self._next

    def prepare(self) -> bool:
        """Memory needs no preparation."""
        return True

    def read(self, span: Span) -> Iterator[tuple[int, bytes]]:
        """The events of a span as (sequence, payload), in order."""
        _, start, end = span
        with self._lock:
            events = [each for each in self._events if start <= each[0] < end]
        yield from events

    def unsettled(self, confirmed: Callable[[str], int]) -> int:
        """How many events no server has confirmed."""
        start = confirmed(self.epoch)
        return sum(sequence >= start and payload != NO_EVENT for sequence, payload in self._events)

    def epochs(self) -> list[str]:
        """The epochs that have events, oldest first."""
        return [self.epoch]

    def redact(self, matches: Matches) -> Iterator[tuple[str, int]]:
        """Take the events that match out; epoch and sequence of each that is gone."""
        with self._lock:
            events = list(self._events)
        taken = {sequence for sequence, payload in events if payload != NO_EVENT and matches(payload)}
        with self._lock:
            kept = ((each[0], NO_EVENT) if each[0] in taken else each for each in self._events)
            self._events = deque(kept)
        for sequence in sorted(taken):
            yield self.epoch, sequence

    def remove_through(self, epoch: str, end: int) -> None:
        """Forget the events below a sequence."""
        if epoch != self.epoch:
            return
        with self._lock:
            while self._events and self._events[0][0] < end:
                self._events.popleft()

    @property
    def size_bytes(self) -> int:
        """The payloads in memory, in bytes."""
        with self._lock:
            return sum(len(payload) for _, payload in self._events)

    @property
    def damaged_bytes(self) -> int:
        """Memory does not outlive the process, so nothing is found damaged."""
        return 0

    def close(self) -> None:
        """Take no more events."""
        self._closed = True
