import json
from typing import cast

import pytest

from nearwise_rules import Dialect, DocumentError, Expression, Limits, parse, parse_text
from nearwise_rules.logic.tree import Literal, Operation, Variable, walk

from .rule_cases import RuleCase, rule_cases


def parsed(case: RuleCase) -> Expression:
    if "rule" in case.fields:
        return parse(case.rule, dialect=case.dialect)
    if "repeat" in case.fields:
        part, times = cast("tuple[str, int]", case.fields["repeat"])
        return parse_text(part * times, dialect=case.dialect)
    return parse_text(cast("str", case.fields["text"]), dialect=case.dialect)


@pytest.mark.parametrize("case", rule_cases("problems"), ids=lambda case: case.name)
def test_every_problem_is_found_with_its_place(case: RuleCase) -> None:
    if not case.fields["problems"]:
        parsed(case)
        return
    with pytest.raises(DocumentError) as caught:
        parsed(case)
    assert [[problem.code, problem.pointer] for problem in caught.value.problems] == case.fields["problems"]
    assert str(case.fields.get("says", "")) in str(caught.value)


@pytest.mark.parametrize("case", rule_cases("reads"), ids=lambda case: case.name)
def test_reads_are_the_attributes_that_a_rule_can_read(case: RuleCase) -> None:
    assert list(parse(case.rule, dialect=case.dialect).reads) == case.fields["reads"]


def test_a_rule_has_at_most_ten_thousand_nodes() -> None:
    parse([0] * 9_999)
    with pytest.raises(DocumentError) as caught:
        parse([0] * 10_000)
    assert [problem.code for problem in caught.value.problems] == ["too_many_nodes"]


def test_a_rule_that_shares_parts_of_itself_without_end_is_refused() -> None:
    bomb: object = True
    for _ in range(60):
        bomb = {"and": [bomb, bomb]}
    circle: list[object] = []
    circle.append(circle)
    for hostile in (bomb, circle):
        with pytest.raises(DocumentError):
            parse(hostile)


def test_a_rule_with_endless_problems_stops_at_a_hundred() -> None:
    with pytest.raises(DocumentError) as caught:
        parse({"and": [{"nope": 1}] * 5_000})
    assert len(caught.value.problems) == 100


@pytest.mark.parametrize("value", [object(), b"bytes", {1, 2}, 1j, {1: 2}, {"preserve": {1: 2}}])
def test_what_is_not_json_is_refused(value: object) -> None:
    with pytest.raises(DocumentError) as caught:
        parse(value)
    assert caught.value.problems[0].code == "not_json"


def test_bytes_have_to_be_utf_8() -> None:
    assert parse_text('{"cat":["Łódź"]}'.encode()).reads == ()
    with pytest.raises(DocumentError):
        parse_text(b'{"cat":["\xff"]}')


def test_limits_are_settable() -> None:
    with pytest.raises(DocumentError):
        parse({"!": {"!": {"!": True}}}, limits=Limits(depth=2))
    with pytest.raises(DocumentError):
        parse_text('{"!": [true]}', limits=Limits(text_bytes=5))


def test_text_and_value_give_the_same_tree() -> None:
    rule = {"and": [{"<": [1, {"var": "a.b"}, 3]}, {"some": [{"var": "l"}, {"==": [{"var": ""}, "x"]}]}]}
    assert parse_text(json.dumps(rule)) == parse(rule)


def test_a_later_change_of_the_source_does_not_reach_the_tree() -> None:
    names = ["a"]
    expression = parse({"in": [{"var": "x"}, names]})
    names.append("b")
    assert isinstance(expression.root, Operation)
    assert expression.root.arguments[1] == Literal("/in/1", ["a"])


def test_references_to_segments_and_flags_are_listed() -> None:
    expression = parse({"and": [{"segment": "vip"}, {"or": [{"segment": "new"}, {"flag": ["checkout", "on"]}]}]})
    assert (expression.segments, expression.flags) == (("new", "vip"), ("checkout",))


def test_loops_are_known_from_the_tree() -> None:
    assert parse({"map": [[1], 2]}).loops
    assert not parse({"try": [1, 2]}).loops


def test_every_read_knows_its_declared_type() -> None:
    types = {"age": "integer", "user": "object"}
    expression = parse({"and": [{"var": "age"}, {"var": "user.age"}, {"missing": ["age"]}]}, types=types)
    reads = [(node.name, node.declared) for node in walk(expression.root) if isinstance(node, Variable)]
    assert reads == [("age", "integer"), ("user.age", None), ("age", "integer")]


def test_unknown_operators_are_refused_in_both_dialects() -> None:
    for dialect in Dialect:
        with pytest.raises(DocumentError, match=r"unknown operator 'method'"):
            parse({"method": [{"var": ""}, "__class__"]}, dialect=dialect)


def test_a_long_key_is_shortened_in_the_pointers_of_all_that_is_below_it() -> None:
    for rule in ({"x" * 500_000: [1] * 100}, {"preserve": {"x" * 500_000: [float("nan")] * 50}}):
        with pytest.raises(DocumentError) as caught:
            parse(rule)
        assert {len(problem.pointer) < 100 for problem in caught.value.problems} == {True}
