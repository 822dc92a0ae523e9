"""Entries of a bundle that do not have their shape: the fallback is shown, others decide on, nothing is raised."""

from __future__ import annotations

from json import dumps, loads
from math import inf, nan
from typing import Any, cast

import pytest

from nearwise_rules import (
    Decision,
    Entry,
    ErrorCode,
    Release,
    assemble,
    explain,
)
from tests.rules.placement_cases import MONDAY, Shop, rule_set
from tests.rules.sealed import bundle_of

PLACEMENT: dict[str, Any] = {
    "candidates": {"tags": ["t"]},
    "policies": {"p": {"score": {"value": True}}},
    "fallback": ["thanks"],
}
OFFERS: dict[str, Any] = {"a": {"tags": ["t"], "value": 2}, "b": {"tags": ["t"], "value": 1}, "thanks": {}}
VALUES = [None, "x", -1, 10**400, nan, inf, [], {}, [None], {"limit": None}, True, [["q"]]]


def changed(document: object, change: object) -> object:
    if isinstance(change, dict):
        return cast("dict[str, object]", document) | cast("dict[str, object]", change)
    return change


def released(kind: str, key: str, change: object) -> Release:
    """A release in which one entry has other members, or is something else altogether."""
    files = rule_set(OFFERS, {"slot": PLACEMENT, "other": PLACEMENT}, caps={"c": {"tag": "t", "limit": 5}})
    entries: list[Entry] = []
    for entry in assemble(files).entries:
        document: object = loads(entry.body)
        if (entry.kind, entry.key) == (kind, key):
            document = changed(document, change)
        entries.append(Entry(entry.kind, entry.key, dumps(document).encode()))
    return Release(bundle_of(entries))


def asked(release: Release) -> Decision:
    assert str(explain(release, "slot", {}, "h-1", MONDAY))
    assert release.remembers is not None
    (decision,) = release.decide_many(["slot"], {}, "h-1", MONDAY)
    assert release.decide("slot", {}, "h-1", MONDAY).keys == decision.keys
    return decision


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:12])
def test_an_offer_with_a_member_that_cannot_be_used_stands_back(value: Any) -> None:
    for member in ("value", "tags", "properties", "caps", "suppress", "cooldown", "budget", "when", "eligible"):
        assert asked(released("offer", "a", {member: value})).keys in (["a"], ["b"])
    for suppress in ({"after": "x", "window": "1d", "match": value}, {"after": "x", "window": "1d", "where": value}):
        assert asked(released("offer", "a", {"suppress": [suppress]})).keys in (["a"], ["b"])


@pytest.mark.parametrize("value", [nan, inf, -inf])
def test_an_offer_whose_value_is_no_finite_number_stands_back(value: float) -> None:
    assert asked(released("offer", "a", {"value": value})).keys == ["b"]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:12])
def test_a_cap_that_cannot_be_used_lets_nothing_in(value: Any) -> None:
    for release in (released("cap", "c", value), released("cap", "c", {"limit": value})):
        decision = asked(release)
        assert decision.keys == (["a"] if decision.items[0].score else ["thanks"])
        assert decision.error_code is None
    assert asked(released("cap", "c", {"limit": None})).keys == ["thanks"]
    assert "cap c, which cannot be used" in str(explain(released("cap", "c", []), "slot", {}, "h-1", MONDAY))


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:12])
def test_a_placement_that_cannot_be_used_leaves_the_others_alone(value: Any) -> None:
    for member in ("size", "candidates", "policies", "at_most", "caps", "fallback"):
        release = released("placement", "other", {member: value})
        other, slot = release.decide_many(["other", "slot"], {}, "h-1", MONDAY)
        assert slot.keys[0] == next(key for key in ("a", "b", "thanks") if key not in other.keys or key == "thanks")
        assert other.error_code in (None, ErrorCode.PARSE_ERROR)


def test_a_size_below_one_is_none() -> None:
    assert asked(released("placement", "slot", {"size": -1})).error_code is ErrorCode.PARSE_ERROR


class Unreadable:
    """A value that a context should not hold."""

    def __getattribute__(self, name: str) -> object:
        raise RuntimeError(name)


def test_what_cannot_be_decided_shows_the_fallback_and_leaves_the_others_alone() -> None:
    offers = {"a": {"tags": ["t"], "value": {"var": "basket.total"}}, "thanks": {}}
    fixed = {"candidates": {"offers": ["thanks"]}, "policies": {"p": {"order": "listed"}}}
    shop = Shop(rule_set(offers, {"odd": PLACEMENT, "fixed": fixed}))
    (no_context,) = shop.release.decide_many(["odd"], None, "h-1", MONDAY)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert (no_context.keys, no_context.error_code) == (["thanks"], ErrorCode.INVALID_CONTEXT)
    assert [(item.is_fallback, item.value) for item in no_context.items] == [(True, {"title": "thanks"})]
    keys: list[Any] = ["odd", ["no key"], "fixed"]
    odd_one, unknown, fixed_one = shop.release.decide_many(keys, {"basket": Unreadable()}, "h-1", MONDAY)
    assert (odd_one.keys, odd_one.error_code) == (["thanks"], ErrorCode.GENERAL)
    assert (unknown.error_code, fixed_one.keys) == (ErrorCode.FLAG_NOT_FOUND, ["thanks"])


def test_a_default_of_the_caller_is_no_list_of_items() -> None:
    shop = Shop(rule_set(OFFERS, {"slot": PLACEMENT}))
    default: Any = ("x", 1)
    decision = shop.release.decide("nothing", {}, "h-1", MONDAY, default)
    assert (decision[1], decision.keys, list(decision)) == (default, [], [])
