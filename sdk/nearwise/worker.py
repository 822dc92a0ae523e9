"""The thread that runs a synchronizer: it sleeps until something is due or somebody calls."""

from __future__ import annotations

from collections.abc import Callable
from threading import Condition, Event, Thread
from time import monotonic

from nearwise.duties import Duties, Report
from nearwise.states import Sending

_BEFORE_FIRST_SECONDS = 0.03
"""The app's first decisions go before the imports that sending needs."""


class Worker:
    """One daemon thread. It does not keep the process alive."""

    def __init__(self, duties: Duties) -> None:
        self.report = Report(Sending.OFF if duties.transport is None else Sending.ON)
        self._duties = duties
        self._call = Event()
        self._ticked = Condition()
        self._stopping = False
        self._hurry = False
        self._thread = Thread(target=self._run, name="nearwise", daemon=True)
        self.wake = self._call.set

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def _run(self) -> None:
        if self._duties.shelf.bundle is not None:
            self._call.wait(_BEFORE_FIRST_SECONDS)
        from nearwise.sync import Synchronizer

        synchronizer = Synchronizer(self._duties, self.report)
        while not self._stopping:
            if self._hurry:
                self._hurry = False
                synchronizer.hurry()
            try:
                wait = synchronizer.tick()
            except Exception as error:  # noqa: BLE001  whatever a disk or a network can give, the thread goes on
                self.report.last_error = f"{type(error).__name__}: {error}"
                wait = 1.0
            with self._ticked:
                self._ticked.notify_all()
            self._call.wait(min(wait, 3600.0))
            self._call.clear()
        synchronizer.close()

    def hurry(self) -> None:
        """Send and sync now."""
        self._hurry = True
        self._call.set()

    def wait_until(self, holds: Callable[[], bool], timeout_seconds: float) -> bool:
        """Wait until something holds, looking after every round of the thread; whether it does."""
        deadline = monotonic() + timeout_seconds
        with self._ticked:
            while not holds():
                left = deadline - monotonic()
                if left <= 0 or not self._thread.is_alive():
                    return holds()
                self._ticked.wait(left)
        return True

    def stop(self, timeout_seconds: float) -> None:
        """End the thread; at most this long is waited for a call that is under way."""
        self._stopping = True
        self._call.set()
        if self._thread.is_alive():
            self._thread.join(timeout_seconds)
