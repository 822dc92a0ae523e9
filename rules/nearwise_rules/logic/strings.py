"""The operators cat and substr in both dialects.

Safe: cat joins texts, numbers, booleans and instants (null is empty), substr cuts texts by code point; other kinds are
an error of type "Invalid Arguments". Numbers are written as JavaScript writes them, so 1.0 is "1".
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from nearwise_rules.errors import EvaluationError

from .comparison import kind_of
from .javascript import code_units, from_code_units, joined, number, number_text, text
from .operators import Operator
from .run import INVALID_ARGUMENTS, Run
from .values import UNDEFINED

if TYPE_CHECKING:
    from datetime import datetime


def concatenate(run: Run, *values: object) -> str:
    """Safe cat."""
    parts = [scalar_text(value) for value in values]
    run.produce(sum(map(len, parts)))
    return "".join(parts)


def scalar_text(value: object) -> str:
    """A value as text. Raises: EvaluationError for lists and objects."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return _integer_text(value)
    if isinstance(value, float):
        return number_text(value)
    if kind_of(value) == "datetime":
        return _instant_text(value)
    raise EvaluationError(INVALID_ARGUMENTS, f"a {kind_of(value)} is not text")


def _integer_text(value: int) -> str:
    if value.bit_length() > 1024:
        raise EvaluationError(INVALID_ARGUMENTS, "an integer is too long to be text")
    return str(value)


def _instant_text(value: object) -> str:
    from .foreign import instant_as_text

    instant: datetime = value  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    return instant_as_text(instant)


def cut(run: Run, source: object, start: object, count: object = None) -> object:
    """Safe substr: from `start` (from the end when negative), `count` characters (or all but the last -count)."""
    if source is None or start is None:
        return None
    if not isinstance(source, str):
        raise EvaluationError(INVALID_ARGUMENTS, f"substr needs text, not a {kind_of(source)}")
    first = _position(start)
    begin = max(0, len(source) + first) if first < 0 else first
    taken = source[begin:]
    if count is not None:
        wanted = _position(count)
        taken = taken[:wanted] if wanted >= 0 else taken[: max(0, len(taken) + wanted)]
    run.produce(len(taken))
    return taken


def _position(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise EvaluationError(INVALID_ARGUMENTS, "substr counts in whole numbers")
    return int(value)


def js_concatenate(run: Run, *values: object) -> str:
    """json-logic-js cat: Array.prototype.join of the arguments."""
    return joined(run, values, "")


def js_cut(
    run: Run, source: object = UNDEFINED, start: object = UNDEFINED, end: object = UNDEFINED, *_more: object
) -> str:
    """json-logic-js substr: String.prototype.substr by UTF-16 unit; a negative end drops from the end."""
    units = code_units(run, text(run, source))
    run.produce(len(units))
    taken = units[_js_begin(run, start, len(units)) :]
    if end is not UNDEFINED and number(run, end) < 0:
        # `temp.length + end` is a sum for numbers and a concatenation for text, which is then no number.
        adds = end is None or isinstance(end, (int, float))
        counted: object = len(taken) + number(run, end) if adds else f"{len(taken)}{text(run, end)}"
        return from_code_units(taken[: _js_count(run, counted, len(taken))])
    if end is UNDEFINED:
        return from_code_units(taken)
    return from_code_units(taken[: _js_count(run, end, len(taken))])


def _js_begin(run: Run, start: object, size: int) -> int:
    first = number(run, start)
    if first != first:
        return 0
    if math.isinf(first):
        return size if first > 0 else 0
    whole = int(first)
    return max(0, size + whole) if whole < 0 else whole


def _js_count(run: Run, count: object, size: int) -> int:
    wanted = number(run, count)
    if wanted != wanted or wanted <= 0:
        return 0
    return size if math.isinf(wanted) else int(wanted)


OPERATORS: Final = (
    Operator(name="cat", safe=concatenate, jsonlogic=js_concatenate, loose=True, spreads=True),
    Operator(name="substr", safe=cut, jsonlogic=js_cut, least=2, most=3, loose=True),
)
