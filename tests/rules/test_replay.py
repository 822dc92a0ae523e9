"""Recorded decisions: they come out the same bit for bit elsewhere, and hold nothing that they need not."""

from __future__ import annotations

from collections import Counter
from json import dumps, loads
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearwise_rules import (
    Decision,
    ErrorCode,
    Outcome,
    Reason,
    Recording,
    RecordingLimits,
    RecordingRefused,
    Release,
    Sampling,
    Signal,
    Surroundings,
    assemble,
    decision_id,
    differences,
    is_same,
    purposes_mask,
    record,
    repeat,
    standing_still,
)
from nearwise_rules.decide.splits import basis_point
from nearwise_rules.logic.murmur3 import murmur3_32
from nearwise_rules.replay.recording import Memory
from nearwise_rules.replay.sampling import SALT
from tests.rules.placement_cases import MONDAY, Shop, rule_set
from tests.rules.replay_cases import FLAGS, PLACEMENTS, SUBJECTS, RandomTill
from tests.rules.rule_strategies import contexts, rules

TILLS, CALLS = 100, 60
PERSONALISE = purposes_mask(["personalise"])


def recorded(release: Release, key: str, data: Any = None, subject: object = "h-1", at: float = MONDAY) -> Recording:
    """The recording of a decision that is made now."""
    question = release.question(data or {}, subject, at)
    return record(release, question, release.ask(key, question))


def written(recording: Recording) -> str:
    return dumps(recording.to_members())


def read(text: str) -> Recording:
    return Recording.from_members(loads(text))


def test_ten_thousand_random_decisions_come_out_the_same_from_the_bytes_of_their_bundle() -> None:
    seen, different = Counter[str](), list[object]()
    for seed in range(TILLS):
        till = RandomTill(seed)
        kept = [found for _ in range(CALLS) for found in asked_at_random(till, seen)]
        elsewhere = till.opened()
        for text, decision in kept:
            recording = read(text)
            again = repeat(elsewhere, recording)
            if not (is_same(recording, again) and is_same(recording, decision)):
                different.append((seed, differences(recording, again)))
    assert different == []
    assert seen["decisions"] >= 10_000
    assert min(seen[name] for name in ("items", "fallbacks", "sticky", "held", "taken", "errors")) > 100


def asked_at_random(till: RandomTill, seen: Counter[str]) -> list[tuple[str, Decision]]:
    """Written recordings of one or several decisions of a call, beside the decisions of the living device."""
    random, release = till.random, till.release
    subject, data, known = random.choice(SUBJECTS), till.data(), standing_still(till.known)
    keys = random.sample((*FLAGS, *PLACEMENTS), 4) if random.random() < 0.3 else [random.choice((*FLAGS, *PLACEMENTS))]
    together = len(keys) > 1
    live = (
        release.decide_many(keys, data, subject, till.at)
        if together
        else [release.decide(keys[0], data, subject, till.at)]
    )
    found, taken = list[tuple[str, Decision]](), list[str]()
    for decision in live:
        question = release.question(data, subject, till.at)
        question.surround = lambda _: known
        try:
            recording = record(release, question, decision, taken if decision.flag in PLACEMENTS else ())
        except RecordingRefused:  # assigned by what the subject lets nobody read
            assert "household" in data
            assert not till.granted & PERSONALISE
            continue
        found.append((written(recording), decision))
        count(seen, decision, recording)
        taken += [item.key for item in decision.items if not item.is_fallback]
    till.live(subject, live)
    return found


def count(seen: Counter[str], decision: Decision, recording: Recording) -> None:
    seen["decisions"] += 1
    seen["items"] += bool(decision.items)
    seen["fallbacks"] += any(item.is_fallback for item in decision.items)
    seen["sticky"] += decision.new is False
    seen["held"] += any(memory.held for memory in (recording.memory or {}).values())
    seen["taken"] += bool(recording.taken)
    seen["errors"] += decision.error_code is not None


