"""Experiments decide: who takes part, when, what is remembered, what each order of gates gives."""

from __future__ import annotations

from datetime import datetime
from math import sqrt
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from nearwise_rules import Bundle, Decision, ErrorCode, Json, Need, Reason, Release, explain
from nearwise_rules.history import Assignment
from tests.rules.conftest import ISSUED, opened
from tests.rules.publications import SUBJECTS, Device, files_of, flag, published, trial

HOUSEHOLD: Json = {"household": {"type": "integer"}}
WARSAW = ZoneInfo("Europe/Warsaw")


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=WARSAW).timestamp()


def device(experiment: dict[str, Any], *rules: dict[str, Any], **settings: Any) -> Device:
    """A device with one experiment `e` and one flag `e`, whose rules are these."""
    made = Device()
    files = files_of({"e": experiment}, {"e": flag(*(rules or [trial()]))}, {"ranking": {}}, **settings)
    made.activate(published(files))
    return made


def everybody(asked: Device, when: float = ISSUED) -> dict[str, Decision]:
    return {subject: asked.decide("e", subject, when) for subject in SUBJECTS}


def inside(asked: Device, when: float = ISSUED) -> set[str]:
    return {subject for subject, decision in everybody(asked, when).items() if decision.experiment}


def close_to(count: int, share: float) -> bool:
    """Within four standard deviations of the share of all subjects."""
    deviation = sqrt(share * (1 - share) * len(SUBJECTS))
    return abs(count - share * len(SUBJECTS)) <= 4 * deviation


def test_a_share_takes_part_and_the_others_go_on_to_the_next_rule() -> None:
    decisions = everybody(device({"share": 20}, trial(name="try"), {"name": "rest", "serve": "c"}))
    parts = [decision for decision in decisions.values() if decision.experiment]
    assert close_to(len(parts), 0.2)
    assert {(d.experiment, d.rule, d.reason, d.propensity) for d in parts} == {("e", "try", Reason.SPLIT, 0.5)}
    assert {d.variant for d in decisions.values() if not d.experiment} == {"c"}


def test_flags_of_one_experiment_assign_alike() -> None:
    asked = Device()
    asked.activate(published(files_of({"e": {}}, {"one": flag(trial()), "two": flag(trial(), salt="other")})))
    pairs = {(asked.decide("one", each).variant, asked.decide("two", each).variant) for each in SUBJECTS}
    assert pairs == {("a", "a"), ("b", "b")}


def test_a_date_is_a_whole_day_of_the_store_and_a_time_is_an_instant() -> None:
    asked = device({"start": "2026-11-01", "end": "2026-12-01"}, zone="Europe/Warsaw")
    times = ["2026-10-31T23:59:59", "2026-11-01T00:00", "2026-12-01T23:59:59", "2026-12-02T00:00"]
    assert [asked.decide("e", "h", at(each)).experiment for each in times] == [None, "e", "e", None]
    asked = device({"end": "2026-12-01T12:00"}, zone="Europe/Warsaw")
    assert [asked.decide("e", "h", at(f"2026-12-01T{each}")).experiment for each in ("11:59:59", "12:00")] == [
        "e",
        None,
    ]


def test_a_ramp_lets_in_more_from_its_times_on_and_keeps_those_who_are_in() -> None:
    ramp = [{"at": "2026-11-08", "share": 10}, {"at": "2026-11-15", "share": 20}]
    asked = device({"share": 30, "ramp": ramp}, zone="Europe/Warsaw")
    none, ten, twenty = (inside(asked, at(f"2026-11-{day}")) for day in ("07", "08", "15"))
    assert (none, close_to(len(ten), 0.1), close_to(len(twenty), 0.2)) == (set(), True, True)
    assert ten < twenty


@pytest.mark.parametrize("subject", [None, 1.5, True])
def test_who_cannot_be_bucketed_gets_the_default_and_is_told(subject: Any) -> None:
    decision = device({}).decide("e", subject)
    assert (decision.variant, decision.error_code) == ("off", ErrorCode.TARGETING_KEY_MISSING)
    assert [each.place for each in decision.diagnostics] == ["subject"]
    assert decision.assignments == ()


def test_an_experiment_by_an_attribute_gives_all_of_it_the_same() -> None:
    files = {**files_of({"e": {"by": "household"}}), "attributes.json": HOUSEHOLD}
    asked = Device()
    asked.activate(published(files))
    for household in range(50):
        assert len({asked.decide("e", f"h-{n}", household=household).variant for n in range(5)}) == 1


def test_consent_does_not_assign() -> None:
    household: Json = {"household": {"type": "integer", "privacy": "personal", "purposes": ["personalise"]}}
    asked = Device()
    asked.activate(published({**files_of({"e": {"by": "household"}}), "attributes.json": household}))
    assert asked.decide("e", "h", household=3).reason is Reason.SPLIT


