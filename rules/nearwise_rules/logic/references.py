"""The operators that refer to other entries of the bundle: `segment` (a named condition) and `flag` (a prerequisite).

Both are looked up by the evaluation's Run. Circles are found when a bundle is built; nesting and cost are bounded here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

from nearwise_rules.errors import BudgetExceeded, EvaluationError

from .operators import Kind, Operator
from .run import INVALID_ARGUMENTS, UNKNOWN_SEGMENT, Run, Scope
from .tree import Operation
from .values import truthy


def segment(run: Run, scope: Scope, evaluate: Callable[[object, Scope], object], operation: Operation) -> bool:
    """Answer whether the named segment's condition holds for the context; an unknown one does not, and is noted.

    Raises:
        EvaluationError: the condition misused a value.
        BudgetExceeded: segments stand too deep inside each other, or cost too much.
    """
    key = str(evaluate(operation.arguments[0], scope))
    expression = run.lookup_segment(key)
    if expression is None:
        run.note(UNKNOWN_SEGMENT, operation.pointer, f"there is no segment {key!r}")
        return False
    if run.nesting_left <= 0:
        raise BudgetExceeded(f"segment {key!r} stands too deep inside other segments")
    run.spend(expression.nodes)
    run.nesting_left -= 1
    try:
        return truthy(evaluate(expression.root, outermost(scope)))
    finally:
        run.nesting_left += 1


def outermost(scope: Scope) -> Scope:
    """Give the scope of the context itself."""
    while scope.outer is not None:
        scope = scope.outer
    return scope


def flag(run: Run, key: object, wanted: object = None) -> object:
    """Give the variant of another flag, or answer whether it is the wanted one or one of a list; null when unknown.

    Raises:
        EvaluationError: the key is not text, or the wanted variants neither text nor a list.
    """
    if not isinstance(key, str):
        raise EvaluationError(INVALID_ARGUMENTS, "flag needs the key of a flag")
    variant = run.lookup_flag(key)
    if wanted is None:
        return variant
    if isinstance(wanted, str):
        return variant == wanted
    if not isinstance(wanted, (list, tuple)):
        raise EvaluationError(INVALID_ARGUMENTS, "flag compares with a variant or a list of them")
    return variant is not None and variant in cast("Sequence[object]", wanted)


OPERATORS = (
    Operator(name="segment", safe=segment, kind=Kind.LAZY, least=1, most=1, refers="segment"),
    Operator(name="flag", safe=flag, least=1, most=2, refers="flag"),
)
