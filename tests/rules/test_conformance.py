"""Suites that others wrote, run where they lie beside the checkout; each test says how many of its cases hold."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from nearwise_rules import Dialect, DocumentError, EvaluationError, interpret, parse

from .rule_cases import same

SUITES = Path(__file__).parents[3] / "shared" / "conformance" / "jsonlogic"

pytestmark = pytest.mark.skipif(not SUITES.is_dir(), reason=f"the conformance suites are not at {SUITES}")

Row = dict[str, object]


def suite(name: str) -> list[object]:
    read = cast("list[object]", json.loads((SUITES / name).read_text("utf-8")))
    return [case for case in read if not isinstance(case, str)]


def said(capsys: pytest.CaptureFixture[str], name: str, held: int, of: int) -> None:
    with capsys.disabled():
        print(f"\n  conformance: {name}: {held} of {of} hold", end="")


def number_written(value: object) -> object:
    """The value with {"__n": "NaN"} and the like turned into floats."""
    if isinstance(value, list):
        return [number_written(item) for item in cast("list[object]", value)]
    if isinstance(value, dict):
        members = cast("dict[str, object]", value)
        if members.keys() == {"__n"}:
            return float(str(members["__n"]))
        return {key: number_written(item) for key, item in members.items()}
    return value


@pytest.mark.parametrize(
    "name",
    [
        "official/tests.json",
        "official/tests-2021.json",
        "derived/js-differential-targeting.json",
        "derived/js-differential-adversarial.json",
    ],
)
def test_the_jsonlogic_dialect_answers_as_json_logic_js(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    cases = cast("list[list[object]]", suite(name))
    wrong: list[object] = []
    for rule, data, expected in cases:
        value = interpret(parse(rule, dialect=Dialect.JSONLOGIC), data)
        if not same(value, number_written(expected)):
            wrong.append((rule, data, expected, value))
    said(capsys, name, len(cases) - len(wrong), len(cases))
    assert not wrong


NOT_HELD = {
    "arithmetic/plus.json": 6,
    "arithmetic/multiply.json": 10,
    "arithmetic/minus.json": 3,
    "arithmetic/divide.json": 6,
    "arithmetic/modulo.json": 1,
    "comparison/softEquals.json": 1,
    "control/and.json": 1,
    "control/or.json": 1,
    "array/all.json": 1,
    "array/some.json": 1,
    "array/none.json": 1,
}
"""Cases of the community's suites that hold in neither dialect; docs/jsonlogic.md lists each with its reason."""


def answer(case: Row, dialect: Dialect) -> tuple[str, object]:
    try:
        return "result", interpret(parse(case["rule"], dialect=dialect), case.get("data"))
    except EvaluationError as error:
        return "error", error.type
    except DocumentError as error:
        codes = {problem.code for problem in error.problems}
        return "error", "Invalid Arguments" if codes == {"invalid_arguments"} else str(codes)


def holds(case: Row, dialect: Dialect) -> bool:
    kind, value = answer(case, dialect)
    if "error" in case:
        return kind == "error" and value == cast("Row", case["error"])["type"]
    return kind == "result" and same(value, case["result"])


def community() -> Iterator[tuple[str, Row]]:
    for name in json.loads((SUITES / "compat-tables/index.json").read_text("utf-8")):
        for case in suite(f"compat-tables/{name}"):
            yield name, cast("Row", case)


def test_the_communitys_cases_hold_in_one_of_the_two_dialects(capsys: pytest.CaptureFixture[str]) -> None:
    cases = list(community())
    missed: dict[str, int] = {}
    for name, case in cases:
        if not any(holds(case, dialect) for dialect in Dialect):
            missed[name] = missed.get(name, 0) + 1
    held = len(cases) - sum(missed.values())
    said(capsys, "compat-tables", held, len(cases))
    assert held >= 1_000
    assert missed == NOT_HELD
