"""Sticky experiments on a device: what is newly assigned is put into the history of its subject, once."""

from __future__ import annotations

from typing import Any

import pytest

from nearwise import Decision
from nearwise.assigning import Assigning, has_sticky_experiments
from nearwise.testing import client_from
from nearwise.testing.rule_sets import packed_bundle, signer
from nearwise_rules import Assignment, Calendar, Ledger, Release, Surroundings, Trust, open_bundle, public_key_text

AT = 1_795_000_000.0
FLAG = {
    "type": "string",
    "variants": {"a": "A", "b": "B"},
    "default": "a",
    "rules": [{"experiment": "wording", "split": {"a": 50, "b": 50}}],
}


class Remembered:
    """A history in a dict."""

    def __init__(self) -> None:
        self.ledgers: dict[str, Ledger] = {}

    def recall(self, owner: str) -> Ledger:
        return self.ledgers.setdefault(owner, Ledger(Calendar()))


def release(history: Remembered | None = None, **experiment: Any) -> Release:
    files = {
        "nearwise.json": {"name": "shop"},
        "experiments/wording.json": {"sticky": True, **experiment},
        "flags/offer.json": FLAG,
        "flags/other.json": FLAG,
    }
    bundle = open_bundle(packed_bundle(files), Trust.pinned(public_key_text(signer().public_key)))
    return Release(bundle, Decision, lambda _subject: Surroundings(history=history))


def test_what_is_newly_assigned_is_remembered_once() -> None:
    history = Remembered()
    decides = release(history)
    assigning = Assigning(decides.decide, decides.decide_many, history)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    first = assigning.decide("offer", {}, "h", AT, None, [])
    assert first.variant is not None
    assert history.recall("h").assigned("wording") == Assignment(first.variant, 0.5, AT)
    version = history.recall("h").version
    again = assigning.decide("other", {}, "h", AT + 60, None, [])
    assert (again.variant, again.new, history.recall("h").version) == (first.variant, False, version)


def test_deciding_many_remembers_too() -> None:
    history = Remembered()
    decides = release(history)
    assigning = Assigning(decides.decide, decides.decide_many, history)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    one, other = assigning.decide_many(["offer", "other"], {}, "h", AT, list)
    assert one.variant == other.variant
    assert history.recall("h").assigned("wording") is not None


@pytest.mark.parametrize("sticky", [True, False])
def test_only_sticky_experiments_need_it(sticky: bool) -> None:
    assert has_sticky_experiments(release(sticky=sticky)) is sticky


def test_exposures_say_what_reports_need_of_an_experiment() -> None:
    factors = {"wording": {"a": 50, "b": 50}, "size": {"s": 50, "l": 50}}
    rules = [{"experiment": "mix", "factor": "wording"}]
    files = {
        "nearwise.json": {"name": "shop"},
        "experiments/mix.json": {"factors": factors, "overrides": {"qa": {"wording": "b", "size": "s"}}},
        "flags/offer.json": {**FLAG, "rules": rules},
    }
    with client_from(files) as client:
        decision = client.context("h").decide("offer")
        decision.shown()
        client.context("qa").decide("offer").shown()
        (event,) = client.events
    assert decision.cell is not None
    named = {name: event.get(name) for name in ("experiment", "variant", "propensity", "cell", "new", "granted")}
    assert named == {
        "experiment": "mix",
        "variant": decision.variant,
        "propensity": 0.25,
        "cell": dict(decision.cell),
        "new": None,
        "granted": None,
    }


def test_exposures_say_whether_the_assignment_is_new_and_what_was_granted() -> None:
    from nearwise.exposures import Exposures
    from tests.sdk.conftest import unpacked

    kept: list[bytes] = []
    exposures = Exposures(lambda payload: kept.append(payload) or 0, lambda: AT)  # type: ignore[func-returns-value]
    exposures.granted = lambda subject: 17 if subject == "h" else 1
    history = Remembered()
    decides = release(history)
    assigning = Assigning(decides.decide, decides.decide_many, history)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    for subject in ("h", "h", "i"):
        exposures.record(assigning.decide("offer", {}, subject, AT, None, []))
    events = [unpacked(payload) for payload in kept]
    assert [(event["new"], event["granted"]) for event in events] == [(True, 17), (False, 17), (True, 1)]
