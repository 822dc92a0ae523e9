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


_PROVIDED: Mapping[str, Callable[[Question, str, str], object]] = {
    "now": lambda question, _flag, zone: clock_fields(question.at, zone),
    "subject": lambda question, _flag, _zone: question.subject,
    "targetingKey": lambda question, _flag, _zone: question.subject,
    "$flagd": lambda question, flag, _zone: {"flagKey": flag, "timestamp": int(question.at)},
}


def ambient_names(reads: Iterable[str]) -> frozenset[str]:
    """The provided names among the attributes that rules read; reading everything ("") reads all of them."""
    firsts = {name.split(".", 1)[0] for name in reads}
    return frozenset(_PROVIDED) if "" in firsts else frozenset(_PROVIDED) & firsts


def with_ambient(question: Question, names: frozenset[str], flag: str, zone: str) -> Mapping[str, object]:
    """The context's data and the named ambient values, which win over the caller's; only his own `subject` stays."""
    added = {name: _PROVIDED[name](question, flag, zone) for name in names}
    if "subject" in question.data:
        added.pop("subject", None)
    return {**question.data, **added}
