"""Experiments as texts: built with all they need, and every mistake told with its line."""

from __future__ import annotations

from datetime import UTC, datetime
from json import loads

import pytest
from jsonschema import Draft202012Validator

from nearwise_server.authoring import Built, build_rule_set
from nearwise_server.authoring.structure import json_schema
from nearwise_server.authoring.texts import read_source

NOW = datetime(2026, 11, 10, 12, tzinfo=UTC).timestamp()

EXPERIMENT = """\
layer: ranking
share: 20
ramp: [{ at: 2026-11-08, share: 10 }, { at: 2026-11-15, share: 20 }]
by: subject
sticky: true
start: 2026-11-01
end: 2026-12-01
salt: autumn
overrides: { h-qa-1: { layout: wide, banner: off } }
holdout: { percent: 5 }
dedupe: 1h
factors: { layout: { compact: 50, wide: 50 }, banner: { off: 50, on: 50 } }
design: [{ layout: compact, banner: off }, { layout: wide, banner: off }, { layout: wide, banner: on }]
description: Whether space sells
hypothesis: A wide layout sells one coffee in a hundred more
metrics: [coffees]
owner: Ada
"""
FLAG = """\
type: string
variants: { compact: small, wide: big }
default: compact
dedupe: day
rules:
  - experiment: spacing
    factor: layout
"""
FILES = {
    "nearwise.yaml": "name: shop\nzone: Europe/Warsaw\n",
    "layers.yaml": "ranking: { description: What changes the order of offers }\n",
    "experiments/spacing.yaml": EXPERIMENT,
    "flags/layout.yaml": FLAG,
    "cases/testers.yaml": "- { name: tester, flag: layout, subject: h-qa-1, expect: { variant: wide } }\n",
}


def built(**changed: str) -> Built:
    return build_rule_set(
        {**FILES, **{name.replace("__", "/") + ".yaml": text for name, text in changed.items()}}, now=NOW
    )


def told(result: Built) -> list[str]:
    return [f"{problem.where} {problem.message}" for problem in result.problems]


def test_an_experiment_with_all_its_fields_builds() -> None:
    result = built()
    assert told(result) == []
    (layer,) = [loads(entry.body) for entry in result.entries if entry.kind == "layer"]
    assert layer["ranges"] == [["spacing", 0, 2000]]
    (experiment,) = [loads(entry.body) for entry in result.entries if entry.kind == "experiment"]
    assert [name for name, _, _ in experiment["ranges"]] == [
        "banner=off,layout=compact",
        "banner=off,layout=wide",
        "banner=on,layout=wide",
    ]


def test_mistakes_are_told_with_their_lines() -> None:
    text = (
        EXPERIMENT.replace("ranking", "rankin")
        .replace("share: 20 }]", "share: 21 }]")
        .replace("banner: on }]", "banner: no }]")
    )
    assert told(built(experiments__spacing=text)) == [
        "experiments/spacing.yaml:1:8 unknown layer 'rankin' (did you mean 'ranking'?)",
        "experiments/spacing.yaml:3:64 a step cannot take more than the share of the experiment, 20 percent",
        "experiments/spacing.yaml:13:99 unknown level 'no' of factor 'banner' (known: off, on)",
    ]


@pytest.mark.parametrize(
    ("was", "wrong"),
    [("share: 20\n", "share: most\n"), ("sticky: true", "sticky: 1"), ("metrics: [coffees]", "metrics: coffees")],
)
def test_a_wrong_shape_is_told_once(was: str, wrong: str) -> None:
    (problem,) = told(built(experiments__spacing=EXPERIMENT.replace(was, wrong)))
    assert "is expected here" in problem


def test_the_time_of_the_build_decides_what_is_over() -> None:
    later = build_rule_set(FILES, now=datetime(2026, 12, 3, tzinfo=UTC).timestamp())
    assert told(later) == ["flags/layout.yaml:6:17 'spacing' ended (2026-12-01): this rule gives nothing any more"]


def test_nothing_is_unknown_because_its_file_cannot_be_read() -> None:
    assert all("unknown" not in problem for problem in told(built(experiments__spacing="layer: [")))
    assert all("unknown" not in problem for problem in told(built(layers="ranking: [")))


def test_cases_wait_for_broken_experiments() -> None:
    assert all("tester" not in problem for problem in told(built(experiments__spacing="share: 101\n" + EXPERIMENT)))


def test_the_schemas_accept_the_files_and_hide_what_the_build_fills_in() -> None:
    for kind, file in (
        ("experiment", "experiments/spacing.yaml"),
        ("layers", "layers.yaml"),
        ("flag", "flags/layout.yaml"),
    ):
        schema = json_schema(kind)
        assert "'ranges': {" not in str(schema)
        source, _ = read_source(file, FILES[file])
        assert source is not None
        assert Draft202012Validator(schema).is_valid(source.document)  # pyright: ignore[reportUnknownMemberType]


def test_a_bundle_keeps_who_is_in_a_layer() -> None:
    from nearwise_server.authoring import provisional_bundle

    other = EXPERIMENT.replace("share: 20\nramp", "share: 30\nramp").replace("spacing", "other")
    both = {
        **FILES,
        "experiments/a-first.yaml": other,
        "flags/layout.yaml": FLAG + "  - { experiment: a-first, factor: layout }\n",
    }
    after = build_rule_set(both, provisional_bundle(built().entries, NOW), now=NOW)
    assert told(after) == []
    (layer,) = [loads(entry.body) for entry in after.entries if entry.kind == "layer"]
    assert layer["ranges"] == [["a-first", 2000, 5000], ["spacing", 0, 2000]]
