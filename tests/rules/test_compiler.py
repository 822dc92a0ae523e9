"""Compiled rules: the same answers, errors and diagnostics as the reference, in both dialects, whatever the data."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from nearwise_rules.errors import DocumentError, EvaluationError
from nearwise_rules.logic import Dialect, Expression, Run, interpret, parse
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
