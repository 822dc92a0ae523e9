"""How the dates and times of schedules are written, and the sentence for one that is written wrong."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import TypeAlias

from nearwise_rules.schedules.wall import Wall

FIRST_YEAR, LAST_YEAR = 1970, 9000
"""The years that a schedule may name."""

Yearly: TypeAlias = tuple[int, int]
"""Month and day, in every year."""

_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_YEARLY = re.compile(r"(\d\d)-(\d\d)", re.ASCII)
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)?", re.ASCII)
_LEAP_YEAR = 2000


def read_clock(text: str) -> int:
    """The seconds since midnight of a wall time `HH:MM`; `24:00` is the end of the day.

    Raises:
        ValueError: it is none.
    """
    if not _CLOCK.fullmatch(text):
        raise ValueError(f"'{text}' is not a time of the day such as 06:00")
    return int(text[:2]) * 3600 + int(text[3:]) * 60


def read_day(text: str) -> int | Yearly:
    """The ordinal of a date `YYYY-MM-DD`, or month and day of `MM-DD`.

    Raises:
        ValueError: it is neither, or the calendar has no such day.
    """
    if _DATE.fullmatch(text):
        return _date(text).toordinal()
    yearly = _YEARLY.fullmatch(text)
    if yearly is None:
        raise ValueError(f"'{text}' is not a date such as 2026-12-24, or 12-24 for every year")
    month, day = int(yearly[1]), int(yearly[2])
    try:
        date(_LEAP_YEAR, month, day)
    except ValueError:
        raise ValueError(f"'{text}' is not in the calendar") from None
    return month, day


def read_start(text: str, wall: Wall) -> float:
    """The moment at which a schedule starts: of a date, its first.

    Raises:
        ValueError: neither a date nor a time.
    """
    return wall.begins(_date(text).toordinal()) if _DATE.fullmatch(text) else _moment(text, wall)


def read_end(text: str, wall: Wall) -> float:
    """The moment from which on a schedule has ended: of a date, the first of the day after.

    Raises:
        ValueError: neither a date nor a time.
    """
    return wall.begins(_date(text).toordinal() + 1) if _DATE.fullmatch(text) else _moment(text, wall)


def _moment(text: str, wall: Wall) -> float:
    if not _TIME.fullmatch(text):
        raise ValueError(f"'{text}' is not a date or time such as 2026-12-24 or 2026-12-24T18:00")
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"'{text}' is not in the calendar") from None
    _check_year(read.year)
    return wall.moment(read) if read.tzinfo is None else read.astimezone(UTC).timestamp()


def _date(text: str) -> date:
    try:
        read = date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"'{text}' is not in the calendar") from None
    _check_year(read.year)
    return read


def _check_year(year: int) -> None:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(f"the year is not between {FIRST_YEAR} and {LAST_YEAR}")
