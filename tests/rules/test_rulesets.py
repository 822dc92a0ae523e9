"""Assembling documents into entries: what refers to what, what goes in circles, what a build fills in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearwise_rules.bundle import (
    Entry,
)
from nearwise_rules.rulesets import Assembled, assemble
from tests.rules.sealed import bundle_of

ON_OFF: dict[str, Any] = {"type": "boolean", "variants": {"on": True, "off": False}, "default": "off"}
ATTRIBUTES: dict[str, Any] = {
    "basket.total": {"type": "number"},
    "tier": {"type": "string"},
    "device": {"type": "object"},
}
BIG: dict[str, Any] = {">=": [{"var": "basket.total"}, 20]}


def flag(*rules: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {**ON_OFF, "rules": list(rules), **fields}


def rule_set(**files: Any) -> dict[str, Any]:
    """Files by their path with `/` written as `__`, around one settings file and a few attributes."""
    named = {f"{path.replace('__', '/')}.yaml": document for path, document in files.items()}
    return {"nearwise.yaml": {"name": "shop"}, "attributes.yaml": ATTRIBUTES, **named}


def problems(**files: Any) -> list[tuple[str, str, str]]:
    return [(problem.code, problem.file, problem.pointer) for problem in assemble(rule_set(**files)).problems]


def messages(**files: Any) -> list[str]:
    return [problem.message for problem in assemble(rule_set(**files)).problems]


def entry(assembled: Assembled, kind: str, key: str) -> dict[str, Any]:
    (found,) = [candidate for candidate in assembled.entries if (candidate.kind, candidate.key) == (kind, key)]
    document: dict[str, Any] = json.loads(found.body)
    return document


def test_every_document_becomes_one_entry_sorted_by_kind_and_key() -> None:
    assembled = assemble(
        rule_set(
            segments={"big": {"when": BIG}},
            flags__checkout=flag({"when": {"segment": "big"}, "serve": "on"}),
            cases__till=[{"name": "big basket", "flag": "checkout", "expect": {"variant": "on"}}],
        )
    )
    assert assembled.problems == ()
    assert [(item.kind, item.key) for item in assembled.entries] == [
        ("attribute", "basket.total"),
        ("attribute", "device"),
        ("attribute", "tier"),
        ("case", "till#big basket"),
        ("flag", "checkout"),
        ("segment", "big"),
        ("settings", "rule-set"),
    ]
    assert entry(assembled, "attribute", "tier") == {"type": "string"}


def test_json_and_yaml_names_are_the_same_file_twice() -> None:
    found = assemble({**rule_set(flags__a=flag()), "flags/a.json": flag()}).problems
    assert [problem.code for problem in found] == ["duplicate_key"]


@pytest.mark.parametrize("path", ["coupons__coffee", "flag__a", "flags__deep__a", "slots__x", "attribute"])
def test_files_of_no_known_kind_are_problems(path: str) -> None:
    assert [code for code, _, _ in problems(**{path: {}})] == ["unknown_file"]


def test_hidden_files_and_other_endings_are_left_alone() -> None:
    assert assemble({**rule_set(), ".github/ci.yaml": [], "README.md": "", "flags/.a.yaml": 1}).problems == ()


def test_undeclared_attributes_are_named_with_the_nearest_declared_one() -> None:
    rule = {"when": {"and": [{">": [{"var": "basket.totl"}, 1]}, {"==": [{"var": "now.huor"}, 2]}]}, "serve": "on"}
    assert messages(flags__a=flag(rule)) == [
        "unknown attribute 'basket.totl' (did you mean 'basket.total'?)",
        "unknown attribute 'now.huor' (did you mean 'now.hour'?)",
    ]
    assert problems(flags__a=flag(rule))[0] == ("unknown_attribute", "flags/a.yaml", "/rules/0/when/and/0/>/0/var")


def test_what_is_provided_or_inside_an_object_needs_no_declaration() -> None:
    reads = ["subject", "now.hour", "$flagd.flagKey", "device.model", "basket", "tier"]
    rules = [{"when": {"!!": [{"var": name}]}, "serve": "on"} for name in reads]
    assert problems(flags__a=flag(*rules)) == []


def test_a_condition_that_may_read_anything_is_a_problem() -> None:
    rule = {"when": {"!!": [{"var": {"cat": ["ti", "er"]}}]}, "serve": "on"}
    assert [code for code, _, _ in problems(flags__a=flag(rule))] == ["reads_everything"]


def test_names_that_do_not_exist_are_found_wherever_they_are_used() -> None:
    assert problems(
        segments={"vip": {"when": {"segment": "regulars"}}},
        flags__a=flag(
            {"when": {"segment": "vipp"}, "serve": "om"},
            {"when": BIG, "split": {"on": 50, "of": 50}, "by": "tire"},
            default="none",
            neutral="nil",
            requires=[{"flag": "b", "variant": ["on"]}, {"flag": "c", "variant": ["on", "maybe"]}],
        ),
        flags__c=flag(),
        cases__x=[
            {"name": "n", "flag": "d", "expect": {"variant": "on"}},
            {"name": "m", "flag": "a", "expect": {"variant": "x"}},
        ],
    ) == [
        ("unknown_variant", "flags/a.yaml", "/default"),
        ("unknown_variant", "flags/a.yaml", "/neutral"),
        ("unknown_variant", "flags/a.yaml", "/requires/1/variant/1"),
        ("unknown_variant", "flags/a.yaml", "/rules/0/serve"),
        ("unknown_attribute", "flags/a.yaml", "/rules/1/by"),
        ("unknown_variant", "flags/a.yaml", "/rules/1/split/of"),
        ("unknown_segment", "segments.yaml", "/vip/when/segment"),
        ("unknown_flag", "flags/a.yaml", "/requires/0/flag"),
        ("unknown_segment", "flags/a.yaml", "/rules/0/when/segment"),
        ("unknown_flag", "cases/x.yaml", "/0/flag"),
        ("unknown_variant", "cases/x.yaml", "/1/expect/variant"),
    ]


def test_circles_between_segments_and_flags_are_found_once_each() -> None:
    assert messages(segments={"a": {"when": {"segment": "b"}}, "b": {"when": {"!": [{"segment": "a"}]}}}) == [
        "goes round in a circle: a -> b -> a"
    ]
    assert messages(
        segments={"s": {"when": {"==": [{"flag": "x"}, "on"]}}},
        flags__x=flag(requires=[{"flag": "y", "variant": ["on"]}]),
        flags__y=flag({"when": {"segment": "s"}, "serve": "on"}),
    ) == ["goes round in a circle: x -> y -> s -> x"]
    assert messages(flags__me=flag(requires=[{"flag": "me", "variant": ["on"]}])) == [
        "goes round in a circle: me -> me"
    ]


def test_a_shared_segment_is_no_circle() -> None:
    diamond = {"top": {"when": {"and": [{"segment": "l"}, {"segment": "r"}]}}, "l": {"when": {"segment": "base"}}}
    assert problems(segments={**diamond, "r": {"when": {"segment": "base"}}, "base": {"when": BIG}}) == []


def test_segments_nested_deeper_than_a_device_evaluates_are_a_problem() -> None:
    chain = {f"s{n}": {"when": {"segment": f"s{n + 1}"} if n < 5 else BIG} for n in range(1, 6)}
    assert [
        code for code, _, _ in problems(segments=chain, flags__a=flag({"when": {"segment": "s1"}, "serve": "on"}))
    ] == ["nesting"]
    assert problems(segments=chain, flags__a=flag({"when": {"segment": "s2"}, "serve": "on"})) == []


def test_a_long_chain_costs_no_stack() -> None:
    chain = {f"s{n}": {"when": {"segment": f"s{n + 1}"}} for n in range(3000)}
    assert [code for code, _, _ in problems(segments={**chain, "s3000": {"when": {"segment": "s0"}}})] == ["circle"]


def test_rules_that_can_never_be_reached_are_problems() -> None:
    assert messages(
        flags__a=flag(
            {"name": "big", "when": BIG, "serve": "on"},
            {"name": "again", "when": BIG, "serve": "off"},
            {"name": "half", "when": True, "split": {"on": 50}},
            {"name": "rest", "split": {"on": 50, "off": 50}},
            {"name": "late", "when": {"==": [{"var": "tier"}, "x"]}, "serve": "on"},
        )
    ) == [
        "'again' is never reached: 'big' has the same condition",
        "'late' is never reached: 'rest' before it always holds",
    ]


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ({"when": BIG}, "serve_or_split"),
        ({"serve": "on", "split": {"on": 1}}, "serve_or_split"),
        ({"split": {"on": 60, "off": 40.01}}, "split_sum"),
        ({"split": {"on": 33.333}}, "percent"),
        ({"split": {"on": "50"}}, "shape"),
        ({"serve": "on", "ranges": [["on", 0, 10000]]}, "derived_field"),
        ({"serve": "on", "wenn": BIG}, "unknown_field"),
        ({"when": {"gt": [1, 2]}, "serve": "on"}, "unknown_operator"),
    ],
)
def test_a_wrong_rule_is_reported(rule: dict[str, Any], code: str) -> None:
    assert [found for found, _, _ in problems(flags__a=flag(rule))] == [code]


def test_values_must_have_the_type_of_their_flag() -> None:
    good = {"boolean": True, "string": "", "integer": 1, "float": 1, "object": {"a": 1}}
    for kind, value in good.items():
        document = {"type": kind, "variants": {"v": value}, "default": "v"}
        assert problems(flags__a=document) == [], kind
        for other, wrong in good.items():
            if other != kind and {kind, other} != {"integer", "float"}:
                document = {"type": kind, "variants": {"v": wrong}, "default": "v"}
                assert problems(flags__a=document) == [("variant_type", "flags/a.yaml", "/variants/v")]


def test_declarations_must_not_contradict_each_other() -> None:
    found = assemble(
        {
            "nearwise.yaml": {"name": "x"},
            "attributes.yaml": {
                "a": {"type": "number", "range": [5, 1]},
                "a.b": {"type": "string"},
                "now.hour": {"type": "string"},
                "l": {"type": "string", "of": "string", "range": [0, 1]},
                "v": {"type": "string", "values": ["x", 1], "privacy": "secret"},
                "t": {"type": "txt"},
                "with space": {"type": "string"},
            },
        }
    ).problems
    assert [(problem.code, problem.pointer) for problem in found] == [
        ("bad_name", "/with space"),
        ("range", "/a/range"),
        ("inside_a_value", "/a.b"),
        ("provided", "/now.hour"),
        ("only_lists", "/l/of"),
        ("range_type", "/l/range"),
        ("unknown_choice", "/v/privacy"),
        ("value_type", "/v/values/1"),
        ("unknown_choice", "/t/type"),
    ]


def test_splits_get_ranges_in_the_order_they_are_written() -> None:
    assembled = assemble(rule_set(flags__a=flag({"split": {"on": 33.33, "off": 66.67}})))
    assert entry(assembled, "flag", "a")["rules"][0]["ranges"] == [["on", 0, 3333], ["off", 3333, 10000]]


def test_a_rebuild_keeps_subjects_where_they_are() -> None:
    before = bundle_of(assemble(rule_set(flags__a=flag({"name": "r", "split": {"on": 10, "off": 10}}))).entries)
    grown = assemble(rule_set(flags__a=flag({"name": "r", "split": {"on": 30, "off": 10}})), before)
    assert entry(grown, "flag", "a")["rules"][0]["ranges"] == [["on", 0, 1000], ["off", 1000, 2000], ["on", 2000, 4000]]


@pytest.mark.parametrize(
    "changed",
    [
        rule_set(flags__a=flag({"name": "r", "split": {"off": 10, "on": 10}}, salt="new")),
        rule_set(flags__a=flag({"name": "r", "split": {"off": 10, "on": 10}, "by": "tier"})),
        rule_set(flags__a=flag({"name": "other", "split": {"off": 10, "on": 10}})),
        {
            **rule_set(flags__a=flag({"name": "r", "split": {"off": 10, "on": 10}})),
            "nearwise.yaml": {"name": "x", "bucketing": "murmur3-cbor"},
        },
    ],
)
def test_another_hash_or_another_rule_starts_afresh(changed: dict[str, Any]) -> None:
    before = bundle_of(assemble(rule_set(flags__a=flag({"name": "r", "split": {"on": 10, "off": 10}}))).entries)
    assert entry(assemble(changed, before), "flag", "a")["rules"][0]["ranges"] == [["off", 0, 1000], ["on", 1000, 2000]]


def test_rules_without_names_are_recognised_by_their_condition_then_by_their_position() -> None:
    small = {"when": {"<": [{"var": "basket.total"}, 5]}, "split": {"off": 10, "on": 10}}
    big = {"when": BIG, "split": {"on": 10, "off": 10}}
    before = bundle_of(assemble(rule_set(flags__a=flag(small, big))).entries)
    turned = {**big, "split": {"off": 10, "on": 10}}
    moved = assemble(rule_set(flags__a=flag(turned)), before)
    assert entry(moved, "flag", "a")["rules"][0]["ranges"] == [["on", 0, 1000], ["off", 1000, 2000]]
    edited = {"when": {"<": [{"var": "basket.total"}, 6]}, "split": {"on": 10, "off": 10}}
    kept = assemble(rule_set(flags__a=flag(edited)), before)
    assert entry(kept, "flag", "a")["rules"][0]["ranges"] == [["off", 0, 1000], ["on", 1000, 2000]]


def test_the_same_sources_give_the_same_entries_in_any_order() -> None:
    files = rule_set(
        segments={"big": {"when": BIG}}, flags__a=flag(), flags__b=flag({"when": {"segment": "big"}, "serve": "on"})
    )
    assert assemble(files).entries == assemble(dict(reversed(files.items()))).entries


def test_what_is_good_is_built_beside_what_is_not() -> None:
    assembled = assemble(rule_set(flags__good=flag(), flags__bad=flag(default="x")))
    assert [item.key for item in assembled.entries if item.kind == "flag"] == ["good"]


def test_a_rule_set_of_nothing_but_mistakes_is_stopped() -> None:
    found = assemble({"attributes.yaml": {f"{'x' * 5000}{n}": {"typ": "string"} for n in range(2000)}}).problems
    assert (len(found), found[-1].code) == (1001, "too_many_problems")
    assert max(len(problem.message) for problem in found) <= 400


PARTS = st.sampled_from(
    [
        "nearwise.yaml",
        "attributes.yaml",
        "segments.yaml",
        "flags/a.yaml",
        "flags/b.json",
        "cases/c.yaml",
        "cases/d.json",
    ]
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 200)
    | st.text(max_size=3)
    | st.sampled_from(["a", "on", "string", "list"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "variants",
                    "default",
                    "rules",
                    "when",
                    "serve",
                    "split",
                    "by",
                    "requires",
                    "flag",
                    "variant",
                    "name",
                    "expect",
                    "context",
                    "holdout",
                    "percent",
                    "var",
                    "segment",
                    "on",
                    "a",
                    "values",
                    "range",
                    "of",
                    "dialect",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(PARTS, JSON))
def test_no_document_makes_assemble_raise(files: dict[str, Any]) -> None:
    assembled = assemble(files)
    assert assemble(files) == assembled
    assert all(isinstance(item, Entry) for item in assembled.entries)
