"""What holds for experiments whatever is published: nobody moves, layers exclude, shares are as stated."""

from __future__ import annotations

import json
from collections import Counter
from itertools import combinations, product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearwise_rules import Bundle, Release, assemble, explain
from nearwise_rules.logic.bucketing import Bucketing, subject_hash
from tests.rules.conftest import ISSUED, opened
from tests.rules.publications import SUBJECTS, Device, files_of, flag, published, trial

FEW = SUBJECTS[:200]
MANY = tuple(f"card-{number}" for number in range(64_000))
PERCENT = st.integers(0, 100)

publication = st.fixed_dictionaries({"share": PERCENT, "a": PERCENT, "ramped": st.booleans(), "restart": st.booleans()})


@settings(max_examples=25, deadline=None)
@given(st.lists(publication, min_size=1, max_size=5))
def test_sticky_assignments_never_move(publications: list[dict[str, Any]]) -> None:
    device, given_first, bundle = Device(), dict[str, tuple[str | None, float | None]](), None
    for each in publications:
        ramp = [{"at": "2000-01-01", "share": each["share"] / 2}] if each["ramped"] else []
        experiment = {"sticky": True, "share": each["share"], "ramp": ramp}
        rule = trial(a=each["a"], b=100 - each["a"])
        bundle = published(files_of({"e": experiment}, {"e": flag(rule)}), bundle)
        device.activate(bundle)
        for subject in FEW:
            decision = device.decide("e", subject)
            known = given_first.get(subject)
            assert decision.new is (None if decision.experiment is None else known is None)
            if known is not None:
                assert (decision.variant, decision.propensity) == known
            elif decision.experiment:
                given_first[subject] = decision.variant, decision.propensity
        if each["restart"]:
            device.restart()


@settings(max_examples=25, deadline=None)
@given(st.lists(PERCENT, min_size=2, max_size=5), st.booleans())
def test_who_takes_part_stays_when_the_share_grows(shares: list[int], in_a_layer: bool) -> None:
    bundle, inside = None, set[str]()
    for share in sorted(shares):
        experiment = {"share": share, **({"layer": "l"} if in_a_layer else {})}
        bundle = published(files_of({"e": experiment}, layers={"l": {}}), bundle)
        release = Release(bundle)
        now_inside = {each for each in FEW if release.decide("e", {}, each, ISSUED).experiment}
        assert inside <= now_inside
        inside = now_inside


def test_the_first_ten_percent_stay_in_when_twenty_come_by_share_or_by_ramp() -> None:
    ten = published(
        files_of({"e": {"layer": "l", "share": 10}, "other": {"layer": "l", "share": 15}}, layers={"l": {}})
    )
    ramp = [{"at": "2000-01-01", "share": 10}, {"at": "2100-01-01", "share": 20}]
    for wider in ({"share": 20}, {"share": 20, "ramp": ramp}):
        twenty = published(files_of({"e": {"layer": "l", **wider}}, layers={"l": {}}), ten)
        before, after, late = Release(ten), Release(twenty), 4_200_000_000.0
        first = {each for each in SUBJECTS if before.decide("e", {}, each, ISSUED).experiment}
        assert first == {
            each
            for each in first
            if after.decide("e", {}, each, ISSUED).experiment and after.decide("e", {}, each, late).experiment
        }
        if "ramp" in wider:
            assert first == {each for each in SUBJECTS if after.decide("e", {}, each, ISSUED).experiment}


wish = st.fixed_dictionaries(
    {"share": st.sampled_from([0, 50, 100]), "sticky": st.booleans(), "days": st.sampled_from([None, (1, 2), (2, 4)])}
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from("ab"), wish, min_size=1, max_size=2), min_size=1, max_size=4))
def test_nobody_is_ever_in_two_experiments_of_a_layer(publications: list[dict[str, dict[str, Any]]]) -> None:
    device, bundle = Device(), None
    for day, wishes in enumerate(publications, 1):
        experiments = {key: _dated(each) for key, each in wishes.items()}
        files = files_of(experiments, layers={"l": {}})
        if assemble(files, bundle).problems:
            continue
        bundle = published(files, bundle)
        device.activate(bundle)
        for subject in FEW[:20]:
            for days in (day, day + 1):
                at = 1_793_491_200.0 + days * 86_400  # days after 2026-11-01
                assert len([key for key in experiments if device.decide(key, subject, at).experiment]) <= 1


def _dated(each: dict[str, Any]) -> dict[str, Any]:
    dates = (
        {}
        if each["days"] is None
        else dict(zip(("start", "end"), map("2026-11-{:02}".format, each["days"]), strict=True))
    )
    return {"layer": "l", "share": each["share"], "sticky": each["sticky"], **dates}


def test_who_stays_in_a_sticky_experiment_is_kept_out_of_those_that_got_its_place() -> None:
    device = Device()
    alone = published(files_of({"a": {"layer": "l", "sticky": True}}, layers={"l": {}}))
    device.activate(alone)
    assert device.decide("a", "h").new is True
    files = files_of({"a": {"layer": "l", "sticky": True, "share": 0}, "b": {"layer": "l"}}, layers={"l": {}})
    device.activate(published(files, alone))
    assert (device.decide("a", "h").new, device.decide("b", "h").experiment) == (False, None)
    assert (device.decide("a", "later").experiment, device.decide("b", "later").experiment) == (None, "b")
    assert device.release is not None
    assert (
        explain(device.release, "b", {}, "h", ISSUED)
        .rules[0]
        .effect.startswith("experiment b: layer l: in a since 2023-11-14")
    )


