"""Recordings on a device: the share that the bundle asks for, of those who consent, made again bit for bit."""

from __future__ import annotations

from typing import Any, cast

import pytest

from nearwise.testing import client_from
from nearwise.testing.rule_sets import packed_bundle, signer
from nearwise_rules import Recording, Release, Trust, is_same, open_bundle, repeat

OFFERS = {"a": 3, "b": 2, "c": 1}


def rule_set(percent: float = 100, **consent: Any) -> dict[str, Any]:
    slot = {"blank": True, "candidates": {"tags": ["t"]}, "policies": {"p": {"score": {"value": True}}}}
    return {
        "nearwise.json": {"name": "shop", "recording": {"percent": percent}, **consent},
        "attributes.json": {"basket.total": {"type": "number"}, "secret": {"type": "string"}},
        **{
            f"offers/{key}.json": {
                "content": {"title": key},
                "tags": ["t"],
                "value": value,
                "caps": [{"limit": 2}],
                "eligible": {">": [{"var": "basket.total"}, 1]},
            }
            for key, value in OFFERS.items()
        },
        "placements/hero.json": slot,
        "placements/strip.json": {**slot, "size": 2},
    }


def recordings(events: list[dict[str, object]]) -> list[Recording]:
    records = [cast("dict[str, object]", event["record"]) for event in events if event["type"] == "decision"]
    return [Recording.from_members(record) for record in records]


def test_recorded_decisions_are_made_again_elsewhere() -> None:
    files = rule_set(consent={"granted": ["analyse"]})
    with client_from(files) as client:
        visit = client.context("h-1", basket={"total": 5}, secret="nobody's")
        for _ in range(3):
            for decision in visit.decide_many(["hero", "strip"]):
                decision.shown()
            visit.decide("hero").shown()
        found = recordings(client.events)
    assert len(found) == 9
    elsewhere = Release(open_bundle(packed_bundle(files), Trust(keys={signer().key_id: signer().public_key})))
    assert [is_same(each, repeat(elsewhere, each)) for each in found] == [True] * 9
    assert all("secret" not in each.data for each in found)


def test_nobody_is_recorded_without_consent() -> None:
    with client_from(rule_set()) as client:
        client.context("h-1", basket={"total": 5}).decide("hero")
        assert recordings(client.events) == []
        client.consent("h-1", {"analyse": True})
        client.context("h-1", basket={"total": 5}).decide("hero")
        assert len(recordings(client.events)) == 1


@pytest.mark.parametrize(("percent", "least", "most"), [(0, 0, 0), (10, 70, 140)])
def test_the_share_is_that_of_the_rule_set(percent: float, least: int, most: int) -> None:
    with client_from(rule_set(percent, consent={"granted": ["analyse"]})) as client:
        for number in range(1_000):
            client.context(f"h-{number}", basket={"total": 5}).decide("hero")
        assert least <= len(recordings(client.events)) <= most
