"""Declared history attributes: what each verb answers, on ledgers that the plan of the same measures filled."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from nearwise_rules import Calendar, HistoryPlan, Ledger, Measure, Need, compile_measure

CALENDAR = Calendar("Europe/Warsaw")
NOON = datetime(2026, 11, 25, 12, tzinfo=ZoneInfo("Europe/Warsaw")).timestamp()
DAY = 86_400.0

PURCHASES: list[tuple[float, dict[str, Any], float]] = [
    (20, {"category": "COFFEE", "basket": {"total": 4.5}, "store": 5}, 1.0),
    (3, {"category": "COFFEE", "basket": {"total": 4.0}, "store": 5}, 1.0),
    (3 - 0.1, {"category": "COFFEE", "basket": {"total": 4.0}, "store": 6}, 1.0),
    (2, {"category": "WINE", "basket": {"total": 20.0}, "store": 5}, 2.0),
    (1, {"category": ["TEA", "WINE"], "basket": {"total": "?"}, "store": 5}, 3.0),
]
"""How many days ago, with which properties, at which value."""


def nothing(_name: str) -> object:
    return None


def answer(document: Mapping[str, object], kind: str = "number", **attributes: object) -> object:
    """What a measure says at noon about the purchases, when only what it needs was recorded."""
    measure, plan, ledger = compile_measure(document, kind), HistoryPlan(), Ledger(CALENDAR)
    plan.serve(measure)
    for days_ago, properties, value in PURCHASES:
        plan.record(ledger, "purchase", properties, value, NOON - days_ago * DAY)
    plan.record(ledger, "click", {"category": "COFFEE"}, None, NOON)
    return measure.value(ledger, lambda name: attributes.get(name.replace(".", "_")), NOON)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"count": "purchase"}, 5),
        ({"count": "purchase", "window": "7d"}, 4),
        ({"count": "purchase", "where": {"category": "COFFEE"}}, 3),
        ({"count": "purchase", "where": {"category": "COFFEE"}, "window": "28d", "distinct": "day"}, 2),
        ({"count": "purchase", "where": {"category": "COFFEE"}, "distinct": "hour"}, 3),
        ({"count": "purchase", "where": {"category": "TEA"}}, 1),
        ({"count": "purchase", "where": {"store": 5, "category": "COFFEE"}}, 2),
        ({"count": "purchase", "where": {"store": "5"}}, 0),
        ({"count": "purchase", "distinct": "category"}, 3),
        ({"count": "purchase", "distinct": "category", "where": {"store": 6}}, 1),
        ({"count": "purchase", "distinct": "category", "window": "36h"}, 2),
        ({"count": "refund"}, 0),
        ({"sum": "purchase"}, 8.0),
        ({"sum": "purchase", "window": "week"}, 5.0),
        ({"sum": "purchase", "of": "basket.total", "window": "30d"}, 32.5),
        ({"sum": "purchase", "of": "basket.total", "where": {"category": "WINE"}}, 20.0),
        ({"sum": "purchase", "of": "nothing"}, 0.0),
        ({"since_last": "purchase"}, 1.0),
        ({"since_last": "purchase", "unit": "hours"}, 24.0),
        ({"since_first": "purchase", "where": {"category": "WINE"}, "unit": "minutes"}, 2880.0),
        ({"since_first": "purchase", "unit": "seconds"}, 20 * DAY),
        ({"since_last": "refund"}, None),
        ({"first": "purchase"}, NOON - 20 * DAY),
        ({"last": "purchase", "where": {"category": "COFFEE"}}, NOON - 2.9 * DAY),
        ({"last": "refund"}, None),
    ],
    ids=str,
)
def test_a_measure_answers_from_what_was_recorded_for_it(document: dict[str, object], expected: object) -> None:
    found = answer(document)
    assert found == expected
    assert type(found) is type(expected)


def test_a_time_is_text_for_an_attribute_that_is_a_datetime() -> None:
    assert answer({"last": "purchase"}, "datetime") == "2026-11-24T11:00:00.000Z"
    assert answer({"first": "refund"}, "datetime") is None


def test_a_value_may_come_from_an_attribute() -> None:
    document = {"count": "purchase", "where": {"category": {"var": "product.category"}, "store": 5}}
    assert compile_measure(document).reads == {"product.category"}
    assert answer(document, product_category="COFFEE") == 2
    assert answer(document, product_category="WINE") == 2
    assert answer(document, product_category="BEER") == 0


@pytest.mark.parametrize("value", [None, ["COFFEE"], {"a": 1}, float("nan")])
def test_without_one_plain_value_of_that_attribute_there_is_no_answer(value: object) -> None:
    assert answer({"count": "purchase", "where": {"category": {"var": "c"}}}, c=value) is None


def test_the_time_since_is_never_negative_when_the_clock_went_back() -> None:
    measure, plan, ledger = compile_measure({"since_last": "purchase"}), HistoryPlan(), Ledger(CALENDAR)
    plan.serve(measure)
    plan.record(ledger, "purchase", {}, None, NOON + DAY)
    assert measure.value(ledger, nothing, NOON) == 0.0


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "a measure has one of count, sum"),
        ({"count": "a", "sum": "a"}, "a measure has one of"),
        ({"count": "a", "window": "soon"}, "'soon' is no window"),
    ],
)
def test_a_document_that_asks_nothing_is_refused(document: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        compile_measure(document)


@pytest.mark.parametrize(
    ("document", "need"),
    [
        ({"count": "purchase", "where": {"b": 1, "a": {"var": "x"}}}, Need("purchase", ("a", "b"))),
        ({"count": "purchase", "where": {"b": 1}, "distinct": "a"}, Need("purchase", ("a", "b"))),
        ({"count": "purchase", "distinct": "day"}, Need("purchase")),
        ({"sum": "purchase", "of": "basket.total"}, Need("purchase", (), "basket.total")),
        ({"sum": "purchase", "per": "device"}, Need("purchase", (), "value", "device")),
        ({"since_last": "purchase"}, Need("purchase")),
    ],
)
def test_a_measure_needs_no_more_than_it_asks(document: dict[str, object], need: Need) -> None:
    measure: Measure = compile_measure(document)
    assert measure.needs == (need,)
    assert measure.per == need.per
