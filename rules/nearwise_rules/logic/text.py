"""Operators on text: starts_with, ends_with, lower, matches, like, all in linear time. `patterns` is imported late."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nearwise_rules.errors import DocumentError, EvaluationError

from .operators import Operator
from .run import INVALID_ARGUMENTS, Run

if TYPE_CHECKING:
    from .patterns import Pattern

REFUSAL_COST = 500
"""Operations for finding out that a text is no pattern."""


def starts_with(_run: Run, text: object, prefix: object) -> bool:
    """Answer whether a text begins with another; null never does.

    Raises:
        EvaluationError: one of them is neither text nor null.
    """
    pair = _pair(text, prefix, "starts_with")
    return pair is not None and pair[0].startswith(pair[1])


def ends_with(_run: Run, text: object, suffix: object) -> bool:
    """Answer whether a text ends with another; null never does.

    Raises:
        EvaluationError: one of them is neither text nor null.
    """
    pair = _pair(text, suffix, "ends_with")
    return pair is not None and pair[0].endswith(pair[1])


def flagd_starts_with(_run: Run, text: object, prefix: object) -> bool | None:
    """Answer whether a text begins with another; null where one of them is no text, as flagd."""
    if isinstance(text, str) and isinstance(prefix, str):
        return text.startswith(prefix)
    return None


def flagd_ends_with(_run: Run, text: object, suffix: object) -> bool | None:
    """Answer whether a text ends with another; null where one of them is no text, as flagd."""
    if isinstance(text, str) and isinstance(suffix, str):
        return text.endswith(suffix)
    return None


def lower(run: Run, text: object) -> str | None:
    """Put a text into lower case; null stays null.

    Raises:
        EvaluationError: neither text nor null.
    """
    if text is None:
        return None
    lowered = required_text(text, "lower").lower()
    run.produce(len(lowered))
    return lowered


def matches(run: Run, text: object, pattern: object) -> bool:
    """Answer whether a regular expression occurs in a text; never in null.

    Raises:
        EvaluationError: not a text, or not a pattern.
        BudgetExceeded: text and pattern are long, and the evaluation has spent what it may.
    """
    pair = _pair(text, pattern, "matches")
    if pair is None:
        return False
    from .patterns import pattern_of

    try:
        return found_within_budget(run, pattern_of(pair[1]), pair[0])
    except DocumentError as error:
        run.spend(REFUSAL_COST)
        raise EvaluationError(INVALID_ARGUMENTS, error.problems[0].message) from None


def like(run: Run, text: object, pattern: object) -> bool:
    """Answer whether a whole text has the shape of an SQL LIKE pattern; null has none.

    Raises:
        EvaluationError: not a text, or not a pattern.
        BudgetExceeded: as `matches`.
    """
    pair = _pair(text, pattern, "like")
    if pair is None:
        return False
    from .patterns import Pattern
    from .shapes import shape_of

    try:
        shape = shape_of(pair[1])
    except DocumentError as error:
        run.spend(REFUSAL_COST)
        raise EvaluationError(INVALID_ARGUMENTS, error.problems[0].message) from None
    return found_within_budget(run, shape, pair[0]) if isinstance(shape, Pattern) else shape(pair[0])


def found_within_budget(run: Run, pattern: Pattern, text: str) -> bool:
    """Search, charging what the search may cost.

    Raises:
        BudgetExceeded: the evaluation has spent what it may.
    """
    run.spend(pattern.cost(text))
    return pattern.search(text)


def _pair(text: object, other: object, operator: str) -> tuple[str, str] | None:
    if text is None or other is None:
        return None
    return required_text(text, operator), required_text(other, operator)


def required_text(value: object, operator: str) -> str:
    """Give the value back when it is text.

    Raises:
        EvaluationError: it is not.
    """
    if isinstance(value, str):
        return value
    raise EvaluationError(INVALID_ARGUMENTS, f"{operator} needs text, got {type(value).__name__}")


OPERATORS = (
    Operator(name="starts_with", safe=starts_with, jsonlogic=flagd_starts_with, least=2, most=2),
    Operator(name="ends_with", safe=ends_with, jsonlogic=flagd_ends_with, least=2, most=2),
    Operator(name="lower", safe=lower, least=1, most=1),
    Operator(name="matches", safe=matches, least=2, most=2),
    Operator(name="like", safe=like, least=2, most=2),
)
