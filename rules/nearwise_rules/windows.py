"""Spans of time that counts look back over: how they are written, and where days and hours begin in a zone."""

from __future__ import annotations

from functools import lru_cache
from math import inf, nextafter
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias, cast

if TYPE_CHECKING:
    from datetime import tzinfo

WindowKind: TypeAlias = Literal["rolling", "hour", "day", "week", "month", "ever"]

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_CALENDAR = ("hour", "day", "week", "month", "ever")
_LONGEST_DAYS = 3650
_LATEST = 253_370_764_800.0
"""The year 9999: later moments count as this one, earlier ones than 1970 as that."""
_DAY = 86_400
_EPOCH_ORDINAL = 719_163
HOURS = 32
"""Numbers that each day sets aside for its hours, of which it has 22 to 26."""
_CACHED_DAYS = 2048


class Window(NamedTuple):
    """A span that a count looks over: the calendar's hour, day, week or month, the last `seconds`, or ever."""

    kind: WindowKind
    seconds: float = inf


class Span(NamedTuple):
    """A window at one moment: from `low` up to, not including, `high`.

    `until`: when a calendar's window gives way to the next one; infinite for the others.
    """

    low: float
    high: float
    until: float


def parse_duration(text: str) -> float:
    """The seconds of `30s`, `15m`, `2h`, `7d` or `4w`.

    Raises:
        ValueError: the text is no duration.
    """
    number, unit = text[:-1], _UNITS.get(text[-1:])
    if unit is None or not (number.isascii() and number.isdigit() and len(number) <= 9) or int(number) == 0:
        raise ValueError(f"'{text[:40]}' is no duration: a number and s, m, h, d or w, such as 30m or 7d")
    seconds = int(number) * unit
    if seconds > _LONGEST_DAYS * _DAY:
        raise ValueError(f"'{text}' is too long: at most {_LONGEST_DAYS}d")
    return float(seconds)


@lru_cache(maxsize=256)
def parse_window(text: str) -> Window:
    """The window that a text names: a duration looks back from each moment, a word stands for the calendar's.

    Raises:
        ValueError: the text is no window.
    """
    if text in _CALENDAR:
        return Window(cast("WindowKind", text))
    try:
        return Window("rolling", parse_duration(text))
    except ValueError as error:
        words = ", ".join(_CALENDAR)
        raise ValueError(f"'{text[:40]}' is no window: {words}, or a number and s, m, h, d or w (7d)") from error


class _Day(NamedTuple):
    start: float
    end: float
    ordinal: int


class Calendar:
    """Days and hours of Unix seconds in a zone. A day begins with its first midnight; hours are counted from there.

    So a day of 25 hours has 25, each of one length, and both numbers only grow with time. Any thread may ask.
    """

    def __init__(self, zone: str = "UTC") -> None:
        self.zone = zone
        self._info: tzinfo | None = None
        if zone != "UTC":
            from nearwise_rules.logic.foreign import zone_named

            self._info = zone_named(zone)
        self._last = _Day(0.0, 0.0, 0)
        self._days: dict[int, tuple[_Day, ...]] = {}
        self._starts: dict[int, float] = {}

    def day(self, at: float) -> int:
        """The day of a moment, as `date.toordinal` numbers it."""
        last = self._last
        return last.ordinal if last.start <= at < last.end else self._day(at).ordinal

    def hour(self, at: float) -> int:
        """The hour of a moment: `HOURS` times its day, and the whole hours since that began."""
        day = self._day(at)
        return day.ordinal * HOURS + int((moment(at) - day.start) // 3600)

    def hour_end(self, at: float) -> float:
        """When the hour of a moment is over."""
        day = self._day(at)
        return min(day.start + ((moment(at) - day.start) // 3600 + 1) * 3600, day.end)

    def start(self, ordinal: int) -> float:
        """The first moment of a day."""
        if self._info is None:
            return float((ordinal - _EPOCH_ORDINAL) * _DAY)
        known = self._starts.get(ordinal)
        if known is None:
            from datetime import datetime

            if len(self._starts) >= _CACHED_DAYS:
                self._starts = {}
            known = datetime.fromordinal(ordinal).replace(tzinfo=self._info).timestamp()
            self._starts[ordinal] = known
        return known

    def span(self, window: Window, at: float) -> Span:
        """What a window covers at a moment. A rolling one reaches as far ahead as back: a clock may have gone back."""
        kind, seconds = window
        if kind == "rolling":
            return Span(nextafter(at - seconds, inf), at + seconds, inf)
        if kind == "ever":
            return Span(-inf, inf, inf)
        day = self._day(at)
        if kind == "day":
            return Span(day.start, day.end, day.end)
        if kind == "hour":
            start = day.start + (moment(at) - day.start) // 3600 * 3600
            end = min(start + 3600, day.end)
            return Span(start, end, end)
        first, last = _days_around(kind, day.ordinal)
        end = self.start(last + 1)
        return Span(self.start(first), end, end)

    def _day(self, at: float) -> _Day:
        last = self._last
        if last.start <= at < last.end:
            return last
        at = moment(at)
        known = self._days.get(int(at // _DAY), ())
        for day in known:
            if day.start <= at < day.end:
                self._last = day
                return day
        if len(self._days) >= _CACHED_DAYS:
            self._days = {}
        self._last = found = self._found(at)
        self._days[int(at // _DAY)] = (*known, found)
        return found

    def _found(self, at: float) -> _Day:
        if self._info is None:
            start = at // _DAY * _DAY
            return _Day(start, start + _DAY, int(start // _DAY) + _EPOCH_ORDINAL)
        from datetime import datetime

        ordinal = datetime.fromtimestamp(at, self._info).toordinal()
        while at >= (end := self.start(ordinal + 1)):  # a clock put back from just after midnight: the new day goes on
            ordinal += 1
        return _Day(self.start(ordinal), end, ordinal)


def moment(at: float) -> float:
    """A time that every calendar has; what is no number is 1970."""
    return at if 0.0 <= at <= _LATEST else _LATEST if at > 0.0 else 0.0


def _days_around(kind: str, day: int) -> tuple[int, int]:
    if kind == "week":
        monday = day - (day - 1) % 7
        return monday, monday + 6
    from datetime import date

    first = date.fromordinal(day).replace(day=1)
    following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return first.toordinal(), following.toordinal() - 1
