"""A thread that does what is due and sleeps until something is due again or somebody calls."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread, current_thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nearwise.duties import Report

_LONGEST_SECONDS = 3600.0
_AFTER_SURPRISE_SECONDS = 1.0


def _nothing() -> None: ...


class Loop:
    """One daemon thread. It does not keep the process alive."""

    def __init__(self, name: str, step: Callable[[], float], report: Report) -> None:
        """`step` does what is due and tells after how many seconds to call it again; `ended` is called at the end."""
        self._step = step
        self.ended: Callable[[], None] = _nothing
        self._report = report
        self._call = Event()
        self._stopping = False
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self.start = self._thread.start
        self.wake = self._call.set

    @property
    def running(self) -> bool:
        """Whether the thread has begun and not ended."""
        return self._thread.is_alive()

    @property
    def stopping(self) -> bool:
        """Whether the thread is to end after the step that is under way."""
        return self._stopping

    def pause(self, seconds: float) -> None:
        """For the thread itself: wait this long, or until somebody calls."""
        self._call.wait(seconds)

    def _run(self) -> None:
        while not self._stopping:
            try:
                wait = self._step()
            except Exception as error:  # noqa: BLE001  whatever a disk or a network can give, the thread goes on
                self._report.last_error = f"{type(error).__name__}: {error}"
                wait = _AFTER_SURPRISE_SECONDS
            self._call.wait(wait if wait < _LONGEST_SECONDS else None if wait == float("inf") else _LONGEST_SECONDS)
            self._call.clear()
        self.ended()

    def stop(self) -> None:
        """Begin no further step."""
        self._stopping = True
        self._call.set()

    def join(self, timeout_seconds: float) -> None:
        """Wait at most this long for a step that is under way, unless it is the step itself that asks."""
        if self._thread.is_alive() and self._thread is not current_thread():
            self._thread.join(timeout_seconds)
