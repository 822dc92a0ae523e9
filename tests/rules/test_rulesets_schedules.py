"""What `check` says about schedules and the calendar that they refer to."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from nearwise_rules.logic import Dialect
from nearwise_rules.rulesets import assemble
from nearwise_rules.rulesets.conditions import Conditions
from nearwise_rules.rulesets.drafts import Draft
from nearwise_rules.rulesets.files import Sources
from nearwise_rules.rulesets.parts import FileProblem, Part
from nearwise_rules.rulesets.references import References
from nearwise_rules.rulesets.schedules import check_calendar, check_not_over, check_schedule

SETTINGS: dict[str, Any] = {
    "name": "shop",
    "zone": "Europe/Warsaw",
    "day_parts": {"breakfast": {"from": "06:00", "until": "11:00"}},
    "holidays": ["12-25"],
}


def draft_of(settings: dict[str, Any], usable: dict[str, Any] | None = None) -> Draft:
    sources = Sources(settings=Part("nearwise.yaml", "", settings, lambda _: None))
    return Draft(usable or settings, sources, Conditions(Dialect.SAFE, {}), References())


def told(document: Any, **changed: Any) -> list[tuple[str, str, str]]:
    found: list[FileProblem] = []
    check_schedule(Part("offers/a.yaml", "/when", document, found.append), draft_of({**SETTINGS, **changed}))
    return [(problem.code, problem.pointer, problem.message) for problem in found]


def told_of_settings(**settings: Any) -> list[tuple[str, str]]:
    found: list[FileProblem] = []
    check_calendar(Part("nearwise.yaml", "", {"name": "shop", **settings}, found.append))
    return [(problem.code, problem.pointer) for problem in found]


@pytest.mark.parametrize(
    "document",
    [
        None,
        {},
        {"start": "2026-11-01", "end": "2026-11-01"},
        {"days": ["mon"], "from": "22:00", "until": "02:00"},
        {"parts": ["breakfast"], "holidays": "except"},
        [{"dates": ["12-24"]}, {"holidays": "only", "days": ["mon"]}],
    ],
)
def test_a_good_schedule_has_no_problem(document: Any) -> None:
    assert told(document) == []


@pytest.mark.parametrize(
    ("document", "code", "place", "message"),
    [
        ({"form": "06:00"}, "unknown_field", "/form", "unknown field 'form' (did you mean 'from'?)"),
        ({"days": ["mond"]}, "unknown_choice", "/days/0", "'mond' is not known here (did you mean 'mon'?)"),
        ({"days": [None]}, "shape", "/days/0", "a text is expected here"),
        ({"days": "mon"}, "shape", "/days", "a list is expected here"),
        ({"from": "6:00"}, "bad_time", "/from", "'6:00' is not a time of the day such as 06:00"),
        ({"from": 6}, "shape", "/from", "a text is expected here"),
        ({"from": "06:00", "until": "06:00"}, "bad_time", "/until", "nothing lies between 'from' and 'until'"),
        ({"dates": ["2026-02-29"]}, "bad_time", "/dates/0", "'2026-02-29' is not in the calendar"),
        (
            {"start": "soon"},
            "bad_time",
            "/start",
            "'soon' is not a date or time such as 2026-12-24 or 2026-12-24T18:00",
        ),
        (
            {"start": "2026-12-01", "end": "2026-11-30"},
            "ends_before_start",
            "/end",
            "it ends (2026-11-30) before it starts (2026-12-01)",
        ),
        ({"holidays": "onyl"}, "unknown_choice", "/holidays", "'onyl' is not known here (did you mean 'only'?)"),
        (
            {"parts": ["brekfast"]},
            "unknown_day_part",
            "/parts/0",
            "unknown day part 'brekfast' (did you mean 'breakfast'?)",
        ),
        (
            {"parts": ["breakfast"], "from": "06:00"},
            "parts_or_times",
            "/parts",
            "a schedule has either 'parts' or 'from' and 'until'",
        ),
        (7, "shape", "", "a schedule is a map"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(document: Any, code: str, place: str, message: str) -> None:
    assert told(document) == [(code, f"/when{place}", message)]


def test_every_schedule_of_a_list_is_checked() -> None:
    found = told([{"days": ["mon"]}, {"from": "x"}, None, {"until": "y"}])
    assert [(code, pointer) for code, pointer, _ in found] == [
        ("bad_time", "/when/1/from"),
        ("shape", "/when/2"),
        ("bad_time", "/when/3/until"),
    ]


@pytest.mark.parametrize(
    "document",
    [
        [],
        {"days": []},
        {"parts": []},
        {"dates": []},
        {"dates": ["2026-12-25"], "holidays": "except"},
        {"dates": ["2026-12-25"], "days": ["mon"]},
        {"start": "2026-11-23", "end": "2026-11-25", "days": ["sun"]},
        {"dates": ["2026-03-29"], "from": "02:00", "until": "03:00"},
    ],
)
def test_hours_that_never_open_are_told(document: Any) -> None:
    assert [code for code, _, _ in told(document)] == ["never_opens"]


def test_holidays_and_day_parts_that_nobody_declared_are_told() -> None:
    assert told({"holidays": "only"}, holidays=[]) == [
        ("no_holidays", "/when/holidays", "nearwise.yaml declares no holidays")
    ]
    assert told({"parts": ["lunch"]}, day_parts={}) == [
        ("unknown_day_part", "/when/parts/0", "unknown day part 'lunch' (nearwise.yaml declares none)")
    ]


def test_a_part_of_the_calendar_that_is_wrong_is_told_there_only() -> None:
    found: list[FileProblem] = []
    usable = {"name": "shop", "zone": "Europe/Warsaw"}
    part = Part("offers/a.yaml", "/when", {"parts": ["breakfast"], "holidays": "only"}, found.append)
    check_schedule(part, draft_of(SETTINGS, usable))
    assert found == []


def test_the_calendar_of_the_settings_is_checked() -> None:
    assert told_of_settings(day_parts=SETTINGS["day_parts"], holidays=SETTINGS["holidays"]) == []
    assert told_of_settings(day_parts={"a": {"from": "06:00"}, "b": {"from": "x", "until": "07:00", "till": 1}}) == [
        ("missing_field", "/day_parts/a"),
        ("unknown_field", "/day_parts/b/till"),
        ("bad_time", "/day_parts/b/from"),
    ]
    assert told_of_settings(holidays=["12-25", "Easter", 7], day_parts={"a": 7}) == [
        ("shape", "/day_parts/a"),
        ("shape", "/holidays/2"),
        ("bad_time", "/holidays/1"),
    ]


def test_a_schedule_that_is_over_is_told_with_the_reason() -> None:
    found: list[FileProblem] = []
    at = datetime(2026, 11, 23, 8, 10, tzinfo=UTC).timestamp()
    documents: list[Any] = [{"end": "2026-11-20"}, {"end": "2026-11-23"}, {"days": ["mon"]}]
    for document in documents:
        check_not_over(Part("offers/a.yaml", "/when", document, found.append), draft_of(SETTINGS), at)
    assert [(problem.code, problem.message) for problem in found] == [
        ("expired_schedule", "this never opens again: ended on 2026-11-20")
    ]


def test_a_rule_set_is_checked_with_its_calendar() -> None:
    good: Any = {"nearwise.yaml": SETTINGS}
    bad: Any = {"nearwise.yaml": {**SETTINGS, "holidays": ["Easter"]}}
    assert assemble(good).problems == ()
    assert [(problem.code, problem.pointer) for problem in assemble(bad).problems] == [("bad_time", "/holidays/0")]
