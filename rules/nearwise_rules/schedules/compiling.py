"""From the document of a schedule to the schedule at work."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import TYPE_CHECKING, cast

from nearwise_rules.logic.instants import WEEKDAYS
from nearwise_rules.schedules.calendar import Dates, StoreCalendar, Window
from nearwise_rules.schedules.days import Days, Holidays
from nearwise_rules.schedules.hours import Bounds, Hours
from nearwise_rules.schedules.reading import read_end, read_start
from nearwise_rules.schedules.schedule import Schedule
from nearwise_rules.schedules.wall import Wall

if TYPE_CHECKING:
    from nearwise_rules.documents import Json, JsonObject


def compile_schedule(document: Json, calendar: StoreCalendar) -> Schedule:
    """The schedule of a document or of a list of them (open when any is); null is always open.

    Raises:
        ValueError: a date, time, weekday or day part that is none, or a document of another shape.
    """
    documents = document if isinstance(document, list) else [{} if document is None else document]
    return Schedule([_hours(each, calendar) for each in documents])


def _hours(document: Json, calendar: StoreCalendar) -> Hours:
    if not isinstance(document, Mapping):
        raise ValueError("a schedule is a map")
    windows, label = _windows(document, calendar)
    return Hours(calendar.wall, _bounds(document, calendar.wall), _days(document, calendar), windows, label)


def _bounds(document: JsonObject, wall: Wall) -> Bounds:
    start, end = cast("str | None", document.get("start")), cast("str | None", document.get("end"))
    return Bounds(
        -inf if start is None else read_start(start, wall),
        inf if end is None else read_end(end, wall),
        before=f"opens {_plain(start)}",
        after=f"ended {_plain(end)}",
    )


def _plain(written: str | None) -> str:
    """A date or time as its author wrote it, for a sentence."""
    text = str(written).replace("T", " ")
    return f"on {text}" if len(text) == len("2026-12-24") else f"at {text}"


def _days(document: JsonObject, calendar: StoreCalendar) -> Days:
    days, dates = cast("list[str] | None", document.get("days")), cast("list[str] | None", document.get("dates"))
    holidays = document.get("holidays")
    if holidays not in (None, "only", "except"):
        raise ValueError(f"holidays are 'only' or 'except', not {holidays!r}")
    return Days(
        None if days is None else frozenset(map(WEEKDAYS.index, days)),
        None if dates is None else Dates.read(dates),
        cast("Holidays | None", holidays),  # pyright: ignore[reportUnnecessaryCast]  mypy does not narrow by `in`
        calendar.holidays,
    )


def _windows(document: JsonObject, calendar: StoreCalendar) -> tuple[list[Window], str]:
    """The windows of a day, and what to call them."""
    parts = cast("list[str] | None", document.get("parts"))
    if parts is None:
        return [Window.read(document)], ""
    if "from" in document or "until" in document:
        raise ValueError("a schedule has either 'parts' or 'from' and 'until'")
    unknown = [name for name in parts if name not in calendar.parts]
    if unknown:
        raise ValueError(f"there is no day part '{unknown[0]}'")
    return [calendar.parts[name] for name in parts], f" ({', '.join(parts)})"
