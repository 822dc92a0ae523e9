"""The time by which history grows old: the device's clock, as far as it can be believed.

A clock that jumps ahead by years must not make a device forget its caps. So time passes by the monotonic clock while
the process runs, and by at most 31 days from one start to the next; a clock that is behind is believed at once.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

_MOST_BETWEEN_STARTS_SECONDS = 31 * 86_400.0
_FIRST_REAL_TIME = 1_735_689_600.0
"""2025: what a device takes for now before this, it has not been told."""


class BelievedTime:
    """`reached` is what was believed when the device was last seen running; None: it never was, so the clock counts."""

    def __init__(
        self, clock: Callable[[], float], reached: float | None, uptime: Callable[[], float] = monotonic
    ) -> None:
        self._clock = clock
        self._uptime = uptime
        self._started = uptime()
        self._reached = reached if reached is not None and reached >= _FIRST_REAL_TIME else None

    def now(self) -> float:
        """Unix seconds, not later than can be believed."""
        clock = self._clock()
        if self._reached is None:
            return clock
        return min(clock, self._reached + _MOST_BETWEEN_STARTS_SECONDS + self._uptime() - self._started)

    def reached(self) -> float:
        """What to believe at the next start: it never goes back."""
        return max(self.now(), self._reached or 0.0)
