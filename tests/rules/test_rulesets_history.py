"""History attributes in a rule set: every mistake is told with its place."""

from __future__ import annotations

from typing import Any

import pytest

from nearwise_rules import assemble

COFFEE_DAYS: dict[str, Any] = {"count": "purchase", "where": {"category": "COFFEE"}, "distinct": "day", "window": "28d"}


def told(history: object, kind: str = "integer", **fields: object) -> list[tuple[str, str, str]]:
    """Code, place within the attribute and message of every problem."""
    attributes: Any = {
        "measured": {"type": kind, "source": "history", "purposes": ["profile"], "history": history, **fields},
        "product.category": {"type": "string"},
        "basket.categories": {"type": "list", "of": "string"},
        "visits": {"type": "integer", "source": "history", "purposes": ["profile"], "history": {"count": "visit"}},
        "own": {"type": "string", "source": "history", "purposes": ["profile"]},
    }
    problems = assemble({"nearwise.yaml": {"name": "shop"}, "attributes.yaml": attributes}).problems
    assert {problem.file for problem in problems} <= {"attributes.yaml"}
    return [(problem.code, problem.pointer.removeprefix("/measured"), problem.message) for problem in problems]


@pytest.mark.parametrize(
    ("history", "kind"),
    [
        (COFFEE_DAYS, "integer"),
        ({"count": "seen", "where": {"category": {"var": "product.category"}}, "window": "7d"}, "integer"),
        ({"count": "seen", "where": {"category": {"var": "offer.properties.category"}}}, "integer"),
        ({"count": "seen", "where": {"offer": {"var": "offer.key"}, "paid": True, "store": 5}}, "integer"),
        ({"count": "seen", "where": {"category": {"var": "own"}}}, "integer"),
        ({"sum": "purchase", "of": "basket.total", "window": "month", "per": "device"}, "number"),
        ({"since_last": "purchase", "unit": "hours"}, "number"),
        ({"first": "purchase"}, "datetime"),
        ({"last": "purchase"}, "number"),
    ],
)
def test_what_can_be_asked_is_no_problem(history: dict[str, Any], kind: str) -> None:
    assert told(history, kind) == []


@pytest.mark.parametrize(
    ("history", "kind", "code", "place", "message"),
    [
        ({}, "integer", "history_verb", "/history", "history has exactly one of count, sum, first, last"),
        ({"count": "a", "sum": "a"}, "integer", "history_verb", "/history", "exactly one of"),
        ({"count": "a"}, "number", "history_type", "/type", "'count' gives an integer, and this is a number"),
        ({"last": "a"}, "string", "history_type", "/type", "'last' gives a datetime or a number, and this is a string"),
        ({"count": "a", "window": "7 days"}, "integer", "bad_window", "/history/window", "'7 days' is no window"),
        ({"count": "a", "of": "b"}, "integer", "history_field", "/history/of", "'of' goes with sum only"),
        ({"last": "a", "window": "7d"}, "number", "history_field", "/history/window", "goes with count and sum only"),
        ({"count": "a", "per": "subjct"}, "integer", "unknown_choice", "/history/per", "did you mean 'subject'?"),
        ({"count": "a", "windw": "7d"}, "integer", "unknown_field", "/history/windw", "did you mean 'window'?"),
        ({"count": ""}, "integer", "history_event", "/history/count", "the name of an event is expected"),
        ("count", "integer", "shape", "/history", "a map is expected here"),
        (
            {"count": "a", "where": {"c": {"var": "product.categry"}}},
            "integer",
            "unknown_attribute",
            "/history/where/c/var",
            "unknown attribute 'product.categry' (did you mean 'product.category'?)",
        ),
        (
            {"count": "a", "where": {"c": {"var": "visits"}}},
            "integer",
            "history_of_history",
            "/history/where/c/var",
            "'visits' is read from history itself",
        ),
        (
            {"count": "a", "where": {"c": {"var": "basket.categories"}}},
            "integer",
            "history_value",
            "/history/where/c/var",
            "'basket.categories' is a list: a property is compared with one plain value",
        ),
        (
            {"count": "a", "where": {"c": ["x"]}},
            "integer",
            "history_value",
            "/history/where/c",
            "a text, a number, true",
        ),
        ({"count": "a", "where": {"c": {}}}, "integer", "missing_field", "/history/where/c", "needs 'var'"),
        (
            {"count": "a", "where": {"c": "x"}, "distinct": "c"},
            "integer",
            "history_field",
            "/history/distinct",
            "'where' leaves one value of 'c' to count",
        ),
    ],
)
def test_what_cannot_be_asked_is_told_with_its_place(
    history: object, kind: str, code: str, place: str, message: str
) -> None:
    assert [(found, where) for found, where, _ in told(history, kind)] == [(code, place)]
    assert message in told(history, kind)[0][2]


def test_an_attribute_that_is_read_from_history_says_so_in_its_source() -> None:
    assert [found[:2] for found in told(COFFEE_DAYS, source="context")] == [("history_source", "/history")]
