"""Operators on lists: any_of, all_of, none_of. Elements compare without coercion: 1 is never true, 1 is 1.0."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from nearwise_rules.errors import EvaluationError

from .operators import Operator
from .run import INVALID_ARGUMENTS, Run
from .values import ABSENT, PLAIN, is_list


def any_of(run: Run, items: object, wanted: object) -> bool:
    """Answer whether a list holds at least one of the wanted values; null never does.

    Raises:
        EvaluationError: an operand is not a list, or an element of it neither text, number, boolean nor null.
    """
    pair = _sets(run, items, wanted, "any_of")
    return pair is not None and not pair[0].isdisjoint(pair[1])


def all_of(run: Run, items: object, wanted: object) -> bool:
    """Answer whether a list holds every wanted value; null never does.

    Raises:
        EvaluationError: as `any_of`.
    """
    pair = _sets(run, items, wanted, "all_of")
    return pair is not None and pair[1] <= pair[0]


def none_of(run: Run, items: object, wanted: object) -> bool:
    """Answer whether a list holds no wanted value; null, being unknown, does not answer yes.

    Raises:
        EvaluationError: as `any_of`.
    """
    pair = _sets(run, items, wanted, "none_of")
    return pair is not None and pair[0].isdisjoint(pair[1])


def _sets(run: Run, items: object, wanted: object, operator: str) -> tuple[frozenset[object], frozenset[object]] | None:
    if items is None or wanted is None:
        return None
    lists = [cast("Sequence[object]", given) for given in (items, wanted) if is_list(given)]
    run.spend(sum(map(len, lists)) >> 2)
    return element_set(items, operator, run.zone), element_set(wanted, operator, run.zone)


def element_set(items: object, operator: str, zone: str = "UTC") -> frozenset[object]:
    """Make a list into a set of elements that compare without coercion. `zone` is for datetimes without one.

    Raises:
        EvaluationError: not a list, or an element that is neither text, number, boolean, instant nor null.
    """
    if not isinstance(items, (list, tuple)):
        raise EvaluationError(INVALID_ARGUMENTS, f"{operator} needs lists, got {type(items).__name__}")
    return frozenset([_element(item, operator, zone) for item in cast("Sequence[object]", items)])


def _element(item: object, operator: str, zone: str) -> object:
    if type(item) is str:
        return item
    if type(item) is bool:
        return bool, item
    if type(item) not in PLAIN:
        from .foreign import read_foreign

        item = read_foreign(item, zone)
    if item is ABSENT or isinstance(item, (list, tuple, Mapping)):
        raise EvaluationError(INVALID_ARGUMENTS, f"{operator} compares single values, not lists or objects")
    return (bool, item) if isinstance(item, bool) else item


OPERATORS = (
    Operator(name="any_of", safe=any_of, least=2, most=2),
    Operator(name="all_of", safe=all_of, least=2, most=2),
    Operator(name="none_of", safe=none_of, least=2, most=2),
)
