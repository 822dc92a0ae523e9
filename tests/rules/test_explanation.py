from collections.abc import Mapping

import pytest

from nearwise_rules import parse, trace
from nearwise_rules.logic import Finding, explain_condition

JsonObject = dict[str, object]


def var(name: str) -> JsonObject:
    return {"var": name}


def findings(rule: object, data: JsonObject, types: Mapping[str, str] | None = None) -> tuple[Finding, ...]:
    return explain_condition(trace(parse(rule, types=types), data))


def messages(rule: object, data: JsonObject) -> list[str]:
    return [finding.message for finding in findings(rule, data)]


@pytest.mark.parametrize(
    ("rule", "data", "message"),
    [
        ({">=": [var("basket.total"), 20]}, {"basket": {"total": 12.4}}, "`basket.total` is 12.4, needs >= 20"),
        ({">=": [var("total"), 20]}, {"total": 23}, "`total` is 23, as needed: >= 20"),
        ({">=": [var("total"), 20]}, {}, "`total` is missing, needs >= 20"),
        ({"<": [20, var("age")]}, {"age": 20}, "`age` is 20, needs > 20"),
        ({"<=": [1, var("visits"), 10]}, {"visits": 12}, "`visits` is 12, needs 1 <= `visits` <= 10"),
        ({"==": [var("country"), "PL"]}, {"country": "DE"}, '`country` is "DE", needs to be "PL"'),
        ({"!=": [var("tier"), "gold"]}, {"tier": "gold"}, '`tier` is "gold", needs to be other than "gold"'),
        ({"!": {"==": [var("tier"), "gold"]}}, {"tier": "gold"}, '`tier` is "gold", needs to be other than "gold"'),
        ({"!": {"<": [var("age"), 18]}}, {"age": 17}, "`age` is 17, needs >= 18"),
        ({"in": [var("c"), ["PL", "CZ"]]}, {"c": "DE"}, '`c` is "DE", needs to be one of "PL", "CZ"'),
        ({"!": {"in": [var("c"), ["PL"]]}}, {"c": "PL"}, '`c` is "PL", needs not to be one of "PL"'),
        ({"in": ["COFFEE", var("l")]}, {"l": ["TEA"]}, '`l` is ["TEA"], needs to contain "COFFEE"'),
        (var("beta"), {"beta": False}, "`beta` is false, needs true"),
        ({"!": var("beta")}, {"beta": True}, "`beta` is true, needs false"),
        (var("name"), {}, "`name` is missing, needs a value"),
        ({"!": {"missing": ["a", "b"]}}, {"a": 1}, "`b` is missing, needs to be present"),
        ({">": [{"+": [var("a"), var("b")]}, 5]}, {"a": 1, "b": 2}, "`a` + `b` is 3, needs > 5"),
        ({">": [var("a"), var("b")]}, {"a": 1, "b": 2}, "`a` is 1, needs > `b`, which is 2"),
        (
            {"some": [var("items"), {">": [var("qty"), 2]}]},
            {"items": [{"qty": 1}, {"qty": 2}]},
            "0 of 2 members of `items` satisfy `qty` > 2, needs at least one",
        ),
        (
            {"some": [var("items"), {">": [var("qty"), 2]}]},
            {},
            "`items` is missing, needs at least one of its members to satisfy `qty` > 2",
        ),
        ({"starts_with": [var("sku"), "x"]}, {"sku": "abc"}, '`sku` is "abc", needs starts_with(`sku`, "x")'),
        ({"if": [{">": [var("a"), 5]}, True, False]}, {"a": 1}, "`a` is 1, needs > 5"),
        ({"<": [var("a"), 1]}, {"a": "x"}, '`a` is "x"; `a` < 1 failed: cannot compare string with number'),
        ({"audience": "vip"}, {}, "subject is not in audience vip, needs to be in it"),
        ({"!": {"audience": ["vip"]}}, {}, "subject is not in audience vip, as needed: to be outside it"),
        ({"audience": ["vip", var("h")]}, {"h": "h-1"}, '`h` is "h-1", needs to be in audience vip'),
        ({"audience": ["vip", var("h")]}, {}, "`h` is missing, needs to be in audience vip"),
        (False, {}, "the rule itself says false"),
    ],
)
def test_a_finding_says_what_is_and_what_is_needed(rule: object, data: JsonObject, message: str) -> None:
    assert messages(rule, data) == [message]


def test_of_an_and_the_part_that_failed_is_found() -> None:
    rule = {"and": [{">": [var("a"), 1]}, {"==": [var("b"), "x"]}, {"<": [var("c"), 3]}]}
    assert findings(rule, {"a": 2, "b": "y"}) == (Finding("/and/1", "b", False, '`b` is "y", needs to be "x"'),)


def test_of_an_or_every_part_that_failed_is_found() -> None:
    rule = {"or": [{">": [var("a"), 1]}, {"and": [var("b"), var("c")]}]}
    assert [finding.attribute for finding in findings(rule, {"a": 1, "b": True})] == ["a", "c"]


def test_a_condition_that_holds_lists_what_made_it_hold() -> None:
    rule = {"and": [{">": [var("a"), 1]}, {"or": [var("b"), var("c")]}]}
    assert [(found.attribute, found.good) for found in findings(rule, {"a": 2, "c": 5})] == [("a", True), ("c", True)]


def test_not_around_or_turns_every_part_round() -> None:
    assert messages({"!": {"or": [{"==": [var("a"), 1]}, {"==": [var("b"), 1]}]}}, {"a": 1, "b": 1}) == [
        "`a` is 1, needs to be other than 1"
    ]


def test_long_values_are_shortened_and_findings_are_bounded() -> None:
    rule = {"or": [{"==": [var(f"a{index}"), "x" * 500]} for index in range(100)]}
    found = findings(rule, {"a0": "y" * 5_000})
    assert len(found) == 20
    assert all(len(finding.message) < 200 for finding in found)