def test_a_sticky_assignment_survives_weights_shares_ramps_and_restarts() -> None:
    asked = device({"sticky": True, "share": 50})
    before = {each: decision for each, decision in everybody(asked).items() if decision.experiment}
    assert {decision.new for decision in before.values()} == {True}
    ramp = [{"at": "2099-01-01", "share": 1}]
    asked.activate(
        published(files_of({"e": {"sticky": True, "share": 1, "ramp": ramp}}, {"e": flag(trial(a=1, b=99))}))
    )
    asked.restart()
    for subject, decision in before.items():
        again = asked.decide("e", subject)
        assert (again.variant, again.propensity, again.new) == (decision.variant, 0.5, False)


def test_a_variant_that_is_gone_is_assigned_anew() -> None:
    asked = device({"sticky": True})
    asked.recall("h").assign("e", Assignment("gone", 0.5, ISSUED))
    again = asked.decide("e", "h")
    assert (again.new, again.variant in ("a", "b")) == (True, True)
    assert asked.decide("e", "h").new is False


def test_nobody_knows_whether_an_assignment_is_new_that_is_not_remembered() -> None:
    forgetful = Release(published(files_of({"e": {"sticky": True}})))
    assert (forgetful.decide("e", {}, "h", ISSUED).new, forgetful.decide("e", {}, "h", ISSUED).assignments) == (
        None,
        (),
    )
    assert device({}).decide("e", "h").new is None


def test_an_assignment_ends_with_the_experiment() -> None:
    asked = device({"sticky": True, "end": "2026-12-01"}, zone="Europe/Warsaw")
    assert asked.decide("e", "h", at("2026-11-20T10:00")).new is True
    assert asked.decide("e", "h", at("2026-12-02T10:00")).experiment is None


def test_a_prerequisite_assigns_too() -> None:
    one = flag(trial())
    two = flag({"serve": "c"}, requires=[{"flag": "one", "variant": ["a", "b"]}])
    asked = Device()
    asked.activate(published(files_of({"e": {"sticky": True}}, {"one": one, "two": two})))
    assert [each.experiment for each in asked.decide("two", "h").assignments] == ["e"]
    assert asked.decide("two", "h").assignments == ()
    assert asked.decide("one", "h").new is False


def test_a_tester_gets_the_variant_of_his_override_at_any_time_and_never_counts() -> None:
    asked = device({"overrides": {"qa-1": "b"}, "start": "2099-01-01", "sticky": True, "holdout": {"percent": 100}})
    decision = asked.decide("e", "qa-1")
    assert (decision.variant, decision.experiment, decision.outcome.exposures) == ("b", "e", "none")
    assert decision.participation is not None
    assert (decision.participation.override, decision.propensity, decision.assignments) == (True, None, ())


def test_a_holdout_of_the_experiment_gives_the_neutral_variant_after_the_rules() -> None:
    asked = device({"holdout": {"percent": 30}, "share": 50, "sticky": True}, trial(name="try"))
    decisions = everybody(asked)
    held = [decision for decision in decisions.values() if decision.reason is Reason.HOLDOUT]
    assert close_to(len(held), 0.15)
    assert {(d.variant, d.rule, d.experiment, d.new, d.assignments) for d in held} == {("off", "try", "e", None, ())}


def test_the_holdout_of_the_rule_set_holds_assigned_subjects_but_no_testers() -> None:
    asked = device({"overrides": {"qa-1": "b"}, "sticky": True}, holdout={"percent": 100})
    assert (asked.decide("e", "h").reason, asked.decide("e", "h").assignments) == (Reason.HOLDOUT, ())
    assert asked.decide("e", "qa-1").variant == "b"


def factorial(**fields: Any) -> Device:
    factors = {"layout": {"compact": 50, "wide": 50}, "banner": {"off": 25, "on": 75}}
    flags = {
        "layout": flag({"experiment": "e", "factor": "layout"}, variants=("compact", "wide", "off")),
        "banner": flag({"experiment": "e", "factor": "banner"}, variants=("on", "off")),
    }
    asked = Device()
    asked.activate(published(files_of({"e": {"factors": factors, **fields}}, flags)))
    return asked


def test_flags_of_a_multivariate_experiment_get_the_levels_of_one_cell() -> None:
    asked = factorial()
    seen: dict[tuple[str | None, str | None], int] = {}
    for subject in SUBJECTS:
        layout, banner = asked.decide("layout", subject), asked.decide("banner", subject)
        assert layout.cell == banner.cell == {"layout": layout.variant, "banner": banner.variant}
        assert layout.propensity == banner.propensity == (0.125 if banner.variant == "off" else 0.375)
        seen[layout.variant, banner.variant] = seen.get((layout.variant, banner.variant), 0) + 1
    assert all(close_to(count, 0.125 if banner == "off" else 0.375) for (_, banner), count in seen.items())
    assert len(seen) == 4


def test_a_fractional_design_serves_only_its_cells_equally_often() -> None:
    design = [{"layout": "compact", "banner": "off"}, {"layout": "wide", "banner": "on"}]
    asked = factorial(design=design)
    cells = [asked.decide("layout", subject).cell for subject in SUBJECTS]
    assert all(cell in design for cell in cells)
    assert close_to(cells.count(design[0]), 0.5)


