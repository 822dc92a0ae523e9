"""One input at a time under watch: how long it took, how much memory it asked for, whether it hung."""

from __future__ import annotations

import os
import resource
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import NoReturn

HANG_SECONDS = 1.0
"""No input may take longer than this. A machine that others use may stand still for that long: then CPU time counts."""

STALL_SECONDS = 20.0
"""No input may take longer than this, whatever the machine does."""


class Hung(BaseException):
    """An input took over `HANG_SECONDS`. Not an Exception: code under test that catches those must not hide it."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one input cost: wall seconds, and KiB by which the peak of resident memory stood over its start."""

    seconds: float
    peak_kib: int


class Watch:
    """Runs calls one by one in the main thread. On Linux the peak is that of each call alone, elsewhere not known."""

    def __init__(self, hang_seconds: float = HANG_SECONDS) -> None:
        self.hang_seconds = hang_seconds
        self._has_peak = self._reset_peak()

    def run(self, call: Callable[[], None], *, by_cpu: bool = False) -> Reading:
        """Run `call`; `by_cpu` counts the seconds that the whole process computes, not those that pass.

        Raises:
            Hung: it took longer than allowed.
        """
        before = self._status("VmRSS") if self._has_peak and self._reset_peak() else 0
        earlier = [(number, signal.signal(number, _interrupt)) for number in (signal.SIGALRM, signal.SIGPROF)]
        clock = time.process_time if by_cpu else time.perf_counter
        start = clock()
        signal.setitimer(signal.ITIMER_REAL, STALL_SECONDS if by_cpu else self.hang_seconds)
        signal.setitimer(signal.ITIMER_PROF, self.hang_seconds)
        try:
            call()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.setitimer(signal.ITIMER_PROF, 0)
            for number, handler in earlier:
                signal.signal(number, handler)
        return Reading(clock() - start, max(0, self._status("VmHWM") - before) if self._has_peak else 0)

    def _reset_peak(self) -> bool:
        """Set the process's high-water mark to what it uses now (proc(5), clear_refs 5)."""
        try:
            with open("/proc/self/clear_refs", "w") as file:
                file.write("5")
        except OSError:
            return False
        return True

    def _status(self, name: str) -> int:
        with open("/proc/self/status") as file:
            for line in file:
                if line.startswith(name + ":"):
                    return int(line.split()[1])
        return 0


def resident_kib() -> int:
    """KiB of this process that are in memory now; its highest value ever where /proc is missing."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise Hung
