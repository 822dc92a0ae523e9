"""Which rule holds first, by the reference interpreter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from nearwise_rules.errors import EvaluationError
from nearwise_rules.logic import Expression, Run, interpret
from nearwise_rules.logic.values import truthy


class Surprise(Exception):
    """The quick way met something that only the whole way can settle."""


def compile_conditions(expressions: Sequence[Expression]) -> Callable[[Mapping[str, object], Run | None], int]:
    def match(data: Mapping[str, object], run: Run | None) -> int:
        if run is None:
            raise Surprise
        for index, expression in enumerate(expressions):
            try:
                if truthy(interpret(expression, data, run)):
                    return index
            except EvaluationError as error:
                run.note(error.type, expression.root.pointer, str(error))
        return -1

    return match
