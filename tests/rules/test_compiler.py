"""Compiled rules: the same answers, errors and diagnostics as the reference, in both dialects, whatever the data."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from types import CodeType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearwise_rules.errors import DocumentError, EvaluationError
from nearwise_rules.logic import Dialect, Expression, Run, compiler, interpret, parse
from nearwise_rules.logic.compiler import Surprise, compile_conditions, compile_expression
from nearwise_rules.logic.values import truthy
from tests.rules.rule_strategies import TYPES, contexts, rules

EXAMPLES = int(os.environ.get("NEARWISE_EXAMPLES", "150"))
"""How many rules are generated, each with several contexts; set the variable for a longer run."""

Outcome = tuple[str, str, list[str]]


def _expression(rule: object, dialect: Dialect, types: Mapping[str, str] | None = None) -> Expression | None:
    try:
        return parse(rule, dialect=dialect, types=types)
    except DocumentError:
        return None


SEGMENTS = {
    "regulars": parse({">=": [{"var": "age"}, 18]}, types=TYPES),
    "circle": parse({"segment": "circle"}),
    "throws": parse({"throw": "inside"}),
}


def _run() -> Run:
    return Run(
        now=1_763_800_000.0,
        zone="Europe/Warsaw",
        flag_key="flag",
        subject="subject-1",
        lookup_segment=SEGMENTS.get,
        lookup_flag={"other": "on"}.get,
        in_audience=lambda key, looked_up: None if key == "unknown" else (looked_up or "PL") in ("PL", "10"),
    )


def _outcome(call: Callable[[], object], run: Run | None) -> Outcome:
    try:
        kind, result = "value", repr(call())
    except EvaluationError as error:
        kind, result = "error", f"{type(error).__name__} {error.type} {error}"
    return kind, result, sorted(map(str, run.diagnostics)) if run is not None else []


def _conditions(expressions: list[Expression], data: object, run: Run) -> int:
    for index, expression in enumerate(expressions):
        try:
            if truthy(interpret(expression, data, run)):
                return index
        except EvaluationError as error:
            run.note(error.type, expression.root.pointer, str(error))
    return -1


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    rule=rules,
    data=st.lists(contexts, min_size=1, max_size=12),
    dialect=st.sampled_from(Dialect),
    types=st.sampled_from([None, TYPES]),
)
def test_a_compiled_rule_answers_as_the_reference(
    rule: object, data: list[dict[str, object]], dialect: Dialect, types: Mapping[str, str] | None
) -> None:
    expression = _expression(rule, dialect, types)
    if expression is None:
        return
    compiled = compile_expression(expression)
    for context in data:
        mine, reference = _run(), _run()
        found = _outcome(lambda: compiled(context, mine), mine)  # noqa: B023
        assert found == _outcome(lambda: interpret(expression, context, reference), reference)  # noqa: B023
        alone = _outcome(lambda: compiled(context, None), None)  # noqa: B023
        assert alone == _outcome(lambda: interpret(expression, context, Run()), None)  # noqa: B023


@settings(max_examples=EXAMPLES // 2, deadline=None)
@given(
    several=st.lists(rules, min_size=1, max_size=5),
    data=st.lists(contexts, min_size=1, max_size=12),
    dialect=st.sampled_from(Dialect),
    types=st.sampled_from([None, TYPES]),
)
def test_compiled_conditions_find_the_rule_that_the_reference_finds(
    several: list[object], data: list[dict[str, object]], dialect: Dialect, types: Mapping[str, str] | None
) -> None:
    parsed = [_expression(rule, dialect, types) for rule in several]
    expressions = [expression for expression in parsed if expression is not None]
    compiled = compile_conditions(expressions)
    for context in data:
        mine, reference = _run(), _run()
        found = _outcome(lambda: compiled(context, mine), mine)  # noqa: B023
        assert found == _outcome(lambda: _conditions(expressions, context, reference), reference)  # noqa: B023
        try:
            alone = compiled(context, None)
        except Surprise:
            continue
        bare = Run()
        assert alone == _conditions(expressions, context, bare)
        assert not bare.diagnostics


def _compiled_source(monkeypatch: pytest.MonkeyPatch, rule: object, types: Mapping[str, str] | None = None) -> str:
    written: list[str] = []
    code = compiler._code  # pyright: ignore[reportPrivateUsage]

    def written_code(source: str) -> CodeType:
        written.append(source)
        return code(source)

    monkeypatch.setattr(compiler, "_code", written_code)
    compiler._shape.cache_clear()  # pyright: ignore[reportPrivateUsage]
    compile_expression(parse(rule, types=types))({}, None)
    return "\n".join(written)


def test_no_text_of_a_rule_becomes_source(monkeypatch: pytest.MonkeyPatch) -> None:
    evil = "x'] + __import__('os').system('true') #"
    rule = {
        "and": [
            {"==": [{"var": f"{evil}.{evil}"}, evil]},
            {"in": [{"var": evil}, [evil, "b", "c", "d"]]},
            {"sem_ver": [{"var": "platform"}, ">=", "7.77.777"]},
            {"matches": [{"var": "text"}, "evil|import"]},
            {">": [{"var": "amount"}, 424242]},
            {"if": [{"segment": evil}, {"cat": [evil]}, {"missing": [evil]}]},
        ]
    }
    source = _compiled_source(monkeypatch, rule)
    assert source.count("def rule(") == 2  # the eager code and, as everything is missing, the patient one
    for text in ("import", "evil", "system", "424242", "777", "platform", "amount"):
        assert text not in source


def test_rules_of_the_same_shape_share_their_code(monkeypatch: pytest.MonkeyPatch) -> None:
    _compiled_source(monkeypatch, {"==": [{"var": "a"}, "x"]})
    first = compile_expression(parse({"==": [{"var": "a"}, "x"]}))
    second = compile_expression(parse({"==": [{"var": "country"}, "PL"]}))
    assert compiler._shape.cache_info().hits >= 2  # pyright: ignore[reportPrivateUsage]
    assert (first({"a": "x"}, None), second({"a": "x"}, None), second({"country": "PL"}, None)) == (True, False, True)


@pytest.mark.parametrize("present", [True, False])
def test_many_missing_attributes_change_the_code_and_not_the_answers(present: bool) -> None:
    rule = {"or": [{"==": [{"var": "member.plan"}, "gold"]}, {"<": [{"var": "basket.total"}, 80]}]}
    function = compile_conditions([parse(rule, types={"member.plan": "string", "basket.total": "number"})])
    contexts: list[dict[str, object]] = [
        {"member": {"plan": "gold"}, "basket": {"total": 90}},
        {"member": {}, "basket": {"total": 20.5}},
        {"basket": {"total": 20}},
        {"member": None},
        {"member": {"plan": "silver"}, "basket": {}},
        {},
    ]
    assert [function(context, None) for _ in range(300) for context in contexts] == [0, 0, 0, -1, -1, -1] * 300
    if present:
        for _ in range(600):
            assert function(contexts[0], None) == 0


def test_a_wrong_type_is_a_surprise_without_a_run_and_a_diagnostic_with_one() -> None:
    function = compile_conditions([parse({"==": [{"var": "plan"}, "gold"]}, types={"plan": "string"})])
    with pytest.raises(Surprise):
        function({"plan": 5}, None)
    run = Run()
    assert function({"plan": 5}, run) == -1
    assert [diagnostic.code for diagnostic in run.diagnostics] == ["TYPE_MISMATCH"]


def test_every_name_of_missing_is_read_and_noted() -> None:
    run = Run()
    expression = parse({"missing": ["country", "member"]}, dialect=Dialect.JSONLOGIC)
    assert compile_conditions([expression])({"member": b"bytes"}, run) == 0
    assert [diagnostic.place for diagnostic in run.diagnostics] == ["member"]


def test_a_condition_that_fails_does_not_hold_and_the_next_one_is_tried() -> None:
    expressions = [parse({"throw": "mine"}), parse({"<": [{"var": "a"}, "text"]}), parse(True)]
    run = Run()
    assert compile_conditions(expressions)({"a": 5}, run) == 2
    assert [diagnostic.code for diagnostic in run.diagnostics] == ["mine", "NaN"]


def test_no_conditions_hold_nothing() -> None:
    assert compile_conditions([])({}, None) == -1


def test_a_budget_stops_compiled_loops_and_is_not_spent_twice() -> None:
    doubling = {"reduce": [{"var": "items"}, {"cat": [{"var": "accumulator"}, {"var": "accumulator"}]}, "x"]}
    run, spent = Run(), Run()
    assert compile_expression(parse(doubling))({"items": [1] * 5}, run) == "x" * 32
    interpret(parse(doubling), {"items": [1] * 5}, spent)
    assert (run.bytes_left, run.operations_left) == (spent.bytes_left, spent.operations_left)
    with pytest.raises(EvaluationError, match="output"):
        compile_expression(parse(doubling))({"items": [1] * 30}, None)
    with pytest.raises(Surprise):
        compile_conditions([parse(doubling)])({"items": [1] * 30}, None)


def test_a_very_large_rule_is_left_to_the_reference() -> None:
    rule = {"or": [{"==": [{"var": f"a{number}"}, number]} for number in range(2_000)]}
    assert compile_expression(parse(rule))({"a1999": 1999}, None) is True


def test_long_lists_of_constants_are_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = {"in": [{"var": "store"}, [f"store-{number}" for number in range(5_000)]]}
    assert "in 'k" in _compiled_source(monkeypatch, rule)
    function = compile_expression(parse(rule))
    assert function({"store": "store-4999"}, None) is True
    assert function({"store": "store-5000"}, None) is False


def test_rules_that_declare_an_attribute_differently_are_not_one_function() -> None:
    rule = {"==": [{"var": "a"}, 1]}
    function = compile_conditions([parse(rule, types={"a": "string"}), parse(rule, types={"a": "integer"})])
    run = Run()
    assert function({"a": 1}, run) == 1
    assert [diagnostic.place for diagnostic in run.diagnostics] == ["a"]


def test_deep_rules_are_compiled_or_left_alone_but_never_refused() -> None:
    for name in ("!", "and", "or", "??", "+"):
        rule: dict[str, object] = {"var": "a"}
        for _ in range(60):
            rule = {name: [rule]}
        expression = parse(rule)
        assert compile_expression(expression)({"a": 1}, None) == interpret(expression, {"a": 1})


def test_threads_share_a_compiled_rule() -> None:
    function = compile_conditions([parse({"==": [{"var": "a.b"}, "x"]}), parse({"matches": [{"var": "c"}, "^x+$"]})])

    def answers(seed: int) -> set[int]:
        contexts: tuple[dict[str, object], ...] = ({"a": {"b": "x"}}, {"c": "x" * seed}, {"a": None})
        return {position - function(context, None) for _ in range(300) for position, context in enumerate(contexts)}

    with ThreadPoolExecutor(4) as pool:
        assert set().union(*pool.map(answers, range(1, 9))) == {0, 3}


@pytest.mark.parametrize("types", [None, {"z.x": "string"}, {"a": "string", "z.x": "integer"}])
@pytest.mark.parametrize("a", [{}, {"a": None}, {"a": 1}])
def test_missing_reads_every_name_whatever_the_first_ones_say(
    types: Mapping[str, str] | None, a: dict[str, object]
) -> None:
    expression = parse({"!": {"missing": ["a", "z.x", "now.hour"]}}, types=types)
    compiled = compile_expression(expression)
    for odd in (5, "x", {1}, None):
        mine, reference = _run(), _run()
        data = {**a, "z": {"x": odd}}
        assert (compiled(data, mine), mine.diagnostics) == (
            interpret(expression, data, reference),
            reference.diagnostics,
        )
