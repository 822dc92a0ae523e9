"""The operator `audience`: whether the subject, or a given key, is in one of the bundle's audiences. The Run looks."""

from __future__ import annotations

from typing import Final

from nearwise_rules.errors import EvaluationError

from .operators import Operator
from .run import INVALID_ARGUMENTS, Run
from .values import UNDEFINED

UNKNOWN_AUDIENCE: Final = "UNKNOWN_AUDIENCE"

_LONGEST_NUMBER = 1_024  # bits


def audience(run: Run, key: object, *looked_up: object) -> bool:
    """Whether the subject is in the audience; with a second argument, whether that key is. Nobody is in no audience.

    An unknown audience holds nobody, and is noted.

    Raises:
        EvaluationError: the audience's key is not text, or the key that is looked up neither text nor a whole number.
    """
    if not isinstance(key, str):
        raise EvaluationError(INVALID_ARGUMENTS, "audience needs the key of an audience")
    given = looked_up[0] if looked_up else None
    if looked_up and (given is None or given is UNDEFINED):
        return False
    found = run.in_audience(key, _as_key(given) if looked_up else None)
    if found is None:
        run.note(UNKNOWN_AUDIENCE, key, f"there is no audience {key!r}")
    return found is True


def _as_key(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() <= _LONGEST_NUMBER:
        return str(value)
    raise EvaluationError(INVALID_ARGUMENTS, "audience looks up a text or a whole number")


OPERATORS = (Operator(name="audience", safe=audience, least=1, most=2, refers="audience"),)
