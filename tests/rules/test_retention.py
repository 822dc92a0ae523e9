"""Retention: what is longer ago than an event may be remembered is neither counted nor kept."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearwise_rules import Calendar, Ledger, Window
from nearwise_rules.history import HistoryPlan, compile_measure

DAY = 86_400.0
NOW = 1_795_000_000.0
CALENDAR = Calendar("Europe/Warsaw")


def asked(document: dict[str, Any], *days_ago: float) -> object:
    """What a measure says of purchases so many days ago; they are remembered for a week, everything else for ever."""
    measure = compile_measure(document, retention=lambda event: 7 * DAY if event == "purchase" else float("inf"))
    plan, ledger = HistoryPlan(), Ledger(CALENDAR)
    plan.serve(measure)
    for event in ("purchase", "visit"):
        for ago in sorted(days_ago, reverse=True):
            plan.record(ledger, event, {}, 2.0, NOW - ago * DAY)
    return measure.value(ledger, lambda _: None, NOW)


@pytest.mark.parametrize(
    ("document", "answer"),
    [
        ({"count": "purchase"}, 2),
        ({"count": "visit"}, 4),
        ({"count": "purchase", "window": "30d"}, 2),
        ({"count": "purchase", "window": "2d"}, 1),
        ({"count": "purchase", "distinct": "day"}, 2),
        ({"sum": "purchase"}, 4.0),
        ({"since_last": "purchase"}, 1.0),
    ],
)
def test_a_measure_looks_back_no_further_than_an_event_is_remembered(document: dict[str, Any], answer: object) -> None:
    assert asked(document, 1, 6, 8, 100) == answer


@pytest.mark.parametrize("verb", ["first", "last", "since_first", "since_last"])
def test_what_happened_last_before_that_is_not_known(verb: str) -> None:
    assert asked({verb: "purchase"}, 8, 9) is None
    assert asked({verb: "visit"}, 8, 9) is not None


@given(st.lists(st.integers(0, 40 * 86_400), min_size=1, max_size=80), st.integers(1, 30 * 86_400))
def test_a_ledger_forgets_everything_older_and_nothing_younger(seconds_ago: list[int], kept_seconds: int) -> None:
    ledger = Ledger(CALENDAR)
    for ago in sorted(seconds_ago, reverse=True):
        ledger.add("purchase", [""], NOW - ago, 2.0)
    version = ledger.version
    ledger.retain(lambda _: float(kept_seconds), NOW)
    horizon = NOW - kept_seconds
    younger = sum(NOW - ago >= horizon for ago in seconds_ago)
    with_the_day = sum(NOW - ago >= CALENDAR.start(CALENDAR.day(horizon)) for ago in seconds_ago)
    count = ledger.count("purchase", "", Window("ever"), NOW)
    assert younger <= count <= with_the_day
    assert ledger.total("purchase", "", Window("ever"), NOW) == pytest.approx(2.0 * count)
    assert (ledger.first("purchase", "") or horizon) >= horizon
    assert (ledger.version == version) is (younger == len(seconds_ago))
    assert [event for event, _, _ in ledger.all_series()] == ["purchase"] * (count > 0)
