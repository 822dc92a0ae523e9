"""When events are synced to the disk: within `commit_seconds`, whatever the network does meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING

from nearwise.errors import NearwiseError

if TYPE_CHECKING:
    from nearwise.duties import Duties, Report

_NEVER = float("inf")


class Commits:
    """Syncs an outbox and writes history when they are due; `committed` is called afterwards.

    `clock` is monotonic seconds.
    """

    def __init__(
        self,
        duties: Duties,
        report: Report,
        committed: Callable[[], None],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._outbox = duties.outbox
        self._remembering = duties.remembering
        self._settings = duties.settings
        self._report = report
        self._committed = committed
        self._clock = clock
        self._due = _NEVER

    def tick(self) -> float:
        """Sync what is due; the seconds until something is due again, infinite while no event comes."""
        history = None if self._remembering is None else self._remembering.opened
        remembered = _NEVER if history is None else history.tick()
        if self._outbox.stirred and self._due == _NEVER:
            self._due = self._clock() + self._settings.commit_seconds
        if self._clock() >= self._due:
            self._commit()
        return min(max(self._due - self._clock(), 0.0), remembered)

    def _commit(self) -> None:
        self._due = _NEVER
        self._outbox.settle_down()
        try:
            self._outbox.commit()
        except (NearwiseError, OSError) as error:
            self._report.last_error = f"{type(error).__name__}: {error}"
            self._due = self._clock() + self._settings.retry_first_seconds
        self._committed()
