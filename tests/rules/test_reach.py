"""What `check` finds out can never happen: offers nobody is eligible for, idle caps, blank slots, past schedules."""

from __future__ import annotations

from typing import Any

import pytest

from nearwise_rules import assemble
from tests.rules.placement_cases import rule_set

ATTRIBUTES: dict[str, Any] = {
    "tier": {"type": "string", "values": ["none", "silver", "gold"]},
    "age": {"type": "integer", "range": [0, 120]},
    "member": {"type": "boolean"},
}
PLACEMENT = {"candidates": {"offers": ["a"]}, "policies": {"p": {"order": "listed"}}}


def codes(offer: dict[str, Any], placement: dict[str, Any] | None = None, **more: Any) -> list[tuple[str, str]]:
    now = more.pop("now", None)
    files = rule_set({"a": offer}, {"slot": {**PLACEMENT, **(placement or {})}}, attributes=ATTRIBUTES, **more)
    return [(problem.code, f"{problem.file}#{problem.pointer}") for problem in assemble(files, now=now).problems]


@pytest.mark.parametrize(
    "condition",
    [
        False,
        {"and": [{">": [{"var": "age"}, 60]}, {"<": [{"var": "age"}, 20]}]},
        {"and": [{">=": [{"var": "age"}, 20]}, {"<": [{"var": "age"}, 20]}]},
        {">": [{"var": "age"}, 120]},
        {"<": [130, {"var": "age"}]},
        {"and": [{"==": [{"var": "tier"}, "gold"]}, {"in": [{"var": "tier"}, ["none", "silver"]]}]},
        {"and": [{"==": [{"var": "tier"}, "gold"]}, {"!": [{"==": [{"var": "tier"}, "gold"]}]}]},
        {"and": [{"segment": "young"}, {">": [{"var": "age"}, 40]}]},
        {"and": [{"or": [{"<": [{"var": "age"}, 5]}, {">": [{"var": "age"}, 90]}]}, {"==": [{"var": "age"}, 30]}]},
        {"and": [{"==": [{"var": "member"}, True]}, {"==": [{"var": "member"}, False]}]},
    ],
    ids=repr,
)
def test_an_offer_that_nobody_can_be_eligible_for_is_told(condition: Any) -> None:
    segments = {"young": {"when": {"<": [{"var": "age"}, 30]}}}
    assert codes({"eligible": condition}, segments=segments) == [("never_eligible", "offers/a.json#/eligible")]


@pytest.mark.parametrize(
    "condition",
    [
        True,
        {"and": [{">=": [{"var": "age"}, 20]}, {"<=": [{"var": "age"}, 20]}]},
        {"or": [{">": [{"var": "age"}, 500]}, {"==": [{"var": "tier"}, "gold"]}]},
        {"!": [{"and": [{">": [{"var": "age"}, 60]}, {"<": [{"var": "age"}, 20]}]}]},
        {
            "and": [
                {"!=": [{"var": "tier"}, "gold"]},
                {"!=": [{"var": "tier"}, "silver"]},
                {"!=": [{"var": "tier"}, "none"]},
            ]
        },
        {"and": [{">": [{"+": [{"var": "age"}, 1]}, 500]}, {">": [{"var": "age"}, 60]}]},
        {"==": [{"var": "offer.properties.kind"}, "x"]},
    ],
    ids=repr,
)
def test_an_offer_that_somebody_may_be_eligible_for_is_not(condition: Any) -> None:
    assert codes({"eligible": condition}) == []


def test_an_offer_that_a_model_may_recommend_has_the_fields_of_the_screen() -> None:
    model = {"kind": "neighbours", "reads": "bought", "match": "item", "neighbours": {"milk": {"bread": 1}}}
    placement = {"candidates": {"model": "with"}, "content": {"title": "text"}, "policies": {"p": {"order": "listed"}}}
    offers = {
        "bread": {"properties": {"item": "bread"}, "content": {"body": "Bread"}},
        "other": {"content": {"body": "Something else"}},
    }
    attributes = {"bought": {"type": "list", "of": "string"}}
    found = assemble(rule_set(offers, {"slot": placement}, models__with=model, attributes=attributes)).problems
    assert [(problem.code, problem.file) for problem in found] == [("content_type", "offers/bread.json")]


