"""Operators on dates and times. The present and the zone are given with an evaluation; nothing here reads a clock.

What counts as an instant stands in `instants`, which is imported when the first of these operators is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nearwise_rules.errors import EvaluationError

from .operators import Operator
from .run import INVALID_ARGUMENTS, Run

if TYPE_CHECKING:
    from datetime import datetime


ZONE_COST = 100
"""Operations for a zone that a rule names: it may have to be read first."""


def now(run: Run) -> datetime | None:
    """Give the present in the zone of the evaluation; null where it is unknown."""
    return _local(run, (), None)


def before(run: Run, left: object, right: object) -> bool:
    """Answer whether one instant is earlier than another; null is neither.

    Raises:
        EvaluationError: an operand is no instant.
    """
    if left is None or right is None:
        return False
    from .instants import earlier, instant_of

    return earlier(instant_of(left, run.zone), instant_of(right, run.zone))


def after(run: Run, left: object, right: object) -> bool:
    """Answer whether one instant is later than another; null is neither.

    Raises:
        EvaluationError: an operand is no instant.
    """
    return before(run, right, left)


def date_diff(run: Run, later: object, earlier: object, unit: object) -> int | None:
    """Count whole units from the second instant to the first: negative when it is later; null when one is null.

    seconds, minutes and hours pass on the clock; days, months and years are counted on the calendar of the zone:
    from 23:00 to 01:00 the next day is one day; months and years count when complete.

    Raises:
        EvaluationError: an operand is no instant, or the unit none of these.
    """
    from .instants import UNITS, instant_of

    count = UNITS.get(unit) if isinstance(unit, str) else None
    if count is None:
        raise EvaluationError(INVALID_ARGUMENTS, f"date_diff counts {', '.join(UNITS)}")
    if later is None or earlier is None:
        return None
    return count(instant_of(later, run.zone), instant_of(earlier, run.zone))


def hour(run: Run, at: object = (), zone: object = None) -> int | None:
    """Give the hour (0 to 23) of an instant or of the present, in the zone the second argument names or `run`'s."""
    local = _local(run, at, zone)
    return None if local is None else local.hour


def weekday(run: Run, at: object = (), zone: object = None) -> str | None:
    """Give the day of the week, "mon" to "sun"; arguments as `hour`."""
    from .instants import WEEKDAYS

    local = _local(run, at, zone)
    return None if local is None else WEEKDAYS[local.weekday()]


def local_date(run: Run, at: object = (), zone: object = None) -> str | None:
    """Give the date as text that sorts, "2026-11-22"; arguments as `hour`."""
    local = _local(run, at, zone)
    return None if local is None else local.date().isoformat()


def local_time(run: Run, at: object = (), zone: object = None) -> str | None:
    """Give the time of day as text that sorts, "08:05"; arguments as `hour`."""
    local = _local(run, at, zone)
    return None if local is None else f"{local.hour:02}:{local.minute:02}"


def _local(run: Run, at: object, zone: object) -> datetime | None:
    from .instants import instant_of, seen_from

    if zone is not None:
        run.spend(ZONE_COST)
    moment = run.now if at == () else at
    return None if moment is None else seen_from(instant_of(moment, run.zone), zone)


OPERATORS = (
    Operator(name="now", safe=now, most=0),
    Operator(name="before", safe=before, least=2, most=2),
    Operator(name="after", safe=after, least=2, most=2),
    Operator(name="date_diff", safe=date_diff, least=3, most=3),
    Operator(name="hour", safe=hour, most=2),
    Operator(name="weekday", safe=weekday, most=2),
    Operator(name="date", safe=local_date, most=2),
    Operator(name="time", safe=local_time, most=2),
)
