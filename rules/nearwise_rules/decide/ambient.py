"""What rules can read beside the context: the clock (`now.*`), the subject, and flagd's names for both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nearwise_rules.decide.question import Question

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def clock_fields(at: float, zone: str) -> dict[str, object]:
    """The fields of `now` in a zone: timestamp (Unix seconds), date, time, hour, minute, weekday, day, month, year."""
    from datetime import datetime
    from zoneinfo import ZoneInfo

    local = datetime.fromtimestamp(at, ZoneInfo(zone))
    return {
        "timestamp": at,
        "instant": local.isoformat(),
        "date": local.date().isoformat(),
        "time": local.strftime("%H:%M"),
        "hour": local.hour,
        "minute": local.minute,
        "weekday": WEEKDAYS[local.weekday()],
        "day": local.day,
        "month": local.month,
        "year": local.year,
    }


AMBIENT: Mapping[str, Callable[[Question, str, str], object]] = {
    "now": lambda question, _flag, zone: clock_fields(question.at, zone),
    "subject": lambda question, _flag, _zone: question.subject,
    "targetingKey": lambda question, _flag, _zone: question.subject,
    "$flagd": lambda question, flag, _zone: {"flagKey": flag, "timestamp": int(question.at)},
}
"""What every rule can read: name -> its value for a question, the key that is decided and the zone."""

SINCE = "seconds_since."
"""Before the name of a signal: the seconds since the device collected it."""


def ambient_names(reads: Iterable[str]) -> frozenset[str]:
    """The provided names among the attributes that rules read; reading everything ("") reads all of them."""
    firsts = {name.split(".", 1)[0] for name in reads}
    return frozenset(AMBIENT) if "" in firsts else frozenset(AMBIENT) & firsts
