"""Schedules by the wall clock: what is open when, for how long that is certain, and what is said about it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from math import inf, nan
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearwise_rules.schedules import Schedule, StoreCalendar, compile_schedule
from nearwise_rules.schedules.hours import LOOK_AHEAD

WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
SETTINGS: dict[str, Any] = {
    "zone": "Europe/Warsaw",
    "day_parts": {
        "breakfast": {"from": "06:00", "until": "11:00"},
        "lunch": {"from": "11:00", "until": "14:30"},
        "night": {"from": "22:00", "until": "02:30"},
    },
    "holidays": ["12-25", "2026-11-11", "2026-03-29", "2026-10-25"],
}
CHANGES = {
    "Europe/Warsaw": [date(2026, 3, 29), date(2026, 10, 25)],
    "America/New_York": [date(2026, 3, 8), date(2026, 11, 1)],
    "Australia/Lord_Howe": [date(2026, 4, 5), date(2026, 10, 4)],
    "America/Havana": [date(2026, 3, 8), date(2026, 11, 1)],
    "Africa/Cairo": [date(2026, 4, 24), date(2026, 10, 29)],
    "Asia/Kathmandu": [date(2026, 5, 1)],
}
"""Days on which the clocks of a zone change; those of Havana and Cairo do so at midnight."""


def schedule(document: Any, **changed: Any) -> Schedule:
    return compile_schedule(document, StoreCalendar.of({**SETTINGS, **changed}))


def unix(text: str, zone: str = "Europe/Warsaw", fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()


def is_open(document: Any, text: str, **changed: Any) -> bool:
    return schedule(document, **changed).at(unix(text, changed.get("zone", "Europe/Warsaw"))).open


def reason(document: Any, text: str) -> str:
    return schedule(document).reason(unix(text))


def counts(document: dict[str, Any], day: date) -> bool:
    """The reference: whether a day counts."""
    names = {day.isoformat(), f"{day:%m-%d}"}
    return (
        ("days" not in document or WEEKDAYS[day.weekday()] in document["days"])
        and ("dates" not in document or bool(names & set(document["dates"])))
        and (document.get("holidays") != "only" or bool(names & set(SETTINGS["holidays"])))
        and (document.get("holidays") != "except" or not names & set(SETTINGS["holidays"]))
    )


def shows_open(document: dict[str, Any], zone: str, at: float) -> bool:
    """The reference: whether a schedule without start and end is open, by what the clock shows."""
    shown = datetime.fromtimestamp(at, ZoneInfo(zone))
    today, clock = shown.date(), f"{shown:%H:%M}"
    windows = [SETTINGS["day_parts"][name] for name in document["parts"]] if "parts" in document else [document]
    for window in windows:
        first, last = window.get("from", "00:00"), window.get("until", "24:00")
        if first < last:
            found = first <= clock < last and counts(document, today)
        else:
            late = clock >= first and counts(document, today)
            found = late or (clock < last and counts(document, today - timedelta(days=1)))
        if found:
            return True
    return False


@st.composite
def clocks(draw: st.DrawFn) -> str:
    """Times of the day, most of them at a quarter of an hour."""
    return f"{draw(st.integers(0, 23)):02}:{draw(st.sampled_from([0, 1, 15, 30, 45])):02}"


@st.composite
def documents(draw: st.DrawFn, near: date) -> dict[str, Any]:
    """Schedules without start and end, with dates near a day."""
    document: dict[str, Any] = {}
    if draw(st.booleans()):
        document["days"] = draw(st.lists(st.sampled_from(WEEKDAYS), unique=True))
    if draw(st.booleans()):
        days = [near + timedelta(days=offset) for offset in draw(st.lists(st.integers(-3, 3), max_size=3))]
        document["dates"] = [f"{day:%m-%d}" if draw(st.booleans()) else day.isoformat() for day in days]
    if draw(st.booleans()):
        document["holidays"] = draw(st.sampled_from(["only", "except"]))
    if draw(st.booleans()):
        document["parts"] = draw(st.lists(st.sampled_from(["breakfast", "lunch", "night"]), unique=True))
        return document
    first, last = draw(clocks()), draw(clocks())
    if first != last:
        document |= draw(st.sampled_from([{}, {"from": first}, {"until": last}, {"from": first, "until": last}]))
    if document.get("until") == "00:00" and "from" not in document:
        del document["until"]  # nothing lies before midnight
    return document


@st.composite
def questions(draw: st.DrawFn) -> tuple[str, list[dict[str, Any]], float]:
    """A zone, schedules in it and a moment within two days of a change of its clocks."""
    zone = draw(st.sampled_from(sorted(CHANGES)))
    near = draw(st.sampled_from(CHANGES[zone]))
    found = draw(st.lists(documents(near), min_size=1, max_size=2))
    start = datetime(near.year, near.month, near.day, tzinfo=ZoneInfo(zone)).timestamp()
    return zone, found, start + 60 * draw(st.integers(-2 * 1440, 2 * 1440)) + draw(st.sampled_from([0, 0.5, 59]))


@settings(max_examples=120, deadline=None)
@given(questions())
def test_an_answer_holds_for_every_minute_until_it_may_change(
    question: tuple[str, list[dict[str, Any]], float],
) -> None:
    zone, found, at = question
    is_open, until = schedule(found, zone=zone).at(at)
    assert until > at
    for step in range(int(min(until - at, 3 * 86_400) / 60) + 1):
        moment = at + 60 * step
        if moment < until:
            assert any(shows_open(document, zone, moment) for document in found) is is_open, moment - at


@settings(max_examples=120, deadline=None)
@given(questions())
def test_a_change_within_the_week_is_told_to_the_second(question: tuple[str, list[dict[str, Any]], float]) -> None:
    zone, (document, *_), at = question
    is_open, until = schedule(document, zone=zone).at(at)
    if until < at + LOOK_AHEAD - 86_400:
        assert shows_open(document, zone, until) is not is_open
        assert shows_open(document, zone, until - 1) is is_open


@settings(max_examples=80, deadline=None)
@given(questions())
def test_the_next_opening_is_the_first(question: tuple[str, list[dict[str, Any]], float]) -> None:
    zone, found, at = question
    table = schedule(found, zone=zone)
    opening = table.next_opening(at)
    stop = at + 3 * 86_400 if opening is None else min(opening, at + 3 * 86_400)
    assert opening is None or table.at(opening).open
    assert table.is_over(at) is (opening is None)
    for step in range(int((stop - at) / 60) + 1):
        moment = at + 60 * step
        if moment < stop:
            assert not any(shows_open(document, zone, moment) for document in found)


def test_a_window_of_weekdays_is_open_on_those_days_in_the_zone_of_the_store() -> None:
    document = {"days": ["mon", "tue"], "from": "06:00", "until": "11:00"}
    table = schedule(document)
    assert table.at(unix("2026-11-23T05:59")) == (False, unix("2026-11-23T06:00"))
    assert table.at(unix("2026-11-23T06:00")) == (True, unix("2026-11-23T11:00"))
    assert table.at(unix("2026-11-24T11:00")) == (False, unix("2026-11-30T06:00"))


def test_a_night_belongs_to_the_day_on_which_it_starts() -> None:
    document = {"days": ["sat"], "from": "22:00", "until": "02:00"}
    assert is_open(document, "2026-11-28T23:00")
    assert is_open(document, "2026-11-29T01:59")
    assert not is_open(document, "2026-11-28T01:00")
    assert not is_open(document, "2026-11-29T22:30")


def test_an_end_that_is_a_date_is_that_whole_day() -> None:
    table = schedule({"start": "2026-11-01", "end": "2026-11-20"})
    assert table.at(unix("2026-10-31T23:59")) == (False, unix("2026-11-01T00:00"))
    assert table.at(unix("2026-11-01T00:00")) == (True, unix("2026-11-21T00:00"))
    assert table.at(unix("2026-11-21T00:00")) == (False, inf)


def test_start_and_end_may_be_times_with_and_without_an_offset() -> None:
    table = schedule({"start": "2026-11-01T08:00+00:00", "end": "2026-12-24T18:00"})
    assert table.at(unix("2026-11-01T08:30")) == (False, unix("2026-11-01T09:00"))
    assert table.at(unix("2026-11-01T09:00")) == (True, unix("2026-12-24T18:00"))


def test_what_never_changes_is_certain_for_ever() -> None:
    at = unix("2026-11-23T08:10")
    assert schedule(None).at(at) == (True, inf)
    assert schedule({}).at(at) == (True, inf)
    assert schedule({"days": WEEKDAYS, "from": "00:00", "until": "24:00"}).at(at) == (True, inf)
    assert schedule({"holidays": "except"}, holidays=[]).at(at) == (True, inf)
    assert schedule({"holidays": "only"}, holidays=[]).at(at) == (False, inf)
    assert schedule({"dates": ["2026-11-20"]}).at(at) == (False, inf)
    assert schedule({"start": "2026-12-01", "end": "2026-11-01"}).at(at) == (False, inf)
    assert schedule({"days": ["mon"], "until": "08:00", "end": "2026-11-25"}).at(at) == (False, inf)
    assert schedule([]).at(at) == (False, inf)


def test_a_list_of_schedules_is_open_when_any_is() -> None:
    table = schedule([{"from": "06:00", "until": "09:00"}, {"parts": ["lunch"]}])
    assert table.at(unix("2026-11-23T08:10")) == (True, unix("2026-11-23T09:00"))
    assert table.at(unix("2026-11-23T09:00")) == (False, unix("2026-11-23T11:00"))


def test_a_time_that_the_clocks_skip_is_the_moment_at_which_they_skip_it() -> None:
    jump = unix("2026-03-29T03:00")
    assert schedule({"from": "02:30", "until": "04:00"}).at(jump - 1) == (False, jump)
    assert schedule({"from": "01:00", "until": "02:30"}).at(jump - 1) == (True, jump)
    assert schedule({"dates": ["2026-03-29"], "from": "02:10", "until": "02:50"}).is_over(jump - 3600)
    assert schedule({"start": "2026-03-29T02:30"}).at(jump - 1) == (False, jump)
    assert schedule({"start": "2026-04-24"}, zone="Africa/Cairo").at(unix("2026-04-23T12:00", "Africa/Cairo")) == (
        False,
        unix("2026-04-24T01:00", "Africa/Cairo"),
    )


def test_an_hour_that_the_clocks_show_twice_is_open_both_times() -> None:
    table = schedule({"from": "02:00", "until": "02:30"})
    first, again = unix("2026-10-25T02:00"), unix("2026-10-25T02:00", fold=1)
    assert table.at(first) == (True, first + 1800)
    assert table.at(first + 1800) == (False, again)
    assert table.at(again) == (True, again + 1800)


def test_a_start_or_end_that_the_clocks_show_twice_is_its_first_time() -> None:
    at = unix("2026-10-25T01:00")
    assert schedule({"start": "2026-10-25T02:30"}).at(at) == (False, unix("2026-10-25T02:30"))
    assert schedule({"end": "2026-10-25T02:30"}).at(at) == (True, unix("2026-10-25T02:30"))


def test_a_half_hour_of_lord_howe_is_kept_to_the_minute() -> None:
    zone = "Australia/Lord_Howe"
    table = schedule({"from": "01:30", "until": "02:30"}, zone=zone)
    opens = unix("2026-10-04T01:30", zone)
    assert table.at(opens) == (True, opens + 1800), "the clocks skip from 02:00 to 02:30"
    opens = unix("2026-04-05T01:30", zone)
    assert table.at(opens) == (True, opens + 5400), "from 02:00 they go back to 01:30"


@pytest.mark.parametrize(
    ("document", "at", "words"),
    [
        ({"start": "2026-12-01"}, "2026-11-23T08:10", "opens on 2026-12-01"),
        ({"start": "2026-12-01T08:00"}, "2026-11-23T08:10", "opens at 2026-12-01 08:00"),
        ({"end": "2026-11-20"}, "2026-11-23T08:10", "ended on 2026-11-20"),
        ({"end": "2026-11-20T18:00"}, "2026-11-23T08:10", "ended at 2026-11-20 18:00"),
        ({"dates": ["2026-11-20"]}, "2026-11-23T08:10", "its last day was 2026-11-20"),
        ({"dates": ["2026-11-24"]}, "2026-11-23T08:10", "not on 2026-11-23"),
        ({"days": ["tue"]}, "2026-11-23T08:10", "not on Mondays"),
        ({"days": ["mon"], "from": "11:00"}, "2026-11-23T08:10", "not on Mondays before 11:00"),
        ({"from": "11:00"}, "2026-11-23T08:10", "not before 11:00"),
        ({"until": "08:00"}, "2026-11-23T08:10", "not after 08:00"),
        ({"from": "22:00", "until": "02:00"}, "2026-11-23T08:10", "not before 22:00"),
        ({"parts": ["breakfast"]}, "2026-11-23T05:10", "not before 06:00 (breakfast)"),
        ({"parts": ["breakfast", "night"]}, "2026-11-23T12:00", "not between 11:00 and 22:00 (breakfast, night)"),
        ({"holidays": "only"}, "2026-11-23T08:10", "only on holidays"),
        ({"holidays": "except"}, "2026-12-25T08:10", "not on holidays"),
        ({"dates": ["2026-12-25"], "days": ["mon"]}, "2026-11-23T08:10", "no day counts"),
        ({}, "2026-11-23T08:10", "open"),
        ({"until": "11:00"}, "2026-11-23T08:10", "open until 11:00"),
        ({"end": "2026-11-24"}, "2026-11-23T08:10", "open until 2026-11-25 00:00"),
        ([{"days": ["tue"]}, {"end": "2026-11-20"}], "2026-11-23T08:10", "not on Mondays; ended on 2026-11-20"),
        ([{"days": ["tue"]}, {"until": "09:00"}], "2026-11-23T08:10", "open until 09:00"),
        ([], "2026-11-23T08:10", "it has no hours"),
    ],
)
def test_the_reason_is_said_in_words(document: Any, at: str, words: str) -> None:
    assert reason(document, at) == words


def test_a_schedule_is_over_when_no_day_is_left() -> None:
    at = unix("2026-11-24T12:00")
    assert schedule({"days": ["mon"], "end": "2026-11-29"}).is_over(at)
    assert not schedule({"days": ["mon"], "end": "2026-11-30"}).is_over(at)
    assert schedule({"dates": ["2026-11-20"], "from": "22:00", "until": "02:00"}).is_over(at)
    assert not schedule({"dates": ["02-29"], "days": ["mon"]}).is_over(at)
    assert schedule({"dates": ["2026-12-24"], "days": ["mon"]}).is_over(at)


@pytest.mark.parametrize("at", [nan, inf, -inf, -1.0, 1e300])
def test_a_broken_clock_is_closed_and_says_so(at: float) -> None:
    table = schedule({"days": ["mon"]})
    assert not table.at(at).open
    assert table.at(at).until <= at or at != at
    assert table.is_over(at)
    assert table.reason(at) == "the clock is wrong"


@pytest.mark.parametrize(
    "document",
    [
        7,
        ["mon"],
        {"days": ["monday"]},
        {"from": "6:00"},
        {"until": "25:00"},
        {"from": "06:00", "until": "06:00"},
        {"from": "24:00"},
        {"until": "00:00"},
        {"dates": ["2026-02-29"]},
        {"dates": ["02-30"]},
        {"dates": ["Christmas"]},
        {"start": "soon"},
        {"start": "2026-13-01T00:00"},
        {"start": "1969-01-01"},
        {"end": "20261120"},
        {"parts": ["brunch"]},
        {"parts": ["lunch"], "from": "11:00"},
        {"holidays": "always"},
    ],
)
def test_what_is_no_schedule_is_refused_when_compiled(document: Any) -> None:
    with pytest.raises(ValueError):
        schedule(document)
