"""The operators if ?: and or ! !! ?? try throw log: the same in both dialects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, cast

from nearwise_rules.errors import BudgetExceeded, EvaluationError

from .javascript import text
from .operators import Kind, Operator
from .run import INVALID_ARGUMENTS, Run, Scope
from .values import UNDEFINED, truthy

if TYPE_CHECKING:
    from .tree import Operation

Evaluate = Callable[[object, Scope], object]


def choose(_run: Run, scope: Scope, evaluate: Evaluate, operation: Operation) -> object:
    """The branch after the first true condition, else the last branch without one, else null."""
    arguments = operation.arguments
    last = len(arguments) - 1
    for position in range(0, last, 2):
        if truthy(evaluate(arguments[position], scope)):
            return evaluate(arguments[position + 1], scope)
    return evaluate(arguments[last], scope) if last >= 0 and last % 2 == 0 else None


def every(_run: Run, scope: Scope, evaluate: Evaluate, operation: Operation) -> object:
    """The first false value, else the last one."""
    value: object = UNDEFINED
    for argument in operation.arguments:
        value = evaluate(argument, scope)
        if not truthy(value):
            break
    return value


def either(_run: Run, scope: Scope, evaluate: Evaluate, operation: Operation) -> object:
    """The first true value, else the last one."""
    value: object = UNDEFINED
    for argument in operation.arguments:
        value = evaluate(argument, scope)
        if truthy(value):
            break
    return value


def first_known(_run: Run, scope: Scope, evaluate: Evaluate, operation: Operation) -> object:
    """The first value that is not null, else null."""
    for argument in operation.arguments:
        value = evaluate(argument, scope)
        if value is not None and value is not UNDEFINED:
            return value
    return None


def attempt(_run: Run, scope: Scope, evaluate: Evaluate, operation: Operation) -> object:
    """The first argument that evaluates without error; each later one sees the error before it as its data."""
    caught: EvaluationError | None = None
    for argument in operation.arguments:
        inner = scope if caught is None else Scope(caught.payload, scope)
        try:
            return evaluate(argument, inner)
        except BudgetExceeded:
            raise
        except EvaluationError as error:
            caught = error
    raise caught or EvaluationError(INVALID_ARGUMENTS, "try needs an argument")


def throw(run: Run, error: object = None) -> object:
    """Raises: EvaluationError of the type given as text, or with the given object, whose `type` names it."""
    if isinstance(error, Mapping):
        payload = cast("Mapping[object, object]", error)
        raise EvaluationError(text(run, payload.get("type")), "thrown by the rule", payload)
    raise EvaluationError(text(run, error), "thrown by the rule")


def negate(_run: Run, value: object = UNDEFINED, *_more: object) -> bool:
    """Whether the value is false."""
    return not truthy(value)


def affirm(_run: Run, value: object = UNDEFINED, *_more: object) -> bool:
    """Whether the value is true."""
    return truthy(value)


def log(_run: Run, value: object = UNDEFINED, *_more: object) -> object:
    """The value as it is. Nothing is printed: rule data is the customer's; use a trace."""
    return value


OPERATORS: Final = (
    Operator(name="if", safe=choose, kind=Kind.LAZY, least=2, loose=True, listed=True),
    Operator(name="?:", safe=choose, kind=Kind.LAZY, least=2, loose=True, listed=True),
    Operator(name="and", safe=every, kind=Kind.LAZY, least=1, loose=True, listed=True),
    Operator(name="or", safe=either, kind=Kind.LAZY, least=1, loose=True, listed=True),
    Operator(name="!", safe=negate, least=1, most=1, loose=True),
    Operator(name="!!", safe=affirm, least=1, most=1, loose=True),
    Operator(name="??", safe=first_known, kind=Kind.LAZY, least=0),
    Operator(name="try", safe=attempt, kind=Kind.LAZY, least=1, inner=range(1, 10_000)),
    Operator(name="throw", safe=throw, least=1, most=1),
    Operator(name="log", safe=log, least=1, most=1, loose=True),
)
