"""No score is above the bound by which candidates are skipped, whatever its parts are and wherever they come from."""

from __future__ import annotations

from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from nearwise_rules.decide.formulas import priority, uplift_utility, utility, weight
from tests.rules.placement_cases import Shop, rule_set

NAMES = ("probability", "value", "cost", "uplift", "margin", "discount", "context", "lever")
USUAL = {**dict.fromkeys(NAMES, 0.0), "probability": 1.0, "value": 1.0}
amounts = st.sampled_from([-2.0, -0.5, 0.0, 0.25, 0.5, 1.0, 3.0, 120.0])
parts = st.dictionaries(
    st.sampled_from(NAMES), st.tuples(st.sampled_from(["constant", "context", "offer", "policy"]), amounts), max_size=8
)


def score(values: dict[str, float], *, is_uplift: bool) -> float:
    if is_uplift:
        names = ("uplift", "probability", "margin", "cost", "discount")
        worth = uplift_utility(*[values[name] for name in names])
    else:
        worth = utility(values["probability"], values["value"], values["cost"])
    return priority(worth, weight(values["context"]), weight(values["lever"]))


@settings(max_examples=150, deadline=None)
@given(st.lists(parts, min_size=1, max_size=5), st.integers(1, 3))
def test_what_is_shown_is_what_looking_at_every_score_gives(
    drawn: list[dict[str, tuple[str, float]]], size: int
) -> None:
    with_uplift = ["uplift" in each for each in drawn]
    assume(all(with_uplift) or not any(with_uplift))  # an offer without uplift is scored as one without
    used = {name for each in drawn for name in each}
    policy: dict[str, Any] = dict.fromkeys(used, True)
    data: dict[str, float] = {}
    offers: dict[str, Any] = {}
    expected: list[tuple[float, str]] = []
    for number, each in enumerate(drawn):
        key = f"o{number}"
        values = dict(USUAL)
        if "value" in used:
            values["value"] = 0.0  # an offer without a value has none
        offer: dict[str, Any] = {"tags": ["t"], "properties": {}}
        for name, (source, amount) in each.items():
            values[name] = amount
            if source == "context":
                data[f"{key}{name}"] = amount
                offer[name] = {"var": f"data.{key}{name}"}
            elif source == "offer":
                offer["properties"][name] = amount
                offer[name] = {"var": f"offer.properties.{name}"}
            else:
                offer[name] = amount
        offers[key] = offer
        found = score(values, is_uplift="uplift" in each)
        if found > 0:
            expected.append((-found, key))
    placement = {"size": size, "candidates": {"tags": ["t"]}, "policies": {"p": {"score": policy}}}
    files = rule_set(offers, {"slot": placement}, attributes={"data": {"type": "object"}})
    decision = Shop(files).decide("slot", data=data)
    best = sorted(expected)[:size]
    assert [(round(item.score or 0.0, 9), item.key) for item in decision.items] == [
        (round(-low, 9), key) for low, key in best
    ]


def shown(offers: dict[str, Any], score: dict[str, Any], **data: float) -> list[str]:
    placement = {"size": 2, "candidates": {"tags": ["t"]}, "policies": {"p": {"score": score}}}
    tagged = {key: {"tags": ["t"], **offer} for key, offer in offers.items()}
    files = rule_set(tagged, {"slot": placement}, attributes={"data": {"type": "object"}})
    return Shop(files).decide("slot", data=data).keys


def test_an_offer_without_the_uplift_that_is_asked_for_brings_nothing() -> None:
    offers = {"modelled": {"uplift": 0.05, "margin": 10}, "other": {"margin": 10}}
    assert shown(offers, {"uplift": True, "margin": True}) == ["modelled"]


def test_two_negatives_make_a_gain_that_no_bound_hides() -> None:
    offer = {"uplift": -0.1, "margin": -10, "context": {"var": "data.percent"}}
    assert shown({"a": offer}, {"uplift": True, "margin": True, "context": True}, percent=10) == ["a"]
