"""The operator `model`: the score of one of the bundle's models for the context. It is looked up by the Run."""

from __future__ import annotations

from typing import Final

from nearwise_rules.errors import EvaluationError

from .operators import Kind, Operator
from .references import outermost
from .run import INVALID_ARGUMENTS, Run, Scope

UNKNOWN_MODEL: Final = "UNKNOWN_MODEL"


def model(run: Run, scope: Scope, key: object) -> object:
    """The score of a model; null, and noted, when the bundle has none of that key.

    Raises:
        EvaluationError: the key is not text.
    """
    if not isinstance(key, str):
        raise EvaluationError(INVALID_ARGUMENTS, "model needs the key of a model")
    score = run.score(key, outermost(scope).data)
    if score is None:
        run.note(UNKNOWN_MODEL, key, f"there is no model {key!r}")
    return score


OPERATORS = (Operator(name="model", safe=model, kind=Kind.SCOPED, least=1, most=1, refers="model"),)