@settings(max_examples=200, deadline=None)
@given(rules, contexts)
def test_odd_contexts_are_recorded_faithfully_or_not_at_all(rule: Any, data: Any) -> None:
    flag = {"type": "boolean", "variants": {"on": True, "off": False}, "default": "off"}
    attributes = {"country": {"type": "string"}, "member": {"type": "object"}, "basket.tags": {"type": "list"}}
    attributes |= {"seen": {"type": "datetime"}, "age": {"type": "integer"}, "plan": {"type": "string"}}
    files = {
        "nearwise.json": {"name": "shop"},
        "attributes.json": attributes,
        "flags/f.json": {**flag, "rules": [{"when": rule, "serve": "on"}]},
    }
    try:
        release = Shop(files).release
    except ValueError:  # a rule that no rule set may have
        return
    question = release.question(data, "h-1", MONDAY)
    decision = release.ask("f", question)
    try:
        recording = record(release, question, decision)
    except RecordingRefused:
        return
    assert is_same(read(written(recording)), repeat(release, read(written(recording))))


def test_only_what_the_rules_of_the_key_can_read_is_recorded() -> None:
    flag = {"type": "boolean", "variants": {"on": True, "off": False}, "default": "off"}
    rules = [{"when": {">": [{"var": "basket.total"}, 20]}, "serve": "on"}]
    other = [{"when": {">": [{"var": "visits"}, 20]}, "serve": "on"}]
    files = rule_set({}, {}, flags__a={**flag, "rules": rules}, flags__b={**flag, "rules": other})
    release = Shop(files).release
    data = {"basket": {"total": 25.0, "lines": ["a"]}, "visits": 3, "name": "Ewa"}
    assert recorded(release, "a", data).data == {"basket": {"total": 25.0}}
    assert recorded(release, "b", data).data == {"visits": 3}


def test_prerequisites_and_segments_count_as_read() -> None:
    flag = {"type": "boolean", "variants": {"on": True, "off": False}, "default": "off"}
    first = {**flag, "rules": [{"when": {"segment": "big"}, "serve": "on"}]}
    second = {**flag, "requires": [{"flag": "first", "variant": ["on"]}]}
    third = {**flag, "rules": [{"when": {"flag": ["second", "on"]}, "serve": "on"}]}
    big = {"big": {"when": {">": [{"var": "basket.total"}, 20]}}}
    files = rule_set({}, {}, segments=big, flags__first=first, flags__second=second, flags__third=third)
    assert recorded(Shop(files).release, "third", {"basket": {"total": 25}}).data == {"basket": {"total": 25}}


def test_what_the_subject_does_not_consent_to_is_left_out() -> None:
    gated: dict[str, Any] = {"purposes": ["personalise"]}
    attributes = {
        "name": {"type": "string", **gated},
        "mood": {"type": "string", "source": "signal", **gated},
        "tier": {"type": "string", "source": "trait", **gated},
        "bought": {"type": "integer", "source": "history", "purposes": ["profile"], "history": {"count": "purchase"}},
    }
    reads = [{"==": [{"var": name}, "x"]} for name in ("name", "mood", "tier")]
    rule = {"when": {"or": [*reads, {">": [{"var": "bought"}, 9]}]}, "serve": "on"}
    flag = {"type": "boolean", "variants": {"on": True, "off": False}, "default": "off", "rules": [rule]}
    shop = Shop(rule_set({}, {}, attributes=attributes, flags__f=flag), consent=["personalise", "profile"])
    shop.happened("purchase", MONDAY - 60)
    shop.signals["mood"], shop.traits["tier"] = Signal("good", MONDAY - 1), "gold"
    shop.signals["other"], shop.traits["more"] = Signal(1, MONDAY), "not read"
    given = recorded(shop.release, "f", {"name": "Ewa"})
    assert (given.data, given.signals) == ({"name": "Ewa"}, {"mood": Signal("good", MONDAY - 1)})
    assert given.traits == {"tier": "gold"}
    assert given.memory is not None
    assert b"purchase" in given.memory["subject"].ledger
    shop.granted = 0
    withheld = recorded(shop.release, "f", {"name": "Ewa"})
    assert (withheld.data, withheld.signals, withheld.traits) == ({"name": None}, {}, {})
    assert withheld.memory == {}
    assert "Ewa" not in written(withheld)


