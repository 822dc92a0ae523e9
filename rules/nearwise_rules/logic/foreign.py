"""How values that are not JSON are read: Enum, Decimal, datetime, date and subclasses of the plain types."""

from __future__ import annotations

from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from enum import Enum
from functools import lru_cache

from .values import ABSENT, PLAIN, Mark


def read_foreign(value: object, zone: str) -> object:
    """The plain value that rules see, an aware datetime for instants, or ABSENT for what they cannot read.

    A datetime without an offset is taken in `zone` (an IANA name).
    """
    if isinstance(value, Enum):
        member: object = value.value
        return member if type(member) in PLAIN else read_foreign(member, zone)
    if isinstance(value, Decimal):
        return ABSENT if value.is_snan() else float(value)
    if isinstance(value, datetime):
        return in_utc(value if value.utcoffset() is not None else value.replace(tzinfo=zone_named(zone)))
    if isinstance(value, date):
        return value.isoformat()
    return _without_subclass(value)


def _without_subclass(value: object) -> object:
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        return float.__float__(value)
    if isinstance(value, (list, tuple)):
        return value  # pyright: ignore[reportUnknownVariableType]
    return ABSENT


def in_utc(instant: datetime) -> datetime | Mark:
    """The instant in UTC (in any other zone Python compares wall clocks), ABSENT outside the years 1 to 9999."""
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        return ABSENT


@lru_cache(maxsize=64)
def zone_named(name: str) -> tzinfo:
    """The time zone with this IANA name; UTC when this machine does not know it."""
    if name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def instant_from_text(text: str, zone: str) -> datetime | None:
    """An ISO 8601 date or date and time as an aware datetime (without offset: in `zone`), None when it is neither."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    return read if read.utcoffset() is not None else read.replace(tzinfo=zone_named(zone))


def instant_as_text(instant: datetime) -> str:
    """As JSON.stringify writes a Date: UTC, milliseconds, Z."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