def test_a_placement_that_can_be_left_blank_says_so_or_has_a_fallback() -> None:
    assert codes({}, {"blank": False}) == [("can_be_blank", "placements/slot.json#")]
    assert codes({}, {"blank": False, "fallback": ["a"]}) == []
    assert codes({}, {"blank": True}) == []


@pytest.mark.parametrize(
    ("caps", "idle"),
    [
        ([{"limit": 3, "window": "day"}, {"limit": 2, "window": "week"}], True),
        ([{"limit": 2, "window": "2h"}, {"limit": 2, "window": "7d"}], True),
        ([{"limit": 2, "window": "day"}, {"limit": 3, "window": "week"}], False),
        ([{"limit": 3, "window": "day"}, {"limit": 2, "window": "week", "count": "click"}], False),
        ([{"limit": 3, "window": "day"}, {"limit": 2, "window": "week", "per": "device"}], False),
        ([{"limit": 3, "window": "week"}, {"limit": 2, "window": "month"}], False),
    ],
    ids=repr,
)
def test_a_cap_that_cannot_bind_is_told(caps: list[dict[str, Any]], idle: bool) -> None:
    assert codes({"caps": caps}) == ([("idle_cap", "offers/a.json#/caps/0")] if idle else [])


def test_a_cap_on_the_tag_of_an_offer_can_make_its_own_idle() -> None:
    tagged = {"tags": ["t"], "caps": [{"limit": 5, "window": "day"}]}
    assert codes(tagged, caps={"t": {"tag": "t", "limit": 2, "window": "week"}}) == [
        ("idle_cap", "offers/a.json#/caps/0")
    ]
    assert codes({"tags": ["t"]}, caps={"other": {"tag": "other", "limit": 2}}) == [
        ("idle_cap", "caps.json#/other/tag")
    ]


def test_a_schedule_that_is_over_is_told_when_the_time_is_known() -> None:
    over = {"when": {"end": "2026-11-20"}}
    assert codes(over) == []
    assert codes(over, now=1_795_420_800.0) == [("expired_schedule", "offers/a.json#/when")]
    assert codes({"when": [{"end": "2026-11-20"}, {"days": ["mon"]}]}, now=1_795_420_800.0) == []


def test_a_cap_on_a_tag_makes_no_cap_idle_on_an_event_that_need_not_tell_tags() -> None:
    cap = {"limit": 5, "window": "day", "count": "purchase"}
    tagged = {"tags": ["t"], "caps": [cap]}
    assert codes(tagged, caps={"t": {**cap, "tag": "t", "limit": 2}}) == []
    assert codes(tagged, caps={"all": {**cap, "limit": 2, "window": "week"}}) == [("idle_cap", "offers/a.json#/caps/0")]


HUGE = 10**400


@pytest.mark.parametrize(
    ("condition", "reachable"),
    [
        ({"<": [{"var": "age"}, HUGE]}, True),
        ({">": [{"var": "age"}, HUGE]}, False),
        ({"==": [{"var": "age"}, HUGE]}, False),
    ],
    ids=["below", "above", "equal"],
)
def test_numbers_that_are_no_float_are_compared_all_the_same(condition: Any, reachable: bool) -> None:
    assert codes({"eligible": condition}) == ([] if reachable else [("never_eligible", "offers/a.json#/eligible")])


def test_numbers_that_no_device_can_count_with_are_told() -> None:
    model = {"kind": "linear", "intercept": HUGE}
    assert codes({"value": HUGE}, models__m=model) == [
        ("not_finite", "models/m.json#/intercept"),
        ("not_finite", "offers/a.json#/value"),
    ]