def test_a_file_that_is_sorted_anew_moves_nobody() -> None:
    def publish(factors: dict[str, Any], previous: Bundle | None = None) -> Bundle:
        rules = [{"experiment": "e", "factor": "one"}]
        return published(
            files_of({"e": {"factors": factors}}, {"f": flag(*rules, variants=("x", "y"), default="x")}), previous
        )

    one, two = {"x": 20, "y": 80}, {"x": 50, "y": 50}
    before = publish({"two": two, "one": one})
    after = publish({"one": one, "two": two}, before)
    assert before.entry("experiment", "e") == after.entry("experiment", "e")


def test_a_cell_is_sticky_and_can_be_given_by_name() -> None:
    asked = factorial(sticky=True, overrides={"qa-1": {"banner": "off", "layout": "wide"}})
    first, then = asked.decide("layout", "h"), asked.decide("banner", "h")
    assert (first.new, then.new, first.cell) == (True, False, then.cell)
    assert asked.recall("h").assigned("e") == Assignment(
        f"banner={then.variant},layout={first.variant}", first.propensity or 0, ISSUED
    )
    assert asked.decide("layout", "qa-1").cell == {"layout": "wide", "banner": "off"}


def test_labels_without_a_document_stay_labels() -> None:
    bundle = published(files_of({}, {"e": flag(trial("a label"))}))
    decision = Release(bundle).decide("e", {}, "h", ISSUED)
    assert (decision.experiment, decision.reason, decision.participation) == ("a label", Reason.SPLIT, None)


def said(asked: Device, subject: str, when: float = ISSUED) -> str:
    assert asked.release is not None
    return explain(asked.release, "e", {}, subject, when).rules[0].effect


def test_explain_says_where_a_subject_stands() -> None:
    ramp = [{"at": "2023-11-08", "share": 10}, {"at": "2023-11-15", "share": 20}]
    asked = device({"layer": "ranking", "share": 20, "ramp": ramp, "sticky": True, "overrides": {"qa": "a"}})
    phrases = {subject: said(asked, subject) for subject in SUBJECTS}
    parts = [text for text in phrases.values() if text.startswith("serves")]
    assert close_to(len(parts), 0.1)
    assert all(
        "layer ranking: bucket " in text and " belongs to e; ramp: 10 % until 2023-11-15" in text for text in parts
    )
    others = [text for text in phrases.values() if "belongs to nobody, so the next rule is tried" in text]
    assert close_to(len(others), 0.8)
    assert said(asked, "qa") == "serves a by experiment e: QA override"
    member = next(subject for subject, text in phrases.items() if text.startswith("serves"))
    asked.decide("e", member)
    assert said(asked, member).endswith("sticky: assigned 2023-11-14 22:13")


@pytest.mark.parametrize(
    ("experiment", "subject", "text"),
    [
        ({"start": "2099-01-01"}, "h", "experiment e: starts 2099-01-01, so the next rule is tried"),
        ({"end": "2020-01-01"}, "h", "experiment e: over since 2020-01-02, so the next rule is tried"),
        ({}, None, "experiment e: buckets by subject, which is missing"),
        ({"share": 0}, "h", "is outside the 0 % that take part, so the next rule is tried"),
        (
            {"holdout": {"percent": 100}},
            "h",
            "the 100 % that take part; in its holdout), but the subject is in the holdout",
        ),
    ],
)
def test_explain_says_what_kept_a_subject_out(experiment: dict[str, Any], subject: Any, text: str) -> None:
    assert said(device(experiment), subject).endswith(text)


@pytest.mark.parametrize(
    ("experiment", "own"), [({"dedupe": "1h"}, None), ({}, "day"), ({"dedupe": "1h"}, "day"), ({}, None)]
)
def test_the_window_of_an_experiment_goes_before_that_of_its_flag(experiment: dict[str, Any], own: str | None) -> None:
    release = Release(published(files_of({"e": experiment}, {"e": flag(trial(), dedupe=own)})))
    assert release.decide("e", {}, "h", ISSUED).outcome.dedupe == experiment.get("dedupe", own)
    needed = Need("exposure", ("flag", "variant")) in release.remembers.needs
    assert needed is bool(experiment or own)


DAMAGED: list[Any] = [
    [],
    {"layer": "l"},
    {"layer": "gone", "ranges": [["a", 0, 10_000]]},
    {"ranges": [["no variant", 0, 10_000]]},
    {"ranges": [["a", 0]]},
    {"ranges": [["a", 0, 10_000]], "start": "soon"},
    {"ranges": [["a", 0, 10_000]], "ramp": [{}]},
    {"ranges": [["a", 0, 10_000]], "holdout": {}},
]


@pytest.mark.parametrize("entry", DAMAGED, ids=str)
def test_a_damaged_experiment_gives_the_default_and_says_so(entry: Any) -> None:
    release = Release(opened({("flag", "e"): flag(trial()), ("experiment", "e"): entry}))
    decision = release.decide("e", {}, "h", ISSUED, "mine")
    assert (decision.value, decision.error_code) == ("mine", ErrorCode.PARSE_ERROR)
