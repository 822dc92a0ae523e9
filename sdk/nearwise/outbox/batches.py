"""What leaves an outbox: a sealed batch of consecutive events, and the figures that say how the outbox fares."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from nearwise.settings import Settings

NO_EVENT = b"\xc0"
"""MessagePack nil: holds the place of a sequence number whose event was lost, so that indices stay true."""


Span = tuple[str, int, int]
"""An epoch, the first sequence of a range and the one after its last."""


class LogLimits(NamedTuple):
    """How much a log keeps. All sizes in bytes."""

    total_bytes: int = 64 * 1024 * 1024
    segment_bytes: int = 256 * 1024
    critical_segment_bytes: int = 64 * 1024
    event_bytes: int = 32 * 1024

    @staticmethod
    def of(settings: Settings) -> LogLimits:
        """Those of a client's settings: segments that are small beside the whole, and hold the largest event."""
        largest = settings.event_bytes + 64
        return LogLimits(
            total_bytes=settings.outbox_bytes,
            segment_bytes=max(min(256 * 1024, settings.outbox_bytes // 8), largest),
            critical_segment_bytes=max(min(64 * 1024, settings.outbox_bytes // 16), largest),
            event_bytes=settings.event_bytes,
        )


class BatchLimits(NamedTuple):
    """How much goes into one batch, before compression."""

    events: int = 1000
    size_bytes: int = 256 * 1024


class Batch(NamedTuple):
    """Events `first`, `first + 1`, ... of an epoch. The same batch is sent until the server has answered it."""

    epoch: str
    first: int
    events: tuple[bytes, ...]

    @property
    def end(self) -> int:
        """The sequence after the last event."""
        return self.first + len(self.events)


class Figures(NamedTuple):
    """How an outbox fares. Counts are of events, since the folder was opened unless stated."""

    queued: int = 0
    lost: int = 0
    dead: int = 0
    size_bytes: int = 0
    damaged_bytes: int = 0
    durable: bool = True
