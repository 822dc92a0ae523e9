"""Schedules as documents: dates and times that exist, day parts that are declared, hours that open at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from nearwise_rules.documents import DayPart, Schedule
from nearwise_rules.logic.instants import WEEKDAYS
from nearwise_rules.rulesets.drafts import Draft
from nearwise_rules.rulesets.parts import FileProblem, Part, did_you_mean, field_names
from nearwise_rules.schedules import StoreCalendar, compile_schedule
from nearwise_rules.schedules.reading import read_clock, read_day, read_end, read_start

Read = TypeVar("Read")


def check_calendar(settings: Part) -> None:
    """Report what is wrong with the day parts and the holidays of the settings."""
    day_parts, holidays = settings.get("day_parts"), settings.get("holidays")
    for part in day_parts.members().values() if not day_parts.absent else ():
        part.known_fields(field_names(DayPart))
        part.needs(("from", "until"), "a day part")
        _check_times(part)
    for day in holidays.texts():
        _read(day, read_day)


def check_schedule(part: Part, draft: Draft) -> None:
    """Report everything wrong with a schedule or a list of them, and that it is over by now; absent is none."""
    if part.absent:
        return
    calendar = StoreCalendar.of(draft.settings)
    if part.value == []:
        part.problem("never_opens", "an empty list of schedules never opens")
    schedules = part.items() if isinstance(part.value, list) else [part]
    usable = [_check_schedule(schedule, draft, calendar) for schedule in schedules]
    if draft.now is not None and usable and all(usable):
        check_not_over(part, draft, draft.now)


def check_not_over(part: Part, draft: Draft, at: float) -> None:
    """Report a schedule (one without problems) that never opens again after `at` (Unix seconds)."""
    table = compile_schedule(part.value, StoreCalendar.of(draft.settings))
    if table.is_over(at):
        part.problem("expired_schedule", f"this never opens again: {table.reason(at)}")


def _check_schedule(part: Part, draft: Draft, calendar: StoreCalendar) -> bool:
    """Whether one schedule can be used."""
    if not isinstance(part.value, dict):
        part.problem("shape", "a schedule is a map")
        return False
    told: list[FileProblem] = []

    def report(problem: FileProblem) -> None:
        told.append(problem)
        part.report(problem)

    watched = replace(part, report=report)
    watched.known_fields(field_names(Schedule))
    start = _check_bounds(watched, calendar)
    _check_days(watched, draft, calendar)
    _check_times(watched)
    usable = _check_parts(watched, draft, calendar)
    if not told and usable and compile_schedule(part.value, calendar).next_opening(max(0, start)) is None:
        part.problem("never_opens", "this never opens: no day has all that is asked of it")
        return False
    return not told and usable


def _check_bounds(part: Part, calendar: StoreCalendar) -> float:
    """Check `start` and `end`; the moment of the start, 0 without one."""
    start = _read(part.get("start"), lambda text: read_start(text, calendar.wall))
    end = _read(part.get("end"), lambda text: read_end(text, calendar.wall))
    if start is not None and end is not None and end <= start:
        message = f"it ends ({part.get('end').value}) before it starts ({part.get('start').value})"
        part.get("end").problem("ends_before_start", message)
    return start or 0


def _check_days(part: Part, draft: Draft, calendar: StoreCalendar) -> None:
    holidays = part.get("holidays")
    for day in part.get("days").texts():
        day.choice(WEEKDAYS)
    for day in part.get("dates").texts():
        _read(day, read_day)
    declared = calendar.holidays or draft.sources.settings is None or draft.sources.settings.get("holidays").value
    if holidays.choice(("only", "except")) is not None and not declared:
        holidays.problem("no_holidays", "nearwise.yaml declares no holidays")


def _check_times(part: Part) -> None:
    first, last = (_read(part.get(name), read_clock) for name in ("from", "until"))
    if first is not None and first == last:
        part.get("until").problem("bad_time", "nothing lies between 'from' and 'until'")


def _check_parts(part: Part, draft: Draft, calendar: StoreCalendar) -> bool:
    """Check `parts`; whether the calendar has all of them (a wrong one is told where it is declared)."""
    parts = part.get("parts")
    if parts.absent:
        return True
    if not (part.get("from").absent and part.get("until").absent):
        parts.problem("parts_or_times", "a schedule has either 'parts' or 'from' and 'until'", of_key=True)
    settings = draft.sources.settings
    written = None if settings is None else settings.get("day_parts").value
    declared = list(written) if isinstance(written, dict) else []
    names = parts.texts()
    for name in names:
        if name.value not in declared:
            guess = did_you_mean(str(name.value), declared) if declared else " (nearwise.yaml declares none)"
            name.problem("unknown_day_part", f"unknown day part '{name.value}'{guess}")
    return all(name.value in calendar.parts for name in names)


def _read(part: Part, read: Callable[[str], Read]) -> Read | None:
    """What a date or time says, reported when it is none."""
    text = None if part.absent else part.text()
    if text is None:
        return None
    try:
        return read(text)
    except ValueError as error:
        part.problem("bad_time", str(error))
        return None
