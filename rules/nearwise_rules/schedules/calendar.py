"""The calendar of the store: its zone, its holidays, its day parts; and sets of dates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING, cast

from nearwise_rules.records import Record
from nearwise_rules.schedules.reading import LAST_YEAR, Yearly, read_clock, read_day
from nearwise_rules.schedules.wall import DAY, Wall

if TYPE_CHECKING:
    from nearwise_rules.documents import JsonObject

YEARS_AHEAD = 41
"""In so many years every day of a year falls on every weekday, 29 February around 2100 too."""


class Dates(Record):
    """A set of dates: ordinals, and days of every year."""

    __slots__ = ("single", "yearly")
    single: frozenset[int]
    yearly: frozenset[Yearly]

    def __init__(self, single: Iterable[int] = (), yearly: Iterable[Yearly] = ()) -> None:
        self._fix(single=frozenset(single), yearly=frozenset(yearly))

    @classmethod
    def read(cls, texts: Iterable[str]) -> Dates:
        """The dates of a document.

        Raises:
            ValueError: one is not a date.
        """
        days = [read_day(text) for text in texts]
        return cls(
            (day for day in days if isinstance(day, int)),
            (day for day in days if not isinstance(day, int)),
        )

    def __contains__(self, day: int) -> bool:
        if day in self.single:
            return True
        if not self.yearly:
            return False
        found = date.fromordinal(day)
        return (found.month, found.day) in self.yearly

    def __bool__(self) -> bool:
        return bool(self.single or self.yearly)

    def since(self, day: int) -> Iterator[int]:
        """The dates from `day` on, in order; of those of every year, as far as they fall on every weekday."""
        first = date.fromordinal(day).year
        years = range(first, min(first + YEARS_AHEAD, LAST_YEAR)) if self.yearly else ()
        yearly = (_ordinal(year, *month_day) for year in years for month_day in self.yearly)
        return (found for found in sorted({*self.single, *yearly}) if found >= day)


def _ordinal(year: int, month: int, day: int) -> int:
    """The ordinal of a day; 0 for 29 February in a year that has none."""
    try:
        return date(year, month, day).toordinal()
    except ValueError:
        return 0


class Window(Record):
    """A time of the day in seconds since midnight. It passes midnight when `last` is not after `first`."""

    __slots__ = ("first", "last")
    first: int
    last: int

    def __init__(self, first: int = 0, last: int = DAY) -> None:
        self._fix(first=first, last=last or DAY)

    @classmethod
    def read(cls, document: JsonObject) -> Window:
        """The window between `from` and `until` of a document; without one of them from or to midnight.

        Raises:
            ValueError: one is not a time of the day, or they are the same.
        """
        first, last = (cast("str | None", document.get(name)) for name in ("from", "until"))
        opens = 0 if first is None else read_clock(first)
        closes = DAY if last is None else read_clock(last)
        if opens in (closes, DAY):
            raise ValueError("nothing lies between 'from' and 'until'")
        return cls(opens, closes)


class StoreCalendar(Record):
    """What schedules refer to: the wall clock, the holidays and the day parts of a rule set."""

    __slots__ = ("holidays", "parts", "wall")
    wall: Wall
    holidays: Dates
    parts: Mapping[str, Window]

    def __init__(self, zone: str, holidays: Dates | None = None, parts: Mapping[str, Window] | None = None) -> None:
        self._fix(wall=Wall(zone), holidays=holidays or Dates(), parts=dict(parts or {}))

    @classmethod
    def of(cls, settings: JsonObject) -> StoreCalendar:
        """The calendar of a rule set's settings.

        Raises:
            ValueError: a holiday is not a date, or a day part has no time.
        """
        parts = cast("Mapping[str, JsonObject]", settings.get("day_parts") or {})
        return cls(
            str(settings.get("zone", "UTC")),
            Dates.read(cast("list[str]", settings.get("holidays") or ())),
            {name: Window.read(part) for name, part in parts.items()},
        )
