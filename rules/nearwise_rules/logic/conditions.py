"""Which of several conditions holds first, by the reference: what `compile_conditions` makes faster."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from nearwise_rules.errors import EvaluationError

from .interpreter import interpret
from .run import Run
from .tree import Expression, Operation, walk
from .values import truthy

_ASKING = frozenset({"fractional", "now", "before", "after", "date_diff", "hour", "weekday", "date", "time"})


def first_holding(expressions: Sequence[Expression]) -> Callable[[object, Run | None], int]:
    """Make a function that answers the index of the first condition that holds, -1 when none does.

    A condition that fails with an EvaluationError does not hold; the error becomes a diagnostic of the Run.
    """

    def match(data: object, run: Run | None = None) -> int:
        run = Run() if run is None else run
        for index, expression in enumerate(expressions):
            try:
                if truthy(interpret(expression, data, run)):
                    return index
            except EvaluationError as error:
                run.note(error.type, expression.root.pointer, str(error))
        return -1

    return match


def needs_run(expression: Expression) -> bool:
    """Whether the rule asks its Run for something, so that a compiled call without one only ends in a Surprise."""
    if expression.loops or expression.segments or expression.flags or expression.models or expression.audiences:
        return True
    return any(isinstance(node, Operation) and node.name in _ASKING for node in walk(expression.root))
