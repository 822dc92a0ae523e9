"""What is wrong with experiments and layers, told with its place."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from nearwise_rules import Json, assemble
from tests.rules.publications import files_of, flag, published, trial

LAYERS: dict[str, Any] = {"ranking": {}}
FACTORS: dict[str, Any] = {"layout": {"compact": 50, "wide": 50}, "banner": {"off": 50, "on": 50}}
CELL = {"layout": "wide", "banner": "on"}


def problems(experiment: dict[str, Any], *rules: dict[str, Any], now: float | None = None) -> list[tuple[str, str]]:
    """Code and place of each problem of one experiment; places in the experiment's own file without its name."""
    files = files_of({"e": experiment}, {"f": flag(*(rules or [trial()]))}, LAYERS)
    found = assemble(files, now=now).problems
    return [(each.code, f"{each.file.removeprefix('experiments/e.json')}{each.pointer}") for each in found]


def messages(experiment: dict[str, Any], *rules: dict[str, Any]) -> list[str]:
    files = files_of({"e": experiment}, {"f": flag(*(rules or [trial()]))}, LAYERS)
    return [each.message for each in assemble(files).problems]


def levels(*rules: dict[str, Any]) -> dict[str, Any]:
    return flag(*rules, variants=("compact", "wide", "on", "off"))


@pytest.mark.parametrize(
    ("experiment", "code", "place"),
    [
        ({"shar": 1}, "unknown_field", "/shar"),
        ({"ranges": []}, "derived_field", "/ranges"),
        ({"layer": "rankin"}, "unknown_layer", "/layer"),
        ({"share": 101}, "percent", "/share"),
        ({"share": 10.005}, "percent", "/share"),
        ({"dedupe": "soon"}, "bad_window", "/dedupe"),
        ({"by": "household"}, "unknown_attribute", "/by"),
        ({"start": "tomorrow"}, "bad_time", "/start"),
        ({"end": "2026-13-01"}, "bad_time", "/end"),
        ({"start": "2026-12-02", "end": "2026-12-01"}, "ends_before_start", "/end"),
        ({"start": "2026-12-01T12:00", "end": "2026-12-01T12:00"}, "ends_before_start", "/end"),
        ({"ramp": [{"at": "2026-12-01"}]}, "missing_field", "/ramp/0"),
        ({"ramp": [{"at": "soon", "share": 1}]}, "bad_time", "/ramp/0/at"),
        ({"share": 20, "ramp": [{"at": "2026-12-01", "share": 21}]}, "ramp_share", "/ramp/0/share"),
        (
            {"ramp": [{"at": "2026-12-01", "share": 1}, {"at": "2026-11-01", "share": 2}]},
            "ramp_order",
            "/ramp/1/at",
        ),
        ({"holdout": {}}, "missing_field", "/holdout"),
        ({"holdout": {"percent": 200}}, "percent", "/holdout/percent"),
        ({"overrides": {"qa": "z"}}, "unknown_variant", "/overrides/qa"),
        ({"design": []}, "missing_field", "/design"),
    ],
)
def test_an_experiment_says_what_is_wrong_with_it(experiment: dict[str, Any], code: str, place: str) -> None:
    assert problems(experiment) == [(code, place)]


def test_dates_and_times_that_are_in_order_are_no_problem() -> None:
    ramp = [{"at": "2026-11-01", "share": 10}, {"at": "2026-11-08T08:00", "share": 20}]
    assert problems({"start": "2026-11-01", "end": "2026-11-01", "share": 20, "ramp": ramp, "layer": "ranking"}) == []


def test_names_that_do_not_exist_come_with_the_nearest_one() -> None:
    assert messages({"layer": "rankin"}) == ["unknown layer 'rankin' (did you mean 'ranking'?)"]
    assert messages({"overrides": {"qa": "z"}}) == ["unknown variant 'z' (known: a, b)"]


@pytest.mark.parametrize(
    ("factors", "code", "place"),
    [
        ({}, "no_factors", "/factors"),
        ({"layout": {}}, "no_levels", "/factors/layout"),
        ({"layout": {"wide": 99.99}}, "factor_sum", "/factors/layout"),
        ({"layout": {"wide": 101}}, "percent", "/factors/layout/wide"),
        ({"lay,out": {"wide": 100}}, "bad_name", "/factors/lay,out"),
        ({"layout": {"wi=de": 100}}, "bad_name", "/factors/layout/wi=de"),
    ],
)
def test_factors_have_levels_that_make_the_whole(factors: dict[str, Any], code: str, place: str) -> None:
    found = assemble(files_of({"e": {"factors": factors}}, {"f": levels({"experiment": "e", "factor": "layout"})}))
    assert (code, place) in [(each.code, each.pointer) for each in found.problems]


