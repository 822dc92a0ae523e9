from contextlib import suppress
from importlib import import_module

import pytest

from nearwise_rules import Dialect, DocumentError, EvaluationError, interpret, parse
from nearwise_rules.logic.table import FAMILIES, TABLE


def test_the_table_names_exactly_what_its_families_define() -> None:
    for family, names in FAMILIES.items():
        module = import_module(f"nearwise_rules.logic.{family}")
        assert tuple(row.name for row in module.OPERATORS) == names


def test_every_operator_answers_to_its_name() -> None:
    assert [TABLE[name].name for name in TABLE] == list(TABLE)
    assert len(set(TABLE)) == len(TABLE)


def test_no_operator_reaches_python() -> None:
    assert not {"method", "eval", "import", "getattr"} & set(TABLE)


GIVEN: list[object] = [[], None, 5, "x", {}, [None], [[]], [1, 2, 3, 4, 5], {"var": "a"}, [{"var": "a"}] * 3]


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("name", TABLE)
def test_whatever_an_operator_is_given_is_parsed_or_refused_and_never_fails_otherwise(
    name: str, dialect: Dialect
) -> None:
    for given in GIVEN:
        with suppress(DocumentError):
            expression = parse({name: given}, dialect=dialect)
            with suppress(EvaluationError):
                interpret(expression, {"a": [1, "x"]})
