"""The decision formula: the worked vector of the research, clamping, weights."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from nearwise_rules import Decision
from nearwise_rules.decide.formulas import chance, priority, uplift_utility, utility, weight
from tests.rules.placement_cases import Shop, rule_set

A = {"probability": 0.04, "value": 20, "cost": 0.10, "lever": 55, "tags": ["t"]}
B = {"probability": 0.10, "value": 6, "cost": 0.10, "context": 20, "tags": ["t"]}


def each(*parts: str) -> dict[str, object]:
    """A score of these parts of an offer."""
    return dict.fromkeys(parts, True)


EVERYTHING = each("probability", "value", "cost", "context", "lever")


def slot(score: Mapping[str, object]) -> dict[str, object]:
    return {"size": 2, "candidates": {"tags": ["t"]}, "policies": {"p": {"score": score}}}


def scores(decision: Decision) -> list[tuple[str, float]]:
    return [(item.key, round(item.score or 0.0, 9)) for item in decision.items]


def test_the_worked_vector() -> None:
    decision = Shop(rule_set({"a": A, "b": B}, {"slot": slot(EVERYTHING)})).decide("slot")
    assert scores(decision) == [("a", 1.085), ("b", 0.60)]


def test_the_worked_vector_without_levers() -> None:
    score = each("probability", "value", "cost", "context")
    decision = Shop(rule_set({"a": A, "b": B}, {"slot": slot(score)})).decide("slot")
    assert scores(decision) == [("a", 0.70), ("b", 0.60)]


def test_an_offer_that_costs_more_than_it_brings_is_dropped() -> None:
    decision = Shop(rule_set({"a": {**A, "cost": 0.90}, "b": B}, {"slot": slot(EVERYTHING)})).decide("slot")
    assert decision.keys == ["b"]


def test_to_say_nothing_is_an_action() -> None:
    decision = Shop(rule_set({"a": {**A, "cost": 0.90}}, {"slot": slot(EVERYTHING)})).decide("slot")
    assert (decision.keys, decision.value, decision.variant) == ([], [], "p")


def test_uplift_counts_the_discount_for_everybody_who_buys() -> None:
    assert uplift_utility(0.05, 0.20, margin=10, cost=0.05, discount=1) == pytest.approx(0.5 - 0.05 - 0.2)
    offer = {"uplift": 0.05, "probability": 0.20, "margin": 10, "cost": 0.05, "discount": 1, "tags": ["t"]}
    score = each("uplift", "probability", "margin", "cost", "discount")
    decision = Shop(rule_set({"a": offer}, {"slot": slot(score)})).decide("slot")
    assert decision.items[0].score == pytest.approx(0.25)


def test_a_lever_cannot_make_a_bad_offer_look_better_or_worse() -> None:
    assert priority(utility(0.1, 1, 1), 2.0, 2.0) == 0 == priority(utility(0.1, 1, 1), 0.5, 0.5)


@pytest.mark.parametrize(("percent", "factor"), [(0, 1), (55, 1.55), (100, 2), (400, 2), (-20, 0.8), (-90, 0.5)])
def test_weights_are_limited(percent: float, factor: float) -> None:
    assert weight(percent) == pytest.approx(factor)


def test_chances_are_limited() -> None:
    assert (chance(-1), chance(0.5), chance(7)) == (0, 0.5, 1)
