"""The days of a schedule: weekdays, dates, holidays."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Literal, TypeAlias

from nearwise_rules.records import Record
from nearwise_rules.schedules.calendar import Dates

SEARCH_DAYS = 400
"""How far the next day that counts is looked for where neither dates nor holidays name the days."""

Holidays: TypeAlias = Literal["only", "except"]

_NAMES = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")


class Days(Record):
    """The days that count: weekdays (0 = Monday), dates, and holidays only or all days but them."""

    __slots__ = ("dates", "holidays", "mode", "weekdays")
    weekdays: frozenset[int] | None
    dates: Dates | None
    mode: Holidays | None
    holidays: Dates

    def __init__(
        self,
        weekdays: frozenset[int] | None = None,
        dates: Dates | None = None,
        mode: Holidays | None = None,
        holidays: Dates | None = None,
    ) -> None:
        self._fix(weekdays=weekdays, dates=dates, mode=mode, holidays=holidays or Dates())

    @property
    def are_all(self) -> bool:
        """Whether every day counts."""
        every_weekday = self.weekdays is None or len(self.weekdays) == len(_NAMES)
        no_holiday = self.mode is None or (self.mode == "except" and not self.holidays)
        return every_weekday and no_holiday and self.dates is None

    @property
    def last(self) -> int | None:
        """The last day that counts, 0 when none does; None when there is no last one."""
        named = self._named
        return None if named is None or named.yearly else max((day for day in named.single if day in self), default=0)

    @property
    def _named(self) -> Dates | None:
        """The dates among which all days that count are."""
        if self.dates is not None:
            return self.dates
        return self.holidays if self.mode == "only" else None

    def __contains__(self, day: int) -> bool:
        if self.weekdays is not None and (day + 6) % 7 not in self.weekdays:
            return False
        if self.dates is not None and day not in self.dates:
            return False
        return self.mode is None or (day in self.holidays) is (self.mode == "only")

    def against(self, day: int) -> str:
        """Why a day does not count, in words."""
        if self.weekdays is not None and (day + 6) % 7 not in self.weekdays:
            return f"not on {weekday_name(day)}"
        if self.dates is not None and day not in self.dates:
            return f"not on {date.fromordinal(day).isoformat()}"
        return "only on holidays" if self.mode == "only" else "not on holidays"

    def since(self, day: int) -> Iterator[int]:
        """The days that count from `day` on, in order, as far as they are looked for."""
        named = self._named
        found = range(day, day + SEARCH_DAYS) if named is None else named.since(day)
        return (each for each in found if each in self)


def weekday_name(day: int) -> str:
    """The weekday of an ordinal, as in "not on Mondays"."""
    return _NAMES[(day + 6) % 7]
