"""Whatever is given as a rule, and whatever data: a value, an EvaluationError or a DocumentError, and nothing else."""

import json
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from nearwise_rules import Dialect, DocumentError, EvaluationError, Run, interpret, parse, parse_text, trace
from nearwise_rules.logic import explain_condition
from nearwise_rules.logic.table import TABLE

NAMES = st.sampled_from(["", "a", "a.b", "l", "l.0", "current", "accumulator", "length", "$flagd.flagKey", "1", "é😀"])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | NAMES
OPERATORS = st.sampled_from([*TABLE, "preserve", "nope"])


def grown(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    lists = st.lists(inner, max_size=4)
    return (
        lists
        | st.dictionaries(OPERATORS, lists | inner, min_size=1, max_size=1)
        | st.dictionaries(OPERATORS | NAMES, inner, max_size=2)
    )


RULES: st.SearchStrategy[object] = st.recursive(SCALARS, grown, max_leaves=20)
DATA: st.SearchStrategy[object] = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=8
)


@given(RULES, DATA, st.sampled_from(Dialect))
def test_any_rule_over_any_data_is_answered_or_refused(rule: object, data: object, dialect: Dialect) -> None:
    with suppress(DocumentError):
        expression = parse(rule, dialect=dialect)
        with suppress(EvaluationError):
            interpret(expression, data, Run(now=1_700_000_000.0))
        explain_condition(trace(expression, data, Run(now=1_700_000_000.0)))


@given(
    st.text(alphabet='[]{}":,0123456789eE+-.\\ud8truefalsn', max_size=80) | RULES.map(json.dumps), st.integers(0, 80)
)
def test_any_text_is_parsed_or_refused(text: str, cut: int) -> None:
    for given_text in (text, text[:cut], text.encode("utf-8", "surrogatepass")):
        with suppress(DocumentError):
            parse_text(given_text)
