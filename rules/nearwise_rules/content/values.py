"""Values of attributes as they stand in a text: texts and numbers, on one line."""

from __future__ import annotations

from math import isfinite

from nearwise_rules.logic.foreign import read_foreign
from nearwise_rules.logic.values import PLAIN

LONGEST_VALUE = 400
"""Characters of one value; a longer one is not put into a text."""

GREATEST_NUMBER = 1e15
"""A greater number is not put into a text: beyond it, floats skip whole numbers."""

_CONTROLS = dict.fromkeys((*range(32), *range(127, 160)), " ")


def as_text(value: object) -> str | None:
    """A value as it stands in a text; None for what is blank, too long, or neither a text nor a number.

    Numbers have a decimal point, at most six decimals and no others than needed. Control characters become spaces: to a
    receipt printer they are commands.
    """
    if type(value) not in PLAIN:
        value = read_foreign(value, "UTC")
    if isinstance(value, str):
        text = value if value.isprintable() else value.translate(_CONTROLS)
        return text if text.strip() and len(text) <= LONGEST_VALUE else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return _number(value) if -GREATEST_NUMBER < value < GREATEST_NUMBER else None


def _number(value: float) -> str:
    if isinstance(value, int):
        return str(value)
    text = f"{value:.6f}".rstrip("0").rstrip(".") if isfinite(value) else ""
    return "0" if text == "-0" else text
