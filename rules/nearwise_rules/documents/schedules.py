"""When something is open: dates, weekdays, times of the day, day parts and holidays of the store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from nearwise_rules.documents.values import CLOSED, written_name

Weekday: TypeAlias = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


@dataclass(frozen=True)
class DayPart:
    """A named time of the day of `nearwise.yaml`: wall times `HH:MM`; it may pass midnight."""

    __pydantic_config__: ClassVar[dict[str, object]] = {**CLOSED, "alias_generator": written_name}
    from_: str
    until: str


@dataclass(frozen=True)
class Schedule:
    """One schedule; all that is stated must hold. Days and times are those of the store's zone.

    `start` and `end` are ISO 8601 dates or times; an end that is a date is that whole day. `from` and `until` are wall
    times and may pass midnight: the night belongs to the day on which it starts. `dates` are `YYYY-MM-DD`, or `MM-DD`
    in every year. `parts` name day parts; the schedule is open in any of them.
    """

    __pydantic_config__: ClassVar[dict[str, object]] = {**CLOSED, "alias_generator": written_name}
    start: str | None = None
    end: str | None = None
    days: tuple[Weekday, ...] | None = None
    dates: tuple[str, ...] | None = None
    holidays: Literal["only", "except"] | None = None
    from_: str | None = None
    until: str | None = None
    parts: tuple[str, ...] | None = None