def test_of_history_only_the_series_of_the_candidates_and_of_the_placement_are_recorded() -> None:
    cap = [{"limit": 3}]
    offers = {"a": {"tags": ["t"], "value": 1, "caps": cap}, "b": {"tags": ["u"], "value": 1, "caps": cap}}
    policies = {"p": {"score": {"value": True}}}
    placements = {
        "first": {"candidates": {"tags": ["t"]}, "policies": policies, "caps": cap},
        "second": {"candidates": {"tags": ["u"]}, "policies": policies, "caps": cap},
    }
    shop = Shop(rule_set(offers, placements))
    for offer, placement in (("a", "first"), ("b", "second")):
        shop.happened("exposure", MONDAY - 60, offer=offer, placement=placement)
    memory = recorded(shop.release, "first").memory
    assert memory is not None
    ledger = memory["subject"].ledger
    assert b"first" in ledger
    assert b"second" not in ledger
    assert b"'b" not in ledger


def test_a_recording_stands_still_while_the_ledgers_go_on() -> None:
    offers = {"a": {"tags": ["t"], "value": 2, "caps": [{"limit": 1}]}, "b": {"tags": ["t"], "value": 1}}
    shop = Shop(
        rule_set(offers, {"slot": {"candidates": {"tags": ["t"]}, "policies": {"p": {"score": {"value": True}}}}})
    )
    known = standing_still(shop.surround(None))
    question = shop.release.question({}, "h-1", MONDAY)
    question.surround = lambda _: known
    decision = shop.release.ask("slot", question)
    shop.happened("exposure", MONDAY, offer="a")
    recording = record(shop.release, question, decision)
    assert shop.decide("slot").keys == ["b"]
    assert repeat(shop.release, recording).keys == ["a"]


def test_what_earlier_placements_of_a_call_took_is_part_of_the_recording() -> None:
    offers = {name: {"tags": ["t"], "value": value} for name, value in {"a": 3, "b": 2, "c": 1}.items()}
    slot = {"candidates": {"tags": ["t"]}, "policies": {"p": {"score": {"value": True}}}}
    shop = Shop(rule_set(offers, {"hero": slot, "strip": slot}, caps={"all": {"limit": 2}}))
    first, second = shop.release.decide_many(["hero", "strip"], {}, "h-1", MONDAY)
    recording = record(shop.release, shop.release.question({}, "h-1", MONDAY), second, first.keys)
    assert recording.taken == ("a",)
    assert repeat(shop.release, read(written(recording))).keys == ["b"]


def test_a_value_that_no_recording_can_hold_is_refused_only_where_it_matters() -> None:
    class Opaque:
        def __getitem__(self, name: str) -> int:
            return {"total": 30}[name]

    flag = {"type": "boolean", "variants": {"on": True, "off": False}, "default": "off"}
    rules = [{"when": {">": [{"var": "basket.total"}, 20]}, "serve": "on"}]
    release = Shop(rule_set({}, {}, flags__f={**flag, "rules": rules})).release
    with pytest.raises(RecordingRefused, match="no recording holds"):
        recorded(release, "f", {"basket": Opaque()})
    assert recorded(release, "f", {"basket": {"total": 30}, "more": Opaque()}).answer.variant == "on"


@pytest.mark.parametrize(
    ("data", "limits", "why"),
    [
        ({"customer": {"a": {"b": {"c": 1}}}}, RecordingLimits(depth=3), "deeper than 3"),
        ({"customer": {"list": list(range(50))}}, RecordingLimits(values=20), "too many values"),
        ({"customer": {"text": "x" * 900}}, RecordingLimits(size_bytes=800), "at most 800"),
    ],
)
def test_a_recording_stays_within_its_limits(data: Any, limits: RecordingLimits, why: str) -> None:
    flag = {"type": "boolean", "variants": {"on": True, "off": False}, "default": "off"}
    rules = [{"when": {"!!": [{"var": "customer"}]}, "serve": "on"}]
    attributes = {"customer": {"type": "object"}}
    release = Shop(rule_set({}, {}, attributes=attributes, flags__f={**flag, "rules": rules})).release
    question = release.question(data, "h-1", MONDAY)
    with pytest.raises(RecordingRefused, match=why):
        record(release, question, release.ask("f", question), (), limits)


