"""Simulations: what a draft would change of recorded decisions, counted by hand and by the tally alike."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from nearwise_rules import (
    Recording,
    Release,
    Signal,
    Simulation,
    Tally,
    explain_recording,
    merge_tallies,
    newly_read,
    record,
)
from tests.rules.placement_cases import MONDAY, Shop, rule_set
from tests.rules.replay_cases import RandomTill
from tests.rules.test_replay import asked_at_random, read

POLICIES = {"p": {"score": {"value": True}}}


def slot(**more: Any) -> dict[str, Any]:
    return {"blank": True, "candidates": {"tags": ["t"]}, "policies": POLICIES, **more}


def offer(value: Any, **more: Any) -> dict[str, Any]:
    return {"tags": ["t", *more.pop("tags", [])], "value": value, **more}


def shop(offers: dict[str, Any], placement: dict[str, Any] | None = None, **more: Any) -> Shop:
    return Shop(rule_set(offers, {"slot": placement or slot()}, **more))


def asked(device: Shop, subject: str = "h-1", key: str = "slot", at: float = MONDAY, **data: object) -> Recording:
    question = device.release.question(data, subject, at)
    return record(device.release, question, device.release.ask(key, question))


def simulated(draft: Shop, *recordings: Recording, current: Release | None = None, key: str = "slot") -> Tally:
    simulation = Simulation(draft.release, current)
    for recording in recordings:
        simulation.add(recording)
    return simulation.tallies[key]


def test_offers_are_counted_before_and_after() -> None:
    before, after = shop({"a": offer(2), "b": offer(1)}), shop({"a": offer(2), "b": offer(3)})
    tally = simulated(after, *(asked(before, f"h-{number}") for number in range(3)))
    assert (tally.decisions, tally.changed, tally.newly_blank, tally.is_placement) == (3, 3, 0, True)
    assert (tally.before.offers, tally.after.offers) == ({"a": 3}, {"b": 3})
    assert [example["key"] for example in tally.examples] == ["slot"] * 3


def test_variants_of_flags_are_counted_and_values_compared() -> None:
    flag = {"type": "string", "variants": {"x": "1", "y": "2"}, "default": "x"}
    rules = [{"when": {">": [{"var": "visits"}, 1]}, "serve": "y"}]
    before, other = shop({"a": offer(1)}, flags__f=flag), shop({"a": offer(1)}, flags__f={**flag, "rules": rules})
    recordings = [asked(other, key="f", visits=visits) for visits in (0, 2)]
    tally = simulated(before, *recordings, key="f")
    assert (tally.before.variants, tally.after.variants, tally.changed) == ({"x": 1, "y": 1}, {"x": 2}, 1)
    renamed = shop({"a": offer(1)}, flags__f={**flag, "variants": {"x": "another", "y": "2"}, "rules": rules})
    assert simulated(renamed, *recordings, key="f").changed == 1


def test_slots_that_would_be_blank_are_told_and_shown_first() -> None:
    before = shop({"a": offer(1)})
    after = shop({"a": offer(1, eligible={">": [{"var": "visits"}, 1]}), "b": offer(0.5, enabled=False)})
    tally = simulated(after, *(asked(before, f"h-{number}") for number in range(5)))
    assert (tally.newly_blank, tally.before.blank, tally.after.blank) == (5, 0, 5)


def test_fallbacks_are_counted() -> None:
    offers = {"a": offer(1), "thanks": {}}
    before, after = shop(offers, slot(blank=False, fallback=["thanks"])), {**offers}
    after["a"] = offer(1, eligible={">": [{"var": "visits"}, 1]})
    tally = simulated(shop(after, slot(blank=False, fallback=["thanks"])), asked(before), asked(before, visits=2))
    assert (tally.before.fallback, tally.after.fallback, tally.newly_blank) == (0, 2, 0)


def test_how_often_caps_keep_an_offer_back_that_everything_else_lets_in() -> None:
    capped = {"caps": [{"limit": 2, "window": "day"}]}
    offers = {"a": offer(3, **capped), "b": offer(2, **capped), "c": offer(1)}
    before = shop(offers)
    recordings = list[Recording]()
    for _ in range(4):
        recordings.append(asked(before))
        before.happened("exposure", MONDAY, offer=before.decide("slot").keys[0])
    tighter = {"caps": [{"limit": 1, "window": "day"}]}
    ineligible = offer(2, eligible={">": [{"var": "visits"}, 1]}, **tighter)
    tally = simulated(shop({**offers, "a": offer(3, **tighter), "b": ineligible}), *recordings, current=before.release)
    day = "1 exposure per subject and day"
    assert tally.before.kept_back == {("a", "cap: 2 exposure per subject and day"): 2}
    assert tally.after.kept_back == {("a", f"cap: {day}"): 3}
    assert (tally.before.bound, tally.after.bound) == (2, 3)


def test_caps_over_several_offers_and_on_the_placement_and_budgets_count_too() -> None:
    offers = {"a": offer(3, tags=["hot"], budget={"total": 8, "devices": 8}), "b": offer(2, tags=["hot"])}
    caps = {"hot": {"tag": "hot", "limit": 1}}
    device = shop(offers, slot(caps=[{"limit": 1}]), caps=caps)
    device.happened("exposure", MONDAY - 1, offer="a", placement="slot", tag=["t", "hot"])
    tally = simulated(device, asked(device))
    told = {(key, words.partition(":")[0]) for key, words in tally.after.kept_back}
    assert told == {("", "cap on the placement"), ("a", "budget"), ("a", "cap on tag hot"), ("b", "cap on tag hot")}
    assert tally.after.bound == 1


def test_what_this_decision_shows_itself_is_no_pressure() -> None:
    offers = {"a": offer(2, tags=["hot"]), "b": offer(1)}
    device = shop(offers, caps={"hot": {"tag": "hot", "limit": 1}})
    assert simulated(device, asked(device)).after.kept_back == {}


def test_a_draft_without_the_key_is_told() -> None:
    before = shop({"a": offer(1)})
    tally = simulated(Shop(rule_set({}, {})), asked(before))
    assert (tally.after.missing, tally.after.blank, tally.newly_blank, tally.is_placement) == (1, 1, 1, True)


def test_a_draft_of_the_same_rules_changes_nothing_of_random_decisions() -> None:
    for seed in range(10):
        till = RandomTill(seed)
        texts = [text for _ in range(30) for text, _ in asked_at_random(till, Counter())]
        recorded, asked_anew = Simulation(till.opened()), Simulation(till.opened(), till.opened())
        for text in texts:
            recorded.add(read(text))
            asked_anew.add(read(text))
        assert sum(tally.decisions for tally in recorded.tallies.values()) == len(texts)
        assert [tally.changed for tally in recorded.tallies.values()] == [0] * len(recorded.tallies)
        for tally in asked_anew.tallies.values():
            assert (tally.changed, tally.before.kept_back) == (0, tally.after.kept_back)


def test_parts_of_a_simulation_make_the_whole() -> None:
    till, draft = RandomTill(3), RandomTill(4).opened()
    texts = [text for _ in range(40) for text, _ in asked_at_random(till, Counter())]
    whole, parts = Simulation(draft), [Simulation(draft) for _ in range(3)]
    for number, text in enumerate(texts):
        whole.add(read(text))
        parts[number * 3 // len(texts)].add(read(text))
    merged = merge_tallies(part.tallies for part in parts)
    assert merged.keys() == whole.tallies.keys()
    for key, tally in whole.tallies.items():
        other = merged[key]
        for name in ("decisions", "changed", "newly_blank", "examples"):
            assert getattr(other, name) == getattr(tally, name)
        for name in ("offers", "variants", "kept_back", "blank", "bound", "fallback", "missing"):
            assert getattr(other.after, name) == getattr(tally.after, name)


def test_an_example_is_explained_with_what_the_device_knew() -> None:
    offers = {"a": offer(2, caps=[{"limit": 1}]), "b": offer(1)}
    device = shop(offers)
    device.happened("exposure", MONDAY, offer="a")
    explanation = explain_recording(shop(offers).release, asked(device))
    assert explanation.decision.keys == ["b"]
    reasons = {each.key: each.because for each in explanation.candidates}
    assert reasons["a"] == "cap: 1 exposure per subject, 1 used"


def test_an_offer_of_an_earlier_placement_of_the_call_is_explained() -> None:
    device = shop({"a": offer(2), "b": offer(1)})
    question = device.release.question({}, "h-1", MONDAY)
    recording = record(device.release, question, device.release.ask("slot", question, ["a"]), ["a"])
    explanation = explain_recording(device.release, recording)
    assert explanation.decision.keys == ["b"]
    assert explanation.candidates[1].because == "shown by an earlier placement of the same call"


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({}, ()),
        ({"eligible": {">": [{"var": "visits"}, 1]}}, ("visits",)),
        ({"eligible": {">": [{"var": "basket.total"}, 1]}}, ()),
        ({"eligible": {">": [{"var": "now.hour"}, 1]}}, ()),
        ({"caps": [{"limit": 1}]}, ("history of exposure",)),
        ({"suppress": [{"after": "purchase", "window": "2d"}]}, ("history of purchase",)),
    ],
)
def test_what_a_draft_reads_beyond_the_recordings_is_told(more: dict[str, Any], told: tuple[str, ...]) -> None:
    current = shop({"a": offer({"var": "basket.total"})}).release
    assert newly_read(shop({"a": offer({"var": "basket.total"}, **more)}).release, current, "slot") == told


def test_attributes_that_no_recording_has_are_told() -> None:
    needs = [{">": [{"var": name}, 1]} for name in ("visits", "basket.total", "now.hour", "queue")]
    attributes = {"queue": {"type": "integer", "source": "signal"}}
    device = shop({"a": offer(1, eligible={"or": needs})}, attributes=attributes)
    assert simulated(device, asked(device), asked(device, visits=1)).unseen == {"basket.total", "queue"}
    device.signals["queue"] = Signal(3, MONDAY)
    assert simulated(device, asked(device, basket={"total": 3})).unseen == {"visits"}
