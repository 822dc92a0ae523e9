"""Instants and calendars behind the operators on dates: imported with the first use of one, for `datetime` is not free.

An instant is an aware datetime, an ISO 8601 text, or Unix seconds. What is written without a zone is in the zone of the
evaluation; an hour that the end of daylight saving time repeats is its first pass. A date alone is its first midnight.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from nearwise_rules.errors import EvaluationError

from .foreign import instant_from_text, zone_named
from .run import INVALID_ARGUMENTS

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def instant_of(value: object, zone: str) -> datetime:
    """Read an instant, as the clocks of a zone show it.

    Raises:
        EvaluationError: not an instant, or outside the years 1 to 9999.
    """
    try:
        found = _read(value, zone)
        if not 2 <= found.year <= 9998:
            found.astimezone(UTC)
        return found.astimezone(_zone(zone))
    except (ValueError, OverflowError):
        raise EvaluationError(INVALID_ARGUMENTS, "not a date or time between the years 1 and 9999") from None


def _read(value: object, zone: str) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _EPOCH + timedelta(seconds=float(value))
    found = instant_from_text(value, zone) if isinstance(value, str) else None
    if found is None:
        raise EvaluationError(INVALID_ARGUMENTS, f"not a date or time: {type(value).__name__}")
    return found


_zone = lru_cache(maxsize=64)(zone_named)


def seen_from(at: datetime, zone: object) -> datetime:
    """Put an instant into a zone that a rule names; null leaves it where it is.

    Raises:
        EvaluationError: no zone of this name is known here.
    """
    if zone is None:
        return at
    if not isinstance(zone, str):
        raise EvaluationError(INVALID_ARGUMENTS, "a time zone is a name such as Europe/Warsaw")
    info = _zone(zone)
    if info is UTC and zone != "UTC":
        raise EvaluationError(INVALID_ARGUMENTS, f"unknown time zone {zone!r}")
    try:
        return at.astimezone(info)
    except OverflowError:
        raise EvaluationError(INVALID_ARGUMENTS, "not a date or time between the years 1 and 9999") from None


def earlier(left: datetime, right: datetime) -> bool:
    """Answer whether one instant comes before another. (Within one zone Python compares wall clocks instead.)"""
    return left.astimezone(UTC) < right.astimezone(UTC)


def _elapsed(seconds: int) -> Callable[[datetime, datetime], int]:
    unit = timedelta(seconds=seconds)

    def count(later: datetime, earlier: datetime) -> int:
        passed = later.astimezone(UTC) - earlier.astimezone(UTC)
        return passed // unit if passed >= timedelta(0) else -(-passed // unit)

    return count


def _days(later: datetime, earlier: datetime) -> int:
    return later.toordinal() - earlier.toordinal()


def _months(later: datetime, earlier: datetime) -> int:
    if later.replace(tzinfo=None) < earlier.replace(tzinfo=None):
        return -_months(earlier, later)
    months = (later.year - earlier.year) * 12 + later.month - earlier.month
    incomplete = (later.day, later.time()) < (earlier.day, earlier.time())
    return months - incomplete


def _years(later: datetime, earlier: datetime) -> int:
    months = _months(later, earlier)
    return months // 12 if months >= 0 else -(-months // 12)


UNITS: dict[str, Callable[[datetime, datetime], int]] = {
    "seconds": _elapsed(1),
    "minutes": _elapsed(60),
    "hours": _elapsed(3600),
    "days": _days,
    "months": _months,
    "years": _years,
}
"""Whole units from the second instant (given in the same zone) to the first."""
