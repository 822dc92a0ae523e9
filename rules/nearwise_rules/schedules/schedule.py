"""Compiled schedules: whether they are open, how long that stays so, and why, in words.

What counts is what the wall clock shows. An hour that the clocks show twice in autumn is open both times, one that
they skip in spring not at all; so a window is as long as the clock says on every other day only.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from typing import NamedTuple

from nearwise_rules.schedules.hours import Hours

LATEST = 2.2e11
"""The last moment that schedules know, in the year 8941: an `at` outside 1970 to then is a broken clock."""


class Opening(NamedTuple):
    """Whether a schedule is open, and the Unix time up to which that certainly stays so."""

    open: bool
    until: float


class Schedule:
    """A schedule at work: open when any of its hours are. Immutable; safe from any thread."""

    __slots__ = ("_hours",)

    def __init__(self, hours: Iterable[Hours]) -> None:
        self._hours = tuple(hours)

    def at(self, at: float) -> Opening:
        """Whether it is open at a Unix time. `until` is never late; infinite when nothing changes any more."""
        if not 0 <= at <= LATEST:
            return Opening(False, at)
        answers = [hours.at(at) for hours in self._hours]
        opened = [until for is_open, until in answers if is_open]
        if opened:
            return Opening(True, max(opened))
        return Opening(False, min([until for _, until in answers], default=inf))

    def is_over(self, at: float) -> bool:
        """Whether it is closed at a Unix time and for ever after."""
        return self.next_opening(at) is None

    def next_opening(self, at: float) -> float | None:
        """The first moment from `at` on at which it is open; None when there is none."""
        if not 0 <= at <= LATEST:
            return None
        found = [opens for hours in self._hours if (opens := hours.next_opening(at)) is not None]
        return min(found, default=None)

    def reason(self, at: float) -> str:
        """Why it is open or closed, in words that come after "when:"."""
        if not 0 <= at <= LATEST:
            return "the clock is wrong"
        is_open = self.at(at).open
        reasons = [hours.reason(at) for hours in self._hours if hours.at(at)[0] is is_open]
        return "; ".join(dict.fromkeys(reasons)) or "it has no hours"
