"""Windows and calendars: what a text means, and where days, hours, weeks and months begin in a zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearwise_rules import Calendar, Window, parse_duration, parse_window

WARSAW = ZoneInfo("Europe/Warsaw")
moments = st.floats(0, 4_000_000_000)


def seconds(text: str, zone: ZoneInfo = WARSAW) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


@pytest.mark.parametrize(
    ("text", "expected"), [("30s", 30), ("15m", 900), ("2h", 7200), ("7d", 604_800), ("4w", 2_419_200)]
)
def test_a_duration_is_a_number_and_a_unit(text: str, expected: float) -> None:
    assert parse_duration(text) == expected
    assert parse_window(text) == Window("rolling", expected)


@pytest.mark.parametrize("text", ["", "7", "d", "0d", "-1d", "1.5h", "7 d", "7D", "²d", "99999999999w"])
def test_what_is_no_duration_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration: a number and s, m, h, d or w"):
        parse_duration(text)


def test_a_duration_is_at_most_ten_years() -> None:
    with pytest.raises(ValueError, match="'3651d' is too long: at most 3650d"):
        parse_duration("3651d")


def test_a_window_may_be_one_of_the_calendar_or_ever() -> None:
    assert [parse_window(word).kind for word in ("hour", "day", "week", "month", "ever")] == [
        "hour", "day", "week", "month", "ever",
    ]  # fmt: skip
    with pytest.raises(ValueError, match="'year' is no window: hour, day, week, month, ever, or a number"):
        parse_window("year")


@given(moments)
def test_a_day_is_the_date_that_clocks_of_the_zone_show(at: float) -> None:
    assert Calendar("Europe/Warsaw").day(at) == datetime.fromtimestamp(at, WARSAW).toordinal()
    assert Calendar().day(at) == datetime.fromtimestamp(at, UTC).toordinal()


@given(moments)
def test_a_cached_day_is_the_same_day(at: float) -> None:
    calendar = Calendar("Europe/Warsaw")
    asked = [calendar.day(at + step) for step in (0, 3600, 86_400, 0, -3600, 0)]
    assert asked == [Calendar("Europe/Warsaw").day(at + step) for step in (0, 3600, 86_400, 0, -3600, 0)]


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-10-26", 24)])
def test_a_day_has_as_many_hours_as_pass_in_it(day: str, hours: int) -> None:
    calendar = Calendar("Europe/Warsaw")
    begin, end = seconds(day), seconds((date.fromisoformat(day) + timedelta(1)).isoformat())
    numbers = [calendar.hour(begin + minute * 60) for minute in range(int(end - begin) // 60)]
    assert len(set(numbers)) == hours
    assert numbers == sorted(numbers)
    assert {calendar.day(begin), calendar.day(end - 0.001)} == {date.fromisoformat(day).toordinal()}


@pytest.mark.parametrize(
    "zone", ["Europe/Warsaw", "America/St_Johns", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Kathmandu"]
)
@given(at=st.floats(0, 2_000_000_000), step=st.floats(0, 90_000))
def test_days_and_hours_never_go_back(zone: str, at: float, step: float) -> None:
    calendar = Calendar(zone)
    assert calendar.hour(at) <= calendar.hour(at + step)
    assert calendar.day(at) <= calendar.day(at + step)


def test_a_clock_put_back_over_midnight_does_not_begin_the_day_again() -> None:
    calendar = Calendar("America/St_Johns")
    just_after_midnight = seconds("2009-11-01T00:00:30", ZoneInfo("America/St_Johns"))
    assert calendar.day(just_after_midnight) == date(2009, 11, 1).toordinal()
    assert calendar.day(just_after_midnight + 120) == date(2009, 11, 1).toordinal()


@pytest.mark.parametrize(
    ("window", "start", "end"),
    [
        ("hour", "2026-11-25T13:00", "2026-11-25T14:00"),
        ("day", "2026-11-25", "2026-11-26"),
        ("week", "2026-11-23", "2026-11-30"),
        ("month", "2026-11-01", "2026-12-01"),
    ],
)
def test_windows_of_the_calendar_begin_and_end_with_it(window: str, start: str, end: str) -> None:
    span = Calendar("Europe/Warsaw").span(parse_window(window), seconds("2026-11-25T13:37"))
    assert (span.low, span.high, span.until) == (seconds(start), seconds(end), seconds(end))


@pytest.mark.parametrize("at", [float("nan"), float("inf"), float("-inf"), -1e300, 1e300, 253_402_300_799.0])
def test_no_clock_is_too_wrong_for_a_calendar(at: float) -> None:
    calendar = Calendar("Europe/Warsaw")
    assert calendar.day(at) in (date(1970, 1, 1).toordinal(), date(9999, 1, 1).toordinal())
    for window in ("hour", "day", "week", "month", "7d", "ever"):
        assert calendar.span(parse_window(window), at).until >= 0


def test_an_unknown_zone_is_utc() -> None:
    assert Calendar("Mars/Olympus").day(86_399) == Calendar().day(86_399)
