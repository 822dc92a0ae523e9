"""What is recorded: all that is needed and nothing else."""

from __future__ import annotations

import pytest

from nearwise_rules import Calendar, HistoryPlan, Ledger, Need, compile_measure, parse_window, purposes_mask, series_key

EVER = parse_window("ever")
PROFILE = purposes_mask(["profile"])


def recorded(plan: HistoryPlan, event: str, properties: dict[str, object], value: float | None = None) -> list[str]:
    """The keys of the series that one event leaves in an empty ledger."""
    ledger = Ledger(Calendar())
    plan.record(ledger, event, properties, value, 1000.0)
    return sorted(key for _, key, _ in ledger.all_series())


def test_only_events_and_properties_that_are_needed_are_recorded() -> None:
    plan = HistoryPlan()
    plan.need("exposure", ["offer"])
    plan.need("exposure", ["tag"])
    plan.need("purchase")
    assert plan.events == {"exposure", "purchase"}
    exposure: dict[str, object] = {"offer": "coffee-10", "tag": ["coffee", "drinks"], "placement": "hero"}
    assert recorded(plan, "exposure", exposure) == sorted(
        [series_key({"offer": "coffee-10"}), series_key({"tag": "coffee"}), series_key({"tag": "drinks"})]
    )
    assert recorded(plan, "purchase", {"card": "1042", "category": "WINE"}, 12.0) == [""]
    assert recorded(plan, "click", {"offer": "coffee-10"}) == []


def test_one_occurrence_is_one_however_many_needs_and_equal_items_it_meets() -> None:
    plan, ledger = HistoryPlan(), Ledger(Calendar())
    plan.need("seen", ["tag"])
    plan.need("seen", ["tag"], mask=PROFILE)
    plan.serve(compile_measure({"count": "seen", "where": {"tag": "a"}}))
    plan.record(ledger, "seen", {"tag": ["a", "b", "a"]}, None, 1000.0)
    assert ledger.count("seen", series_key({"tag": "a"}), EVER, 1000.0) == 1


def test_each_item_of_each_list_makes_a_key_up_to_a_bound() -> None:
    plan = HistoryPlan([Need("seen", ("a", "b"))])
    assert len(recorded(plan, "seen", {"a": [1, 2, 3], "b": ["x", "y"]})) == 6
    assert len(recorded(plan, "seen", {"a": list(range(100)), "b": ["x", "y"]})) == 64


@pytest.mark.parametrize("value", [None, [], {"x": 1}, float("inf"), [[1]]])
def test_an_event_without_the_property_is_not_filed_under_it(value: object) -> None:
    plan = HistoryPlan([Need("seen", ("a",)), Need("seen")])
    assert recorded(plan, "seen", {"a": value}) == [""]
    assert recorded(plan, "seen", {}) == [""]


def test_a_dotted_name_is_a_property_of_that_name_or_a_path_into_nested_ones() -> None:
    plan = HistoryPlan([Need("seen", ("basket.kind",))])
    expected = [series_key({"basket.kind": "big"})]
    assert recorded(plan, "seen", {"basket.kind": "big"}) == expected
    assert recorded(plan, "seen", {"basket": {"kind": "big"}}) == expected
    assert recorded(plan, "seen", {"basket": "big"}) == []


def test_each_number_that_is_added_up_has_a_series_of_its_own() -> None:
    plan, ledger = HistoryPlan([Need("buy", (), "value"), Need("buy", (), "basket.total"), Need("buy")]), None
    ledger = Ledger(Calendar())
    plan.record(ledger, "buy", {"basket": {"total": 20}}, 3.0, 1000.0)
    plan.record(ledger, "buy", {"basket": {"total": True}}, None, 1001.0)
    totals = {series.total: series.number for _, _, series in ledger.all_series()}
    assert totals == {3.0: 1, 20.0: 1, 0.0: 2}


def test_a_view_has_what_one_owner_and_one_consent_allow() -> None:
    plan = HistoryPlan()
    plan.need("exposure", ["offer"], per="device")
    plan.need("purchase")
    plan.serve(compile_measure({"count": "purchase", "where": {"category": "WINE"}}), PROFILE)
    properties: dict[str, object] = {"category": "WINE"}
    assert recorded(plan.view("subject", 0), "purchase", properties) == [""]
    assert recorded(plan.view("subject", PROFILE), "purchase", properties) == ["", series_key(properties)]
    assert plan.view("device", 255).needs == (Need("exposure", ("offer",), None, "device"),)
    assert recorded(plan.view("device", 0), "purchase", properties) == []


def test_a_need_that_comes_later_is_met_too() -> None:
    plan = HistoryPlan()
    plan.need("seen")
    assert recorded(plan, "seen", {"a": 1}) == [""]
    plan.need("seen", ["a"])
    assert recorded(plan, "seen", {"a": 1}) == sorted(["", series_key({"a": 1})])
    assert recorded(plan.view("subject", 0), "seen", {"a": 1}) == sorted(["", series_key({"a": 1})])
