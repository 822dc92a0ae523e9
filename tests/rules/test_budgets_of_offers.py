"""Budgets over many devices: hard ones never exceed their total, smooth ones let in the share that fits."""

from __future__ import annotations

from collections.abc import Mapping
from json import loads
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearwise_rules import Bundle, Json, assemble
from nearwise_rules.rulesets.budgets import Quotas, divide, throttle
from tests.rules.sealed import bundle_of

OFFER: dict[str, Json] = {"content": {"title": "x"}}
DEVICES = [f"till-{number}" for number in range(8)]
demands = st.dictionaries(st.sampled_from(DEVICES), st.integers(0, 5_000), max_size=len(DEVICES))


def whole(quotas: Quotas, devices: int) -> int:
    """What all devices may use together, the unknown ones included."""
    known, other = quotas
    return sum(known.values()) + other * max(devices - len(known), 0)


@given(st.integers(1, 10_000), st.lists(demands, max_size=6), st.none() | st.just(len(DEVICES)))
def test_hard_quotas_never_make_more_than_the_total_whatever_was_published(
    total: int, days: list[dict[str, int]], devices: int | None
) -> None:
    quotas, largest = Quotas({}, 0), dict.fromkeys(DEVICES, 0)
    for demand in days:
        quotas = divide(total, demand, quotas, devices)
        known, other = quotas
        assert whole(quotas, devices or 0) <= total
        for device in DEVICES:  # a device that hears of no bundle any more keeps the largest quota that it ever had
            largest[device] = max(largest[device], known.get(device, other))
        assert sum(largest.values()) <= total


def test_quotas_follow_demand() -> None:
    known, other = divide(100, {"busy": 79, "quiet": 19}, Quotas({}, 0))
    assert (known, other) == ({"busy": 80, "quiet": 20}, 0)


def test_devices_that_are_not_known_share_what_is_set_aside_for_them() -> None:
    known, other = divide(100, {"known": 10}, Quotas({}, 0), devices=5)
    assert (known, other) == ({"known": 20}, 20)


@pytest.mark.parametrize(
    ("total", "used", "last", "share"),
    [(100, 50, 1.0, 1.0), (100, 200, 1.0, 0.5), (100, 100, 0.5, 0.5), (9, 0, 0.2, 1.0)],
)
def test_the_throttle_lets_in_what_fits(total: int, used: int, last: float, share: float) -> None:
    assert throttle(total, used, last) == share


@pytest.mark.parametrize(("window", "used", "share"), [("ever", 99, 1.0), ("ever", 100, 0.0), ("week", 100, 1.0)])
def test_nobody_gets_what_is_used_up_for_ever(window: str, used: int, share: float) -> None:
    budget: Json = {"total": 100, "mode": "smooth", "window": window}
    files: dict[str, Json] = {"nearwise.json": {"name": "shop"}, "offers/a.json": {**OFFER, "budget": budget}}
    (entry,) = [entry for entry in assemble(files, demand={"a": {"till": used}}).entries if entry.kind == "offer"]
    assert loads(entry.body)["budget"]["throttle"] == share


def test_a_budget_that_was_used_up_goes_on_at_once_when_its_total_is_raised() -> None:
    def built(total: int, previous: Bundle | None) -> Bundle:
        files: dict[str, Json] = {"nearwise.json": {"name": "shop"}}
        files["offers/a.json"] = {**OFFER, "budget": {"total": total, "mode": "smooth"}}
        return bundle_of(assemble(files, previous, demand={"a": {"till": 100}}).entries)

    spent = built(100, None)
    raised = built(1000, spent)
    shares = [loads(bundle.entry("offer", "a") or b"")["budget"]["throttle"] for bundle in (spent, raised)]
    assert shares == [0, 1]


def test_what_was_set_aside_for_devices_stays_so_when_they_are_no_longer_named() -> None:
    def built(budget: Json, previous: Bundle | None, demand: Mapping[str, int]) -> Bundle:
        files: dict[str, Json] = {"nearwise.json": {"name": "shop"}, "offers/a.json": {**OFFER, "budget": budget}}
        assembled = assemble(files, previous, demand={"a": demand})
        return bundle_of(assembled.entries)

    bundle = built({"total": 100, "devices": 10}, None, {})
    for _ in range(2):
        bundle = built({"total": 100}, bundle, {"till-1": 5})
        budget = cast("dict[str, Json]", loads(bundle.entry("offer", "a") or b"")["budget"])
        quotas = cast("dict[str, int]", budget["quotas"])
        assert whole(Quotas(quotas, cast("int", budget["quota"])), 10) <= 100


def test_the_build_fills_in_quotas_and_keeps_them_growing() -> None:
    offer: Json = {"content": {"title": "x"}, "budget": {"total": 100, "devices": 4}}
    files: dict[str, Json] = {"nearwise.yaml": {"name": "shop"}, "offers/a.yaml": offer}
    assembled = assemble(files, demand={"a": {"till-1": 5, "till-2": 2}})
    assert assembled.problems == ()
    (entry,) = [entry for entry in assembled.entries if entry.kind == "offer"]
    budget = cast("dict[str, Json]", loads(entry.body)["budget"])
    assert (budget["quotas"], budget["quota"]) == ({"till-1": 33, "till-2": 16}, 25)