def test_too_many_cells_ask_for_a_design() -> None:
    factors = {f"f{number}": {"a": 50, "b": 50} for number in range(10)}
    found = assemble(files_of({"e": {"factors": factors}}, {"f": flag({"experiment": "e", "factor": "f0"})})).problems
    assert [each.code for each in found] == ["too_many_cells"]


@pytest.mark.parametrize(
    ("fields", "code", "place"),
    [
        ({"design": [{"layout": "wide"}]}, "missing_factor", "/design/0"),
        ({"design": [{**CELL, "colour": "red"}]}, "unknown_factor", "/design/0/colour"),
        ({"design": [{**CELL, "layout": "wid"}]}, "unknown_level", "/design/0/layout"),
        ({"design": [CELL, CELL]}, "duplicate_cell", "/design/1"),
        ({"design": []}, "design_size", "/design"),
        ({"overrides": {"qa": {"layout": "wide"}}}, "missing_factor", "/overrides/qa"),
        ({"overrides": {"qa": "wide"}}, "shape", "/overrides/qa"),
        ({"design": [CELL], "overrides": {"qa": {**CELL, "banner": "off"}}}, "unknown_cell", "/overrides/qa"),
    ],
)
def test_cells_have_a_known_level_of_every_factor(fields: dict[str, Any], code: str, place: str) -> None:
    flags = {"f": levels({"experiment": "e", "factor": "layout"}), "g": levels({"experiment": "e", "factor": "banner"})}
    found = assemble(files_of({"e": {"factors": FACTORS, **fields}}, flags)).problems
    assert {(each.code, each.pointer) for each in found} == {(code, place)}


@pytest.mark.parametrize(
    ("experiment", "rule", "code", "place"),
    [
        ({}, {"experiment": "x", "split": {"a": 100}}, "unknown_experiment", "experiment"),
        ({}, {"experiment": "e", "serve": "a"}, "serves_one", "experiment"),
        ({}, {"experiment": "e", "factor": "layout"}, "unknown_factor", "factor"),
        ({}, {"factor": "layout"}, "missing_field", ""),
        ({}, {"experiment": "e"}, "serve_or_split", ""),
        ({}, {**trial(), "serve": "a"}, "serve_or_split", ""),
        ({}, {**trial(), "by": "subject"}, "", ""),
        ({}, {**trial(), "by": "now.date"}, "other_by", "by"),
        ({"factors": FACTORS}, trial(), "split_of_factors", "split"),
        ({"factors": FACTORS}, {"experiment": "e", "factor": "layuot"}, "unknown_factor", "factor"),
        ({"factors": FACTORS}, {"experiment": "e", "factor": "layout"}, "unknown_variant", "factor"),
    ],
)
def test_a_rule_fits_its_experiment(experiment: dict[str, Any], rule: dict[str, Any], code: str, place: str) -> None:
    found = [each for each in problems(experiment, rule) if each[1].startswith("flags/")]
    pointer = f"/rules/0/{place}".rstrip("/")
    assert (code, f"flags/f.json{pointer}") in found if code else not found


def test_labels_are_for_rule_sets_that_declare_no_experiment() -> None:
    assert assemble(files_of({}, {"f": flag(trial("a label"))})).problems == ()
    assert assemble(files_of({}, {"f": flag({"experiment": "a label", "serve": "a"})})).problems == ()
    (wrong,) = assemble(files_of({}, {"f": flag({"experiment": "e", "factor": "layout"})})).problems
    assert wrong.code == "unknown_experiment"
    (wrong,) = assemble(files_of({"ranking": {}}, {"f": flag(trial("ranking")), "g": flag(trial("rankin"))})).problems
    nearest = "unknown experiment 'rankin' (did you mean 'ranking'?)"
    assert wrong.message == f"{nearest}: where experiments/ has a file, each needs one"


def test_the_shares_of_an_experiment_are_the_same_in_every_rule() -> None:
    (wrong,) = assemble(files_of({"e": {}}, {"f": flag(trial()), "g": flag(trial(a=40, b=60))})).problems
    assert (wrong.code, wrong.file, wrong.pointer) == ("unlike_splits", "flags/g.json", "/rules/0/split")
    assert wrong.message.startswith("experiment 'e' is split into a 50, b 50 elsewhere")


def test_a_rule_of_an_experiment_leaves_others_to_the_next_rule() -> None:
    assert problems({}, trial(), {"serve": "a"}) == []


def test_rules_of_placements_use_experiments_too() -> None:
    placement: Any = {"candidates": {"tags": []}, "policies": {"a": {}, "b": {}}, "rules": [trial()]}
    files = {**files_of({"e": {}}, {}), "placements/slot.json": placement}
    assert "unused_experiment" not in [each.code for each in assemble(files).problems]


def test_what_is_remembered_is_a_subjects() -> None:
    household: Json = {"household": {"type": "integer"}}
    files = {**files_of({"e": {"sticky": True, "by": "household"}}), "attributes.json": household}
    assert [each.code for each in assemble(files).problems] == ["sticky_by"]


