"""The two threads of a client: one syncs events to the disk, the other does all that may wait for a network."""

from __future__ import annotations

from collections.abc import Callable
from threading import Condition
from time import monotonic
from typing import TYPE_CHECKING

from nearwise.commits import Commits
from nearwise.duties import Duties, Report
from nearwise.errors import NearwiseError
from nearwise.loops import Loop
from nearwise.states import Sending

if TYPE_CHECKING:
    from nearwise.sync import Synchronizer

_BEFORE_FIRST_SECONDS = 0.03
"""The app's first decisions go before the imports that sending needs."""


class Worker:
    """Commits and sends. A request that hangs holds up no commit."""

    def __init__(self, duties: Duties) -> None:
        self.report = Report(Sending.OFF if duties.transport is None else Sending.ON)
        self._duties = duties
        self._ticked = Condition()
        self._hurry = self._committed = False
        self._synchronizer: Synchronizer | None = None
        self._syncing = Loop("nearwise", self._tick, self.report)
        self._committing = Loop("nearwise-commit", Commits(duties, self.report, self._tell_committed).tick, self.report)
        self.wake = self._syncing.wake
        self.wake_commits = self._committing.wake

    def start(self) -> None:
        """Begin."""
        self._duties.outbox.on_event(self._committing.wake)
        self._committing.start()
        self._syncing.start()

    def _tell_committed(self) -> None:
        self._committed = True
        self._syncing.wake()

    def _tick(self) -> float:
        synchronizer = self._synchronizer or self._begin()
        if self._hurry:
            self._hurry = False
            synchronizer.hurry()
        if self._committed:
            self._committed = False
            synchronizer.committed()
        try:
            return synchronizer.tick()
        finally:
            with self._ticked:
                self._ticked.notify_all()

    def _begin(self) -> Synchronizer:
        if self._duties.shelf.bundle is not None:
            self._syncing.pause(_BEFORE_FIRST_SECONDS)
            self._duties.shelf.prepare(self._duties.shelf.active.release, lambda: not self._syncing.stopping)
        if self._duties.subjects is not None:
            try:
                self._duties.subjects.resume()
            except NearwiseError as error:  # sending tries again, and waits until it has worked
                self.report.last_error = f"{type(error).__name__}: {error}"
        from nearwise.sync import Synchronizer

        self._synchronizer = made = Synchronizer(self._duties, self.report)
        self._syncing.ended = made.close
        return made

    def hurry(self) -> None:
        """Send now."""
        self._hurry = True
        self._syncing.wake()

    def wait_until(self, holds: Callable[[], bool], timeout_seconds: float) -> bool:
        """Wait until something holds, looking after every round of the thread; whether it does."""
        deadline = monotonic() + timeout_seconds
        with self._ticked:
            while not holds():
                left = deadline - monotonic()
                if left <= 0 or not self._syncing.running:
                    return holds()
                self._ticked.wait(left)
        return True

    def stop(self, timeout_seconds: float) -> None:
        """End both threads; at most this long is waited for a call that is under way."""
        deadline = monotonic() + timeout_seconds
        self._committing.stop()
        self._syncing.stop()
        self._committing.join(timeout_seconds)
        self._syncing.join(max(deadline - monotonic(), 0.0))
