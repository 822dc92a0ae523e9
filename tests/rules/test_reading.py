"""What rules read beside the context: what history asks about is gated and given as anything else is."""

from __future__ import annotations

from typing import Any

import pytest

from tests.rules.placement_cases import MONDAY, Shop, rule_set

PLACEMENT = {"candidates": {"tags": ["t"]}, "policies": {"p": {"score": {"value": True}}}}
FAVOURITE: dict[str, Any] = {"type": "string", "source": "trait", "purposes": ["personalise"]}
ABOUT_ALL: dict[str, Any] = {"category": {"var": "favourite"}}
ABOUT_THE_OFFER: dict[str, Any] = {**ABOUT_ALL, "offer": {"var": "offer.key"}}


def shop(where: dict[str, Any], *consent: str) -> Shop:
    """One offer for those who looked at their favourite category, of which `where` says more; one for all."""
    viewed = {
        "type": "integer",
        "source": "history",
        "purposes": ["profile"],
        "history": {"count": "viewed", "where": where},
    }
    offers = {
        "seen": {"tags": ["t"], "value": 2, "eligible": {">": [{"var": "a.viewed"}, 0]}},
        "usual": {"tags": ["t"], "value": 1},
    }
    files = rule_set(offers, {"slot": PLACEMENT}, attributes={"favourite": FAVOURITE, "a.viewed": viewed})
    made = Shop(files, consent=consent)
    made.happened("viewed", MONDAY - 60, category="TEA", offer="seen")
    return made


@pytest.mark.parametrize("where", [ABOUT_ALL, ABOUT_THE_OFFER])
def test_history_asks_about_what_the_device_knows_and_no_rule_reads(where: dict[str, Any]) -> None:
    made = shop(where, "profile", "personalise")
    assert made.decide("slot").keys == ["usual"]
    made.traits["favourite"] = "TEA"
    assert made.decide("slot").keys == ["seen"]
    assert made.decide("slot", favourite="COFFEE").keys == ["usual"]


@pytest.mark.parametrize("where", [ABOUT_ALL, ABOUT_THE_OFFER])
def test_history_asks_about_nothing_that_the_subject_does_not_consent_to(where: dict[str, Any]) -> None:
    made = shop(where, "profile")
    made.traits["favourite"] = "TEA"
    assert made.decide("slot").keys == ["usual"]
    assert made.decide("slot", favourite="TEA").keys == ["usual"]


@pytest.mark.parametrize("where", [ABOUT_ALL, ABOUT_THE_OFFER])
def test_a_history_value_of_the_caller_wins_and_needs_the_consent_too(where: dict[str, Any]) -> None:
    assert shop(where, "profile").decide("slot", a={"viewed": 1}).keys == ["seen"]
    assert shop(where).decide("slot", a={"viewed": 1}).keys == ["usual"]