def test_the_shares_of_a_layer_fit_into_it_at_any_time() -> None:
    november = {"layer": "ranking", "share": 60, "start": "2026-11-01", "end": "2026-11-30"}
    december = {"layer": "ranking", "share": 60, "start": "2026-12-01"}
    assert assemble(files_of({"a": november, "b": december}, layers=LAYERS)).problems == ()
    late = {**november, "end": "2026-12-01"}
    (wrong,) = assemble(files_of({"a": late, "b": december}, layers=LAYERS)).problems
    assert (wrong.code, wrong.file, wrong.pointer) == ("layer_sum", "layers.json", "/ranking")
    assert wrong.message == "the experiments of layer 'ranking' take 120 percent at one time: a 60, b 60"


def test_dates_that_bring_experiments_with_the_same_people_together_are_a_problem() -> None:
    def both(end: str) -> dict[str, Any]:
        first = {"layer": "ranking", "share": 60, "end": "2026-11-30"}
        second = {"layer": "ranking", "share": 40, "start": "2026-12-01", "end": end}
        return files_of(
            {"a": first, "b": second, "c": {**second, "start": "2027-01-01", "end": "2027-02-01"}}, layers=LAYERS
        )

    before = published(both("2026-12-31"))
    ranges = json.loads(before.entry("layer", "ranking") or b"")["ranges"]
    assert ranges == [["a", 0, 6000], ["b", 6000, 10000], ["c", 0, 4000]]
    assert assemble(both("2027-01-31"), before).problems == ()
    together = files_of(
        {
            "a": {"layer": "ranking", "share": 60},
            "b": {"layer": "ranking", "share": 0},
            "c": {"layer": "ranking", "share": 40},
        },
        layers=LAYERS,
    )
    (wrong,) = assemble(together, before).problems
    assert (wrong.code, wrong.file) == ("layer_lost", "experiments/c.json")


def test_who_comes_to_a_full_layer_is_told() -> None:
    def three(**third: Any) -> dict[str, Any]:
        first = {"layer": "ranking", "share": 60, "end": "2026-11-30"}
        second = {"layer": "ranking", "share": 60, "start": "2026-12-01"}
        return files_of({"a": first, "b": second, **third}, layers=LAYERS)

    before = published(three())
    (wrong,) = assemble(three(c={"layer": "ranking", "share": 40}), before).problems
    assert (wrong.code, wrong.file, wrong.pointer) == ("layer_full", "experiments/c.json", "/share")
    assert wrong.message.startswith("layer 'ranking' has 40 percent too few that are free all the time 'c' runs")


def test_experiments_that_nobody_uses_or_that_are_over_are_told() -> None:
    now = datetime(2026, 12, 1, tzinfo=UTC).timestamp()
    idle = {"serve": "a"}
    assert problems({}, idle) == [("unused_experiment", "")]
    assert problems({"end": "2026-11-30"}, idle) == []
    assert problems({"end": "2026-11-30"}, idle, now=now) == []
    assert problems({"end": "2026-12-01"}, idle, now=now) == [("unused_experiment", "")]
    assert problems({"end": "2026-11-30"}) == []
    assert problems({"end": "2026-12-01"}, now=now) == []
    assert problems({"end": "2026-11-30"}, now=now) == [("expired_experiment", "flags/f.json/rules/0/experiment")]


@pytest.mark.parametrize("wrong", [[], "x", 1, {"share": "x", "ramp": 1, "factors": [], "design": {}, "overrides": 1}])
def test_documents_of_any_shape_are_told_and_never_raise(wrong: Any) -> None:
    files = files_of({"e": wrong}, {"f": flag(trial())}, {"ranking": wrong}) | {"layers.json": wrong}
    assert {each.code for each in assemble(files).problems} & {"shape", "unknown_field"}


def test_splits_of_an_experiment_keep_who_is_in_them() -> None:
    before = published(files_of({"e": {}}))
    after = published(files_of({"e": {}}, {"e": flag(trial(a=40, b=60))}), before)
    assert json.loads(after.entry("experiment", "e") or b"")["ranges"] == [["a", 0, 4000], ["b", 4000, 10000]]
    again = published(files_of({"e": {}}, {"e": flag(trial(a=50, b=50)), "f": flag(trial(a=50, b=50))}), after)
    kept = [["a", 0, 4000], ["b", 4000, 9000], ["a", 9000, 10000]]
    assert json.loads(again.entry("experiment", "e") or b"")["ranges"] == kept
    anew = published(files_of({"e": {"salt": "other"}}, {"e": flag(trial(a=0, b=100))}), after)
    assert json.loads(anew.entry("experiment", "e") or b"")["ranges"] == [["b", 0, 10000], ["a", 0, 0]]
