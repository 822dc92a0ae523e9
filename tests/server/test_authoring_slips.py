"""Values of the wrong shape anywhere in a rule set: never a crash, and nothing disappears without a word."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearwise_rules import BundleRefused, Entry, Release
from nearwise_server.authoring import build_rule_set, provisional_bundle
from nearwise_server.authoring.texts import read_source

NOW = 1_795_000_000.0
EXAMPLES = Path(__file__).parents[2] / "examples"
TEXTS = {
    example: {str(file.relative_to(folder)): file.read_text() for file in sorted(folder.rglob("*.yaml"))}
    for example in ("coffee_kiosk", "web_shop", "tablet")
    for folder in [EXAMPLES / example / "rules"]
}
WRONG: list[Any] = [3, -1, 1.5, "x", "", True, None, [], [1], {}, {"a": 1}]
Place = tuple[str | int, ...]


def read(file: str, text: str) -> Any:
    source, problems = read_source(file, text)
    assert source is not None
    assert not problems
    return source.document


def places(document: object, at: Place = ()) -> Iterator[Place]:
    yield at
    inside: dict[str | int, object] = {}
    if isinstance(document, dict):
        inside = cast("dict[str | int, object]", document)
    elif isinstance(document, list):
        inside = dict(enumerate(cast("list[object]", document)))
    for name, member in inside.items():
        yield from places(member, (*at, name))


def with_value(document: Any, place: Place, value: Any) -> Any:
    if not place:
        return value
    changed = copy.deepcopy(document)
    inside = changed
    for name in place[:-1]:
        inside = inside[name]
    inside[place[-1]] = value
    return changed


SLIPS = [
    (example, file, place)
    for example, texts in TEXTS.items()
    for file, text in texts.items()
    for place in places(read(file, text))
]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(SLIPS), st.sampled_from(WRONG))
def test_what_is_not_built_has_a_problem(slip: tuple[str, str, Place], value: Any) -> None:
    example, file, place = slip
    texts = dict(TEXTS[example])
    document = with_value(read(file, texts.pop(file)), place, value)
    built = build_rule_set({**texts, file.replace(".yaml", ".json"): json.dumps(document)}, now=NOW)
    whole = {(entry.kind, entry.key) for entry in build_rule_set(TEXTS[example], now=NOW).entries}
    gone = {entry for entry in whole - {(entry.kind, entry.key) for entry in built.entries} if entry[0] != "case"}
    assert built.problems or not gone or not place


BUILT = {example: build_rule_set(texts, now=NOW).entries for example, texts in TEXTS.items()}
ODD = [
    (example, number, place)
    for example, entries in BUILT.items()
    for number, entry in enumerate(entries)
    if entry.kind != "case"
    for place in places(json.loads(entry.body))
]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(ODD), st.sampled_from([*WRONG, "é", 10**400, -0.5, [[]], {"var": ""}, {"model": "x"}]))
def test_a_device_refuses_a_bundle_with_an_odd_entry_or_decides_by_it(odd: tuple[str, int, Place], value: Any) -> None:
    example, number, place = odd
    entries = list(BUILT[example])
    entry = entries[number]
    body = json.dumps(with_value(json.loads(entry.body), place, value)).encode()
    entries[number] = Entry(entry.kind, entry.key, body)
    try:
        release = Release(provisional_bundle(entries, NOW))
    except BundleRefused:
        return
    assert list(release.prepare()) is not None
    keys = [*release.flag_keys, *release.placement_keys]
    context = {"basket": {"total": 30.0}, "customer": {"tier": "gold"}}
    for subject in ("h-1042", None):
        together = release.decide_many(keys, context, subject, NOW)
        assert [decision.flag for decision in together] == keys
        assert [release.decide(key, context, subject, NOW).flag for key in keys] == keys


@pytest.mark.parametrize(
    ("slip", "message"),
    [
        ('value: "3"', "a number, or a rule that gives one, is expected here"),
        ("value: true", "a number, or a rule that gives one, is expected here"),
        ("cost: [1]", "a number, or a rule that gives one, is expected here"),
        ("budget: { total: -1 }", "a whole number of at least 1 is expected here"),
        ("when: 3", "a schedule is a map"),
        ("tags: coffee", "a list is expected here"),
    ],
)
def test_a_wrong_part_of_an_offer_is_told_once(slip: str, message: str) -> None:
    texts = {"nearwise.yaml": "name: shop\n", "offers/coffee.yaml": f"content: {{ title: Coffee }}\n{slip}\n"}
    assert [problem.message for problem in build_rule_set(texts, now=NOW).problems] == [message]


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("experiments/a.json", "null", "the file is empty"),
        ("cases/a#b.json", "[]", "the name of a file of cases has no '#'"),
        ("flags/a.json", '{"type":"string","variants":{"a":"a"},"rules":[{"split":{"a":null}}]}', "'a' needs a share"),
        (
            "cases/a.json",
            '[{"name":"x","flag":"a","signals":3,"expect":{"reason":"STATIC"}}]',
            "a map is expected here",
        ),
    ],
)
def test_what_used_to_stop_the_check_is_told(file: str, text: str, message: str) -> None:
    texts = {"nearwise.yaml": "name: shop\n", "flags/a.yaml": "type: boolean\nvariants: { on: true }\ndefault: on\n"}
    found = build_rule_set({**texts, file: text}, now=NOW).problems
    assert any(problem.file == file and problem.message.startswith(message) for problem in found)


def test_an_event_of_ones_own_is_no_slip_of_the_pen() -> None:
    offer = "content: {{ title: Coffee }}\ncaps: [{{ limit: 1, window: day, count: {} }}]\n"
    texts = {"nearwise.yaml": "name: shop\n", "offers/coffee.yaml": offer.format("redemption")}
    assert build_rule_set(texts, now=NOW).problems == ()
    texts["offers/coffee.yaml"] = offer.format("exposures")
    (problem,) = build_rule_set(texts, now=NOW).problems
    assert problem.message == "no placement and no item reports 'exposures' (did you mean 'exposure'?)"


def test_a_suppression_that_would_match_in_too_many_ways_is_told() -> None:
    many = "[1, 2, 3, 4, 5, 6, 7, 8, 9]"
    offer = f"""content: {{ title: Coffee }}
properties: {{ size: {many}, taste: {many} }}
suppress: [{{ after: purchase, window: 7d, match: [size, taste] }}]
"""
    texts = {"nearwise.yaml": "name: shop\n", "offers/coffee.yaml": offer}
    (problem,) = build_rule_set(texts, now=NOW).problems
    assert problem.message == "these properties match in more than 64 combinations"
