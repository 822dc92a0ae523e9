"""The hours of one schedule: a range of time, the days that count, and windows of those days."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from math import inf
from typing import TypeAlias

from nearwise_rules.records import Record
from nearwise_rules.schedules.calendar import Window
from nearwise_rules.schedules.days import Days, weekday_name
from nearwise_rules.schedules.wall import DAY, Stretch, Wall

LOOK_AHEAD = 8 * DAY
"""How many seconds ahead `at` looks for a change: every weekly schedule has one by then."""

Ranges: TypeAlias = "tuple[tuple[int, int], ...]"
"""Parts of a day, in seconds since midnight: sorted, and apart from each other."""


class Bounds(Record):
    """From when to when a schedule is open at all, and the words for before and after."""

    __slots__ = ("after", "before", "end", "start")
    start: float
    end: float
    before: str
    after: str

    def __init__(self, start: float = -inf, end: float = inf, before: str = "", after: str = "") -> None:
        self._fix(start=start, end=end, before=before, after=after)

    def until_day(self, day: int, wall: Wall) -> Bounds:
        """These bounds, ending not later than the night after `day`; 0 is no day at all."""
        end = wall.begins(day + 2) if day else -inf
        if end >= self.end:
            return self
        return Bounds(
            self.start, end, self.before, f"its last day was {date.fromordinal(day)}" if day else "no day counts"
        )


class Hours:
    """When one schedule is open: within its bounds, in its windows, on the days that count.

    `label` names the windows for people.
    """

    __slots__ = ("_always", "_bounds", "_days", "_label", "_ranges", "_wall", "_windows")

    def __init__(self, wall: Wall, bounds: Bounds, days: Days, windows: Iterable[Window], label: str = "") -> None:
        self._wall = wall
        self._days = days
        self._bounds = bounds if days.last is None else bounds.until_day(days.last, wall)
        self._windows = tuple(sorted(windows, key=lambda window: window.first))
        self._label = label
        self._ranges = {
            (before, today): _ranges(self._windows, before, today)
            for before in (False, True)
            for today in (False, True)
        }
        self._always = days.are_all and self._ranges[True, True] == ((0, DAY),)

    def at(self, at: float) -> tuple[bool, float]:
        """Whether they are open, and the moment up to which that certainly stays so."""
        start, end = self._bounds.start, self._bounds.end
        if at >= end or start >= end:
            return False, inf
        if at < start:
            return False, start
        if self._always:
            return True, end
        is_open, until = self._change(at, at + LOOK_AHEAD)
        if until < end:
            return is_open, until
        return is_open, end if is_open else inf

    def _change(self, at: float, horizon: float) -> tuple[bool, float]:
        """The same without bounds."""
        moment = until = at
        while moment < horizon:
            stretch = self._wall.stretch(moment)
            for opens, closes in self._openings(stretch, moment):
                if opens > until:
                    return (True, until) if until > at else (False, opens)
                until = closes
            if at < until < stretch.end:
                return True, until
            moment = stretch.end
        return (True, until) if until > at else (False, horizon)

    def next_opening(self, at: float) -> float | None:
        """The first moment from `at` on at which they are open; None when there is none."""
        at, end = max(at, self._bounds.start), self._bounds.end
        if at >= end:
            return None
        for day in self._days.since(self._wall.shown(at).toordinal() - 1):
            first = max(at, self._wall.begins(day))
            if first >= end:
                return None
            night = self._wall.begins(day + 2)
            while first < night:
                stretch = self._wall.stretch(first)
                for opens, _ in self._openings(stretch, first):
                    return opens if opens < end else None
                first = stretch.end
        return None

    def _openings(self, stretch: Stretch, at: float) -> Iterator[tuple[float, float]]:
        """From when to when they are open in the rest of a stretch after `at`, in order; without bounds."""
        day, midnight, end = stretch
        for first, last in self._ranges[day - 1 in self._days, day in self._days]:
            opens, closes = max(at, midnight + first), min(end, midnight + last)
            if opens < closes:
                yield opens, closes

    def reason(self, at: float) -> str:
        """Why they are open or closed, in words."""
        bounds = self._bounds
        if bounds.start < bounds.end and at < bounds.start:
            return bounds.before
        if at >= bounds.end:
            return bounds.after
        is_open, until = self.at(at)
        if is_open:
            return "open" if until == inf else f"open until {self._named(until, at)}"
        day, midnight, _ = self._wall.stretch(at)
        return self._outside(day, at - midnight) if day in self._days else self._days.against(day)

    def _named(self, moment: float, at: float) -> str:
        """A moment as the wall clock shows it; without the date when that is the date of `at`."""
        shown = self._wall.shown(moment)
        same_day = shown.date() == self._wall.shown(at).date()
        return shown.strftime("%H:%M") if same_day else shown.strftime("%Y-%m-%d %H:%M")

    def _outside(self, day: int, passed: float) -> str:
        """Why they are closed so many seconds after the midnight of a day that counts."""
        ended = [window.last for window in self._windows if window.first < window.last <= passed]
        coming = [window.first for window in self._windows if window.first > passed]
        if ended and coming:
            times = f"between {_clock(max(ended))} and {_clock(coming[0])}"
        else:
            times = f"before {_clock(coming[0])}" if coming else f"after {_clock(max(ended, default=0))}"
        on = f" on {weekday_name(day)}" if self._days.weekdays is not None else ""
        return f"not{on} {times}{self._label}"


def _ranges(windows: Iterable[Window], before: bool, today: bool) -> Ranges:
    """The parts of a day that are open when the day `before` or `today` counts."""
    found: list[tuple[int, int]] = []
    for window in windows:
        night = window.last <= window.first
        if today:
            found.append((window.first, DAY if night else window.last))
        if before and night:
            found.append((0, window.last))
    merged: list[tuple[int, int]] = []
    for first, last in sorted(found):
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return tuple(merged)


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}"
