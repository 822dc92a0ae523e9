"""The operators + - * / % min max in both dialects.

Safe: numbers only; null when an operand is null; an error of type NaN for other kinds and for results that are not
finite. Whole results beyond 2**53 become floats in both, so numbers never grow without bound.
"""

from __future__ import annotations

import math
from functools import reduce
from typing import Final

from nearwise_rules.errors import EvaluationError

from .comparison import before
from .javascript import Number, double, leading_number, number
from .operators import Operator
from .run import INVALID_ARGUMENTS, NAN, Run
from .values import UNDEFINED

MAX_BITS: Final = 1000
"""Of an integer operand, so that no sum of them is beyond all floats."""


def numbers(values: tuple[object, ...]) -> list[Number] | None:
    """The operands, or None when one is null. Raises: EvaluationError NaN when one is not a number."""
    found: list[Number] = []
    missing = False
    for value in values:
        if value is None:
            missing = True
        elif isinstance(value, bool) or not isinstance(value, (int, float)):
            raise EvaluationError(NAN, f"{type(value).__name__} is not a number")
        elif isinstance(value, int) and value.bit_length() > MAX_BITS:
            raise EvaluationError(NAN, "an integer is too long to count with")
        else:
            found.append(value)
    return None if missing else found


def finite(value: Number) -> Number:
    """The result of safe arithmetic. Raises: EvaluationError NaN when it is not finite."""
    if isinstance(value, int):
        value = double(value)
    if not math.isfinite(value):
        raise EvaluationError(NAN, "the result is not a finite number")
    return value


def add(_run: Run, *values: object) -> object:
    """Safe +."""
    operands = numbers(values)
    return None if operands is None else finite(sum(operands))


def multiply(_run: Run, *values: object) -> object:
    """Safe *."""
    operands = numbers(values)
    if operands is None:
        return None
    product: Number = 1
    for operand in operands:
        product = finite(product * operand)
    return product


def subtract(_run: Run, *values: object) -> object:
    """Safe -: one operand is negated, more are subtracted from left to right."""
    operands = numbers(values)
    if operands is None:
        return None
    if not operands:
        raise EvaluationError(INVALID_ARGUMENTS, "- needs an operand")
    first, *rest = operands
    return finite(first - sum(rest)) if rest else finite(-first)


def divide(_run: Run, *values: object) -> object:
    """Safe /: one operand gives its reciprocal."""
    operands = numbers(values)
    if operands is None:
        return None
    if not operands:
        raise EvaluationError(INVALID_ARGUMENTS, "/ needs an operand")
    return reduce(_quotient, operands if len(operands) > 1 else (1, operands[0]))


def _quotient(left: Number, right: Number) -> Number:
    if right == 0:
        raise EvaluationError(NAN, "division by zero")
    try:
        return double(finite(left / right))
    except OverflowError:
        raise EvaluationError(NAN, "the result is not a finite number") from None


def modulo(_run: Run, *values: object) -> object:
    """Safe %: the remainder has the sign of the dividend."""
    operands = numbers(values)
    if operands is None:
        return None
    if len(operands) < 2:
        raise EvaluationError(INVALID_ARGUMENTS, "% needs two operands")
    return reduce(_remainder, operands)


def _remainder(left: Number, right: Number) -> Number:
    if right == 0 or not math.isfinite(left) or right != right:
        raise EvaluationError(NAN, "no remainder")
    if isinstance(left, int) and isinstance(right, int):
        return double(abs(left) % abs(right) * (1 if left >= 0 else -1))
    return double(math.fmod(left, right))


def smallest(run: Run, *values: object) -> object:
    """Safe min: of numbers, texts or instants, all of one kind; null when one is null or there are none."""
    return _extreme(run, values, first=True)


def largest(run: Run, *values: object) -> object:
    """Safe max: of numbers, texts or instants, all of one kind; null when one is null or there are none."""
    return _extreme(run, values, first=False)


def _extreme(run: Run, values: tuple[object, ...], *, first: bool) -> object:
    if not values or any(value is None for value in values):
        return None
    if isinstance(values[0], bool):
        raise EvaluationError(NAN, "a boolean is not a number")
    best = values[0]
    for value in values[1:]:
        if before(run, value, best) if first else before(run, best, value):
            best = value
    return best


def js_add(run: Run, *values: object) -> object:
    """json-logic-js +: the sum of what parseFloat finds."""
    return double(sum([_float(leading_number(run, value)) for value in values], 0.0))


def js_multiply(run: Run, *values: object) -> object:
    """json-logic-js *: the product of what parseFloat finds; a single argument comes back as it is."""
    if not values:
        raise EvaluationError(INVALID_ARGUMENTS, "* needs an operand")
    if len(values) == 1:
        return values[0]
    operands = [_float(leading_number(run, value)) for value in values]
    return double(reduce(lambda left, right: (left * right) or 0.0, operands))


def js_subtract(run: Run, left: object = UNDEFINED, right: object = UNDEFINED, *_more: object) -> object:
    """json-logic-js -."""
    if right is UNDEFINED:
        return double(-_float(number(run, left)))
    return double(_float(number(run, left)) - _float(number(run, right)))


def js_divide(run: Run, left: object = UNDEFINED, right: object = UNDEFINED, *_more: object) -> object:
    """json-logic-js /: by zero gives an infinity or NaN."""
    dividend, divisor = _float(number(run, left)), _float(number(run, right))
    if divisor != 0:
        return double(dividend / divisor)
    if dividend == 0 or dividend != dividend:
        return math.nan
    return math.copysign(math.inf, dividend) * math.copysign(1, divisor)


def js_modulo(run: Run, left: object = UNDEFINED, right: object = UNDEFINED, *_more: object) -> object:
    """json-logic-js %."""
    dividend, divisor = _float(number(run, left)), _float(number(run, right))
    if math.isinf(dividend) or divisor == 0:
        return math.nan
    return double(math.fmod(dividend, divisor))


def js_min(run: Run, *values: object) -> object:
    """Math.min."""
    return _js_extreme([_float(number(run, value)) for value in values], -1)


def js_max(run: Run, *values: object) -> object:
    """Math.max."""
    return _js_extreme([_float(number(run, value)) for value in values], 1)


def _js_extreme(operands: list[float], direction: int) -> Number:
    if any(operand != operand for operand in operands):
        return math.nan
    if not operands:
        return -math.inf * direction
    return double(max(operands) if direction > 0 else min(operands))


def _float(value: Number) -> float:
    return float(value)


OPERATORS: Final = (
    Operator(name="+", safe=add, jsonlogic=js_add, loose=True, spreads=True),
    Operator(name="*", safe=multiply, jsonlogic=js_multiply, loose=True, spreads=True),
    Operator(name="-", safe=subtract, jsonlogic=js_subtract, loose=True, spreads=True, least=1),
    Operator(name="/", safe=divide, jsonlogic=js_divide, loose=True, spreads=True, least=1),
    Operator(name="%", safe=modulo, jsonlogic=js_modulo, loose=True, spreads=True, least=2),
    Operator(name="min", safe=smallest, jsonlogic=js_min, loose=True, spreads=True, least=1),
    Operator(name="max", safe=largest, jsonlogic=js_max, loose=True, spreads=True, least=1),
)
