"""JavaScript's conversions and comparisons (ECMAScript 2023, 7.1 and 7.2) for the jsonlogic dialect.

Numbers are doubles: an int is kept where it is exact and turned into a float beyond 2**53.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final, cast

from nearwise_rules.errors import EvaluationError

from .run import INVALID_ARGUMENTS, Run
from .values import UNDEFINED, plain

Number = int | float

SAFE_INTEGER: Final = 2**53
_WHITE_SPACE: Final = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
_RADIX: Final = {"0x": 16, "0o": 8, "0b": 2}
_NESTING: Final = 64

LONG_TEXT: Final = 4
"""Reading text character by character costs one operation for each 2**LONG_TEXT characters."""


@cache
def _decimal_pattern() -> re.Pattern[str]:
    return re.compile(r"[+-]?(?:Infinity|(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?)")


def double(value: Number) -> Number:
    """The number as a double would hold it: whole ones as int up to 2**53 (but -0.0 stays), others as float."""
    if isinstance(value, int):
        if -SAFE_INTEGER <= value <= SAFE_INTEGER:
            return value
        try:
            return float(value)
        except OverflowError:
            return math.inf if value > 0 else -math.inf
    if value.is_integer() and -SAFE_INTEGER <= value <= SAFE_INTEGER and (value or math.copysign(1, value) > 0):
        return int(value)
    return value


def number_text(value: Number) -> str:
    """Number::toString, radix 10."""
    if isinstance(value, int):
        if -SAFE_INTEGER <= value <= SAFE_INTEGER:
            return str(value)
        value = double(value)
    if value != value or math.isinf(value):
        return "NaN" if value != value else ("Infinity" if value > 0 else "-Infinity")
    sign = "-" if value < 0 else ""
    digits, point = _shortest(abs(value))
    return sign + _placed(digits, point)


def _shortest(value: float) -> tuple[str, int]:
    mantissa, _, exponent = repr(value).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    return digits.rstrip("0") or "0", point if digits.rstrip("0") else 1


def _placed(digits: str, point: int) -> str:
    count = len(digits)
    if count <= point <= 21:
        return digits + "0" * (point - count)
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"0.{'0' * -point}{digits}"
    exponent = point - 1
    fraction = f".{digits[1:]}" if count > 1 else ""
    return f"{digits[0]}{fraction}e{'+' if exponent > 0 else '-'}{abs(exponent)}"


def text(run: Run, value: object, nesting: int = 0) -> str:
    """ToString, of lists as Array.prototype.join does. Raises: EvaluationError on lists nested over 64 deep."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool):
        return "null" if value is None else ("true" if value else "false")
    if isinstance(value, (int, float)):
        return number_text(value)
    if isinstance(value, (list, tuple)):
        return joined(run, cast("Sequence[object]", value), ",", nesting + 1)
    return "undefined" if value is UNDEFINED else "[object Object]"


def joined(run: Run, values: Sequence[object], between: str, nesting: int = 0) -> str:
    """Array.prototype.join: null and undefined are empty. Spends one operation for each member."""
    if nesting > _NESTING:
        raise EvaluationError(INVALID_ARGUMENTS, "a list is nested too deeply to be text")
    run.spend(len(values))
    parts: list[str] = []
    for raw in values:
        value = plain(raw, run, "")
        part = "" if value is None or value is UNDEFINED else text(run, value, nesting)
        run.produce(len(part))
        parts.append(part)
    return between.join(parts)


def number(run: Run, value: object) -> Number:
    """ToNumber."""
    if isinstance(value, (bool, int)):
        return double(int(value))
    if isinstance(value, float):
        return value
    if value is None:
        return 0
    if isinstance(value, str):
        run.spend(len(value) >> LONG_TEXT)
        return _number_in(value)
    if isinstance(value, (list, tuple)):
        return _number_in(text(run, cast("object", value)))
    return math.nan


def _number_in(source: str) -> Number:
    trimmed = source.strip(_WHITE_SPACE)
    if not trimmed:
        return 0
    radix = _RADIX.get(trimmed[:2].lower())
    if radix is not None:
        return _integer(trimmed[2:], radix)
    return _decimal(trimmed) if _decimal_pattern().fullmatch(trimmed) else math.nan


def _integer(digits: str, radix: int) -> Number:
    try:
        return double(int(digits, radix)) if digits.isascii() and digits.isalnum() else math.nan
    except ValueError:
        return math.nan


def _decimal(source: str) -> Number:
    if source.endswith("Infinity"):
        return -math.inf if source[0] == "-" else math.inf
    return double(float(source))


def leading_number(run: Run, value: object) -> Number:
    """parseFloat: the number that the value's text begins with, NaN when it begins with none."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return double(value) or 0
    source = text(run, value).lstrip(_WHITE_SPACE)
    run.spend(len(source) >> LONG_TEXT)
    found = _decimal_pattern().match(source)
    return _decimal(found[0]) if found else math.nan


def primitive(run: Run, value: object) -> object:
    """ToPrimitive: lists and objects as their text, everything else as it is."""
    if value is None or value is UNDEFINED or isinstance(value, (str, int, float)):
        return value
    return text(run, value)


def strictly_equal(left: object, right: object) -> bool:
    """IsStrictlyEqual: lists and objects are equal only to themselves."""
    if isinstance(left, str) or isinstance(right, str):
        return isinstance(left, str) and isinstance(right, str) and left == right
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, (int, float)) and isinstance(right, (int, float)):
        return double(left) == double(right)
    return left is right


def loosely_equal(run: Run, left: object, right: object) -> bool:
    """IsLooselyEqual."""
    left_is_nothing = left is None or left is UNDEFINED
    right_is_nothing = right is None or right is UNDEFINED
    if left_is_nothing or right_is_nothing:
        return left_is_nothing and right_is_nothing
    if _is_object(left) and _is_object(right):
        return left is right
    left, right = primitive(run, left), primitive(run, right)
    if isinstance(left, str) and isinstance(right, str):
        return left == right
    return number(run, left) == number(run, right)


def _is_object(value: object) -> bool:
    return isinstance(value, (list, tuple, Mapping))


def less(run: Run, left: object, right: object, *, or_equal: bool = False) -> bool:
    """IsLessThan, and with `or_equal` its <= form: false whenever a side is not a number."""
    left, right = primitive(run, left), primitive(run, right)
    if isinstance(left, str) and isinstance(right, str):
        first, second = (left, right) if left.isascii() and right.isascii() else _units(run, left, right)
        return first <= second if or_equal else first < second
    first_number, second_number = number(run, left), number(run, right)
    return first_number <= second_number if or_equal else first_number < second_number


def _units(run: Run, left: str, right: str) -> tuple[str, str]:
    # JavaScript orders text by UTF-16 unit, which differs from code points where surrogates meet U+E000..U+FFFF.
    return "".join(code_units(run, left)), "".join(code_units(run, right))


def code_units(run: Run, value: str) -> Sequence[str]:
    """The UTF-16 code units of a text, each as one character: what `length` and `substr` count in JavaScript."""
    if value.isascii():
        return value
    run.spend(len(value) >> 4)
    if max(value) < "\U00010000":
        return value
    encoded = value.encode("utf-16-be", "surrogatepass")
    return [chr(encoded[at] << 8 | encoded[at + 1]) for at in range(0, len(encoded), 2)]


def from_code_units(units: Sequence[str]) -> str:
    """The text of code units; half a surrogate pair becomes U+FFFD, so that every text can be encoded."""
    joined_units = "".join(units)
    encoded = joined_units.encode("utf-16-be", "surrogatepass")
    return encoded.decode("utf-16-be", "replace")
