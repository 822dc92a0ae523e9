"""How much history is kept, and how that fares."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from nearwise.settings import Settings


class HistoryLimits(NamedTuple):
    """How many subjects are kept on disk and in memory, for how many days, in how many bytes of the disk."""

    subjects: int = 10_000
    memory_subjects: int = 500
    days: int = 400
    bytes: int = 32 * 1024 * 1024

    @staticmethod
    def of(settings: Settings) -> HistoryLimits:
        """Those of a client's settings."""
        return HistoryLimits(
            settings.history_subjects,
            settings.history_memory_subjects,
            settings.history_days,
            settings.history_bytes,
        )


class HistoryFigures(NamedTuple):
    """History at one moment."""

    subjects: int = 0
    """On the disk."""
    memory_subjects: int = 0
    unsaved: int = 0
    """Subjects whose last changes are in memory only."""
    size_bytes: int = 0
    durable: bool = False
    """Whether there is a disk to keep it on."""
    damaged: tuple[str, ...] = ()
    """What was found damaged and set aside since the start."""
    last_error: str | None = None
    """What the disk refused last; None after a success."""