def test_differences_are_told_field_by_field() -> None:
    flag = {"type": "string", "variants": {"a": "x", "b": "y"}, "default": "a"}
    before = Shop(rule_set({}, {}, flags__f=flag)).release
    after = Shop(rule_set({}, {}, flags__f={**flag, "default": "b"})).release
    recording = recorded(before, "f")
    assert differences(recording, repeat(before, recording)) == ()
    variant, digest = differences(recording, repeat(after, recording))
    assert (variant, digest.field) == (("variant", "a", "b"), "digest")


def test_the_last_bit_of_a_score_counts() -> None:
    slot = {"candidates": {"tags": ["t"]}, "policies": {"p": {"score": {"value": True}}}}
    third, next_to_it = (
        Shop(rule_set({"a": {"tags": ["t"], "value": value}}, {"s": slot})).release
        for value in (1 / 3, 0.33333333333333337)
    )
    recording = recorded(third, "s")
    assert is_same(recording, repeat(third, recording))
    assert [each.field for each in differences(recording, repeat(next_to_it, recording))] == ["items"]


members = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 3) | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from([*RandomTill(1).example().to_members()]), members, max_size=3))
def test_members_that_somebody_spoilt_are_refused_or_decided(spoilt: dict[str, Any]) -> None:
    till = RandomTill(1)
    try:
        recording = Recording.from_members({**till.example().to_members(), **spoilt})
    except ValueError:
        return
    assert isinstance(repeat(till.release, recording), Decision)


def test_a_damaged_ledger_is_an_error_code() -> None:
    slot = {"candidates": {"tags": ["t"]}, "policies": {"p": {"score": {"value": True}}}}
    shop = Shop(rule_set({"a": {"tags": ["t"], "value": 1, "caps": [{"limit": 1}]}}, {"s": slot}))
    shop.happened("exposure", MONDAY, offer="a")
    recording = recorded(shop.release, "s")
    assert recording.memory is not None
    spoilt = Memory(recording.memory["subject"].ledger[:-1])
    damaged = recording._replace(memory={"subject": spoilt})
    assert repeat(shop.release, damaged).error_code is ErrorCode.GENERAL


def test_without_any_memory_nothing_of_it_is_recorded() -> None:
    flag = {"type": "boolean", "variants": {"on": True, "off": False}, "default": "off"}
    release = Release(Shop(rule_set({}, {}, flags__f=flag)).release.bundle, Decision, lambda _: Surroundings())
    assert written(recorded(release, "f")).count("memory") == 0


@given(
    st.text(max_size=8),
    st.one_of(st.text(max_size=8), st.integers(), st.none()),
    st.floats(0, 4e9),
    st.integers(0, 10_000),
)
def test_whether_a_decision_is_recorded_follows_from_its_id(key: str, subject: object, at: float, points: int) -> None:
    named = SALT + decision_id(Outcome(key, Reason.DEFAULT, bundle_version=41), at, subject).encode()
    expected = basis_point(murmur3_32(named)) < points
    assert Sampling(41, points).takes(key, subject, at) is expected


def test_a_share_of_the_decisions_is_recorded() -> None:
    sampling = Sampling(41, 250)
    taken = sum(sampling.takes("slot", f"h-{number}", MONDAY + number) for number in range(100_000))
    assert abs(taken - 2_500) < 4 * (100_000 * 0.025 * 0.975) ** 0.5


def test_a_recorded_decision_needs_the_purpose_analyse_unless_the_rule_set_says_otherwise() -> None:
    silent = Shop(rule_set({}, {})).release.terms
    others = Shop(rule_set({}, {}, events={"*": {"purposes": ["measure"]}})).release.terms
    own = Shop(rule_set({}, {}, events={"decision": {"purposes": ["train"]}})).release.terms
    assert silent.event("decision").mask == purposes_mask(["analyse"])
    assert others.event("decision").mask == purposes_mask(["analyse", "measure"])
    assert own.event("decision").mask == purposes_mask(["train"])


@pytest.mark.parametrize("wrong", [{}, {"percent": 101}, {"percent": "all"}, {"percent": 1, "of": "all"}, 5])
def test_a_share_that_is_none_is_a_problem_of_the_rule_set(wrong: Any) -> None:
    assert assemble({"nearwise.json": {"name": "shop", "recording": wrong}}).problems
    assert not assemble({"nearwise.json": {"name": "shop", "recording": {"percent": 0.25}}}).problems
