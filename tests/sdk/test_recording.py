"""Recordings on a device: the share that the bundle asks for, of those who consent, made again bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from msgpack import unpackb  # pyright: ignore[reportUnknownVariableType]

from nearwise import Client, Settings
from nearwise.testing import client_from
from nearwise.testing.rule_sets import packed_bundle, signer
from nearwise_rules import Recording, Release, Trust, is_same, open_bundle, public_key_text, repeat

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


def test_an_event_names_the_subject_as_the_decision_knew_it(tmp_path: Path) -> None:
    seed = tmp_path / "rules.bundle"
    seed.write_bytes(packed_bundle(rule_set(consent={"granted": ["analyse"]})))
    trust = public_key_text(signer().public_key)
    with Client(seed=seed, trust=trust, settings=Settings(subject_key=b"k" * 32, collect=())) as client:
        client.context("h-1042", basket={"total": 5}).decide("hero")
        waiting = client._engine.outbox.waiting()  # pyright: ignore[reportPrivateUsage]
        (event,) = [cast("dict[str, object]", unpackb(payload)) for payload in waiting]
        (recording,) = recordings([event])
    assert str(event["subject"]).startswith("s_")
    assert (event["subject"], event["bundle"], event["at"]) == (recording.subject, 1, int(recording.at * 1000))
    assert "h-1042" not in str(event)


def test_what_is_decided_is_the_same_with_and_without_recording() -> None:
    def told(percent: float) -> list[object]:
        with client_from(rule_set(percent, consent={"granted": ["analyse"]})) as client:
            found: list[object] = []
            for number in range(40):
                visit = client.context(f"h-{number % 3}", basket={"total": number % 4})
                decisions = [
                    *visit.decide_many(["hero", "strip", "nothing"]),
                    visit.decide("strip"),
                    visit.decide("no"),
                ]
                found += [(each.flag, each.keys, each.reason, each.id, each.diagnostics) for each in decisions]
                for each in decisions[number % 3 :]:
                    each.shown()
            return found

    assert told(100) == told(0) == told(50)


def test_an_assignment_is_recorded_as_it_was_before_it_was_remembered() -> None:
    flag = {
        "type": "string",
        "variants": {"a": "A", "b": "B"},
        "default": "a",
        "rules": [{"experiment": "wording", "split": {"a": 50, "b": 50}}],
    }
    files = {
        "nearwise.json": {"name": "shop", "recording": {"percent": 100}, "consent": {"granted": ["analyse"]}},
        "experiments/wording.json": {"sticky": True},
        "flags/f.json": flag,
    }
    with client_from(files) as client:
        for _ in range(2):
            client.context("h-1").decide("f")
        assert [each.answer.new for each in recordings(client.events)] == [True, False]


def test_a_recording_that_cannot_be_made_is_counted_and_harms_nothing() -> None:
    with client_from(rule_set(consent={"granted": ["analyse"]})) as client:
        recorder = client._engine.recorder  # pyright: ignore[reportPrivateUsage]
        assert client.context("h-1", basket=Row()).decide("hero").keys == ["a"]
        assert (recorder.refused, recordings(client.events)) == (1, [])
        assert "no recording holds" in str(recorder.failed)

        def full(_payload: bytes) -> int:
            raise OSError("the disk is full")

        recorder.append = full
        assert client.context("h-1", basket={"total": 5}).decide_many(["hero", "strip"])[0].keys == ["a"]
        assert (recorder.refused, recorder.failed) == (3, "OSError: the disk is full")


class Row:
    """As databases give them: it can be read by name, but nobody can tell what is in it."""

    def __getitem__(self, name: str) -> float:
        return {"total": 5.0}[name]


def test_who_is_forgotten_is_so_in_recordings_too() -> None:
    with client_from(rule_set(consent={"granted": ["analyse"]})) as client:
        client.context("household-1042", basket={"total": 5}).decide("hero")
        client.context("household-7", basket={"total": 5}).decide("hero")
        client.forget("household-1042")
        assert [each.subject for each in recordings(client.events)] == ["household-7"]


def test_what_waits_goes_when_the_consent_to_it_does() -> None:
    with client_from(rule_set()) as client:
        client.consent("h-1", {"analyse": True})
        client.context("h-1", basket={"total": 5}).decide("hero")
        client.consent("h-1", {"analyse": False})
        assert recordings(client.events) == []


def test_the_purposes_of_the_event_are_what_the_rule_set_says() -> None:
    files = {**rule_set(), "events.json": {"decision": {"purposes": ["train"]}}}
    with client_from(files) as client:
        client.consent("h-1", {"train": True})
        client.context("h-1", basket={"total": 5}).decide("hero")
        assert len(recordings(client.events)) == 1


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
