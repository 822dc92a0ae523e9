"""Sticky experiments on a device: what is newly assigned is put into the history of its subject, once."""

from __future__ import annotations

from typing import Any, cast

from nearwise import Decision
from nearwise.assigning import assigning
from nearwise.decisions import Undecided
from nearwise.shelf import Active
from nearwise.states import Source
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


def active(history: Remembered, **experiment: Any) -> Active:
    """What decides by one experiment and two flags of it."""
    files = {
        "nearwise.json": {"name": "shop"},
        "experiments/wording.json": {"sticky": True, **experiment},
        "flags/offer.json": FLAG,
        "flags/other.json": FLAG,
    }
    bundle = open_bundle(packed_bundle(files), Trust.pinned(public_key_text(signer().public_key)))
    release = Release(bundle, Decision, lambda _subject: Surroundings(history=history))
    return Active(cast("Any", release.decide), cast("Any", release.decide_many), Source.SERVER, release)


def test_what_is_newly_assigned_is_remembered_once() -> None:
    history = Remembered()
    device = assigning(active(history), history)
    first = device.decide("offer", {}, "h", AT, None, [])
    assert first.variant is not None
    assert history.recall("h").assigned("wording") == Assignment(first.variant, 0.5, AT)
    version = history.recall("h").version
    again = device.decide("other", {}, "h", AT + 60, None, [])
    assert (again.variant, again.new, history.recall("h").version) == (first.variant, False, version)


def test_deciding_many_remembers_too() -> None:
    history = Remembered()
    device = assigning(active(history), history)
    one, other = device.decide_many(["offer", "other"], {}, "h", AT, list)
    assert one.variant == other.variant
    assert history.recall("h").assigned("wording") is not None


def test_only_sticky_experiments_take_this_way() -> None:
    history = Remembered()
    plain, sticky, none = (
        active(history, sticky=False),
        active(history),
        Active(Undecided().decide, list, Source.DEFAULT),
    )
    assert [assigning(each, history) is each for each in (plain, sticky, none)] == [True, False, True]


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
        "granted": 0,
    }


def test_exposures_say_whether_the_assignment_is_new_and_what_was_granted() -> None:
    from nearwise.consent import ConsentStore
    from nearwise.consent_file import Said
    from nearwise.exposures import Exposures
    from nearwise.gate import Gate
    from tests.sdk.conftest import unpacked

    kept: list[bytes] = []
    exposures = Exposures(lambda payload: kept.append(payload) or 0, lambda: AT)  # type: ignore[func-returns-value]
    consents = ConsentStore(None)
    consents.keep("h", Said(granted=17))
    consents.keep("i", Said(granted=1))
    exposures.gate = Gate(consents)
    history = Remembered()
    device = assigning(active(history), history)
    for subject in ("h", "h", "i"):
        exposures.record(device.decide("offer", {}, subject, AT, None, []))
    events = [unpacked(payload) for payload in kept]
    assert [(event["new"], event["granted"]) for event in events] == [(True, 17), (False, 17), (True, 1)]