@pytest.mark.parametrize("share", [3, 20, 100])
def test_propensities_are_the_measured_shares(share: float) -> None:
    files = files_of({"e": {"share": share, "layer": "l"}}, {"e": flag(trial(a=12.5, b=87.5))}, {"l": {}})
    release = Release(published(files))
    given_to = Counter(
        (each.variant, each.propensity)
        for each in (release.decide("e", {}, s, ISSUED) for s in MANY)
        if each.experiment
    )
    parts = given_to.total()
    assert abs(parts - share / 100 * len(MANY)) <= 4 * (share / 100 * (1 - share / 100) * len(MANY)) ** 0.5
    assert set(given_to) == {("a", 0.125), ("b", 0.875)}
    for (_, propensity), number in given_to.items():
        expected = propensity or 0.0
        assert abs(number - expected * parts) <= 4 * (expected * (1 - expected) * parts) ** 0.5


def test_the_cells_of_a_full_factorial_are_balanced() -> None:
    levels = ("x", "y", "z")
    factors = {"one": {"x": 33.33, "y": 33.33, "z": 33.34}, "two": {"x": 50, "y": 50}}
    flags = {name: flag({"experiment": "e", "factor": name}, variants=(*levels, "off")) for name in factors}
    release = Release(published(files_of({"e": {"factors": factors}}, flags)))
    cells = Counter(tuple(_cell(release, subject).items()) for subject in MANY)
    assert {tuple(dict(cell).values()) for cell in cells} == set(product(levels, "xy"))
    statistic = sum((number - len(MANY) / 6) ** 2 / (len(MANY) / 6) for number in cells.values())
    assert statistic < 20.5, "chi-square with 5 degrees of freedom, p = 0.001"


@settings(max_examples=20, deadline=None)
@given(st.sets(st.tuples(st.sampled_from("xyz"), st.sampled_from("xy")), min_size=1, max_size=6))
def test_a_fractional_design_serves_its_cells_and_no_other(chosen: set[tuple[str, str]]) -> None:
    factors = {"one": {"x": 20, "y": 30, "z": 50}, "two": {"x": 50, "y": 50}}
    design = [{"one": one, "two": two} for one, two in sorted(chosen)]
    flags = {name: flag({"experiment": "e", "factor": name}, variants=("x", "y", "z", "off")) for name in factors}
    release = Release(published(files_of({"e": {"factors": factors, "design": design}}, flags)))
    served = Counter(tuple(_cell(release, subject).values()) for subject in SUBJECTS)
    assert set(served) == chosen
    share = 1 / len(chosen)
    assert all(
        abs(n - share * len(SUBJECTS)) <= 4.5 * (share * (1 - share) * len(SUBJECTS)) ** 0.5 for n in served.values()
    )


def _cell(release: Release, subject: str) -> dict[str, str]:
    decision = release.decide("one", {}, subject, ISSUED)
    assert decision.cell is not None
    return dict(decision.cell)


SALTS = (
    "layer/ranking",
    "layer/prices",
    "ranking-test",
    "ranking-test/share",
    "ranking-test/holdout",
    "holdout",
    "price-test",
)
"""The salts that a bundle has without any that its authors gave."""


@pytest.mark.parametrize("pair", list(combinations(SALTS, 2)), ids=" ".join)
def test_salts_are_independent(pair: tuple[str, str]) -> None:
    counts = Counter(tuple((subject_hash(Bucketing.MURMUR3, salt, each) * 8) >> 32 for salt in pair) for each in MANY)
    expected = len(MANY) / 64
    statistic = sum((counts[cell] - expected) ** 2 / expected for cell in product(range(8), repeat=2))
    assert statistic < 114.0, "chi-square with 63 degrees of freedom, p = 0.0001"


def test_the_gates_of_a_decision_are_independent() -> None:
    """Taking part, the variant and the holdout of one experiment, counted together."""
    bundle: Bundle = published(
        files_of({"e": {"layer": "l", "share": 50, "holdout": {"percent": 50}}}, {"e": flag(trial())}, {"l": {}})
    )
    release = Release(bundle)
    counts = Counter((d.experiment, d.reason, d.variant) for d in (release.decide("e", {}, s, ISSUED) for s in MANY))
    assert sorted(counts.values()) == pytest.approx([8_000, 8_000, 16_000, 32_000], abs=4 * 126)


VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parent / "vectors" / "experiments.json").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: f"{case['subject']} {case['at']:.0f}")
def test_any_implementation_gives_the_same(case: dict[str, Any]) -> None:
    release = Release(opened({tuple(name.split("/")): entry for name, entry in VECTORS["entries"].items()}))
    for key, expected in case["given"].items():
        given_now = release.decide(key, {}, case["subject"], case["at"])
        answer = [given_now.variant, given_now.reason, given_now.propensity] if given_now.experiment else None
        assert answer == expected
