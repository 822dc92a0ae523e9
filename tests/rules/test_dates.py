"""Dates and times: instants compare, calendars count, zones decide what the clock on the wall shows."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearwise_rules.errors import DocumentError, EvaluationError
from nearwise_rules.logic import Dialect, Run, compile_expression, interpret, parse

WARSAW = "Europe/Warsaw"
NOTHING: list[object] = []
NOW, HOUR, TIME, DATE, WEEKDAY = ({name: NOTHING} for name in ("now", "hour", "time", "date", "weekday"))
NOON = datetime(2026, 11, 22, 12, tzinfo=ZoneInfo(WARSAW))


def answer(rule: object, data: dict[str, object] | None = None, now: float | None = NOON.timestamp()) -> object:
    """What a rule gives in Warsaw, interpreted and compiled alike."""
    expression = parse(rule)
    found = interpret(expression, data or {}, Run(now=now, zone=WARSAW))
    assert compile_expression(expression)(data or {}, Run(now=now, zone=WARSAW)) == found
    return found


def test_the_present_is_given_and_shown_in_the_zone_of_the_rule_set() -> None:
    assert answer(NOW) == NOON
    assert answer(HOUR) == 12
    assert answer(TIME) == "12:00"
    assert answer(DATE) == "2026-11-22"
    assert answer(WEEKDAY) == "sun"


def test_a_rule_may_name_another_zone() -> None:
    assert answer({"time": [NOW, "America/New_York"]}) == "06:00"
    assert answer({"date": ["2026-11-22T23:30:00+01:00", "Asia/Tokyo"]}) == "2026-11-23"


def test_without_a_clock_everything_about_now_is_missing() -> None:
    for rule in (NOW, HOUR, WEEKDAY, DATE, TIME):
        assert answer(rule, now=None) is None
    assert answer({"after": [NOW, "2020-01-01"]}, now=None) is False


@pytest.mark.parametrize(
    ("left", "right", "is_before"),
    [
        ("2026-11-22T12:00:00Z", "2026-11-22T13:00:00+02:00", False),
        ("2026-11-22", "2026-11-22T00:00:01", True),
        ("2026-11-22T10:00:00", "2026-11-22T09:30:00Z", True),
        (0, "1970-01-01T00:00:01Z", True),
        (1_763_812_800.5, 1_763_812_801, True),
        (NOON, NOON, False),
        (datetime(2026, 11, 22, 11), NOON, True),
        (date(2026, 11, 22), NOON, True),
        ("2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00", True),
    ],
)
def test_instants_compare_across_ways_to_write_them(left: object, right: object, is_before: bool) -> None:
    rule = [{"var": "left"}, {"var": "right"}]
    data = {"left": left, "right": right}
    assert answer({"before": rule}, data) is is_before
    assert answer({"after": list(reversed(rule))}, data) is is_before


def test_null_is_neither_before_nor_after() -> None:
    for name in ("before", "after"):
        assert answer({name: [{"var": "seen"}, NOW]}) is False
    assert answer({"date_diff": [NOW, {"var": "seen"}, "days"]}) is None


@pytest.mark.parametrize(
    ("later", "earlier", "unit", "count"),
    [
        ("2026-11-22T01:00:00", "2026-11-21T23:00:00", "days", 1),
        ("2026-11-22T23:00:00", "2026-11-22T01:00:00", "days", 0),
        ("2026-11-21", "2026-11-22", "days", -1),
        ("2026-11-22T10:59:59", "2026-11-22T10:00:00", "minutes", 59),
        ("2026-11-22T10:00:00", "2026-11-22T10:59:59", "minutes", -59),
        ("2026-10-25T04:00:00", "2026-10-25T00:00:00", "hours", 5),
        ("2026-03-29T04:00:00", "2026-03-29T00:00:00", "hours", 3),
        ("2026-02-28", "2026-01-31", "months", 0),
        ("2026-03-31", "2026-01-31", "months", 2),
        ("2026-11-21", "1990-11-22", "years", 35),
        ("2026-11-22", "1990-11-22", "years", 36),
        ("1990-11-22", "2026-11-21", "years", -35),
        ("2026-11-22T10:00:00.9Z", "2026-11-22T10:00:00Z", "seconds", 0),
    ],
)
def test_differences_count_whole_units_on_the_calendar_of_the_zone(
    later: str, earlier: str, unit: str, count: int
) -> None:
    assert answer({"date_diff": [later, earlier, unit]}) == count


moments = st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))


@given(moments, moments)
def test_a_difference_changes_its_sign_when_turned_round(left: datetime, right: datetime) -> None:
    for unit in ("seconds", "hours", "days", "months", "years"):
        there = answer({"date_diff": [{"var": "a"}, {"var": "b"}, unit]}, {"a": left, "b": right})
        back = answer({"date_diff": [{"var": "a"}, {"var": "b"}, unit]}, {"a": right, "b": left})
        assert isinstance(there, int)
        assert there == -back  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]
    assert (answer({"before": [{"var": "a"}, {"var": "b"}]}, {"a": left, "b": right})) is (left < right)


@pytest.mark.parametrize(
    "rule",
    [
        {"before": ["yesterday", NOW]},
        {"before": [True, NOW]},
        {"before": [[1], NOW]},
        {"before": [1e30, NOW]},
        {"hour": ["0001-01-01T00:00:00"]},
        {"time": ["9999-12-31T23:59:59", "America/New_York"]},
        {"date_diff": ["2026-01-01", "2026-01-02", "weeks"]},
        {"hour": [NOW, "Mars/Olympus"]},
        {"hour": [NOW, "../../etc/passwd"]},
        {"hour": [NOW, 5]},
    ],
)
def test_misuse_is_a_named_error(rule: object) -> None:
    if rule == {"time": ["9999-12-31T23:59:59", "America/New_York"]}:
        assert answer(rule) == "17:59"
        return
    with pytest.raises(EvaluationError) as caught:
        answer(rule)
    assert caught.value.type == "Invalid Arguments"


def test_opening_hours_read_as_they_are_meant() -> None:
    rule = {"and": [{"in": [WEEKDAY, ["mon", "tue", "sun"]]}, {"<=": ["06:00", TIME, "11:00"]}]}
    assert answer(rule) is False
    assert answer(rule, now=(NOON - timedelta(hours=2)).timestamp()) is True


def test_the_number_of_arguments_is_checked_when_parsed() -> None:
    for rule in (
        {"now": [1]},
        {"before": ["2026-01-01"]},
        {"date_diff": ["2026-01-01", "2026-01-02"]},
        {"hour": [1, 2, 3]},
    ):
        for dialect in Dialect:
            with pytest.raises(DocumentError):
                parse(rule, dialect=dialect)
