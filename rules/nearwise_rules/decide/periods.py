"""Periods as authors write them: dates and times in the store's zone."""

from __future__ import annotations

FOREVER = float("inf")


def period(start: str | None, end: str | None, zone: str) -> tuple[float, float]:
    """From when on, and until when (exclusive), in Unix seconds.

    A date is a whole day, so that an `end` of 2026-12-01 includes that day; a time is an instant.

    Raises:
        ValueError: not an ISO 8601 date or time, or a zone that is not known here.
    """
    return (
        -FOREVER if start is None else instant(start, zone),
        FOREVER if end is None else _after(end, zone),
    )


def instant(text: str, zone: str) -> float:
    """Unix seconds of an ISO 8601 time; one without an offset is in `zone` (an IANA name).

    Raises:
        ValueError: not an ISO 8601 time, or a zone that is not known here.
    """
    from datetime import datetime
    from zoneinfo import ZoneInfo

    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=ZoneInfo(zone))).timestamp()


def _after(text: str, zone: str) -> float:
    """Where what ends with a date or at a time is over."""
    from datetime import date, timedelta

    try:
        day = date.fromisoformat(text)
    except ValueError:
        return instant(text, zone)
    return instant((day + timedelta(days=1)).isoformat(), zone)
