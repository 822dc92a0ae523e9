"""The operators == != === !== < <= > >= in both dialects.

Safe: null on either side is never satisfied, not by != either. Numbers, texts, booleans and instants compare with their
own kind; an instant also with ISO text. `==` and the orderings of unlike kinds, lists or objects are an error of type
NaN; `===` takes any kinds, is false for unlike ones and compares lists and objects by content.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, cast

from nearwise_rules.errors import EvaluationError

from .javascript import less, loosely_equal, strictly_equal
from .operators import Operator
from .run import INVALID_ARGUMENTS, NAN, Run, Scope
from .values import UNDEFINED, is_list, plain

if TYPE_CHECKING:
    from datetime import datetime

    from .tree import Operation

_NUMBERS: Final = (int, float)
_SCALARS: Final = frozenset({str, bool, int, float})
_NESTING: Final = 64

Comparison = Callable[[Run, object, object], bool]


def aligned(run: Run, left: object, right: object) -> tuple[object, object] | None:
    """The two operands ready for Python's own operator, None when one is null. Raises: EvaluationError NaN."""
    if left is None or right is None:
        return None
    left_type, right_type = type(left), type(right)
    if left_type is right_type and left_type in _SCALARS:
        return left, right
    if left_type in _NUMBERS and right_type in _NUMBERS:
        return left, right
    return _as_instants(run, left, right)


def _as_instants(run: Run, left: object, right: object) -> tuple[object, object]:
    if isinstance(left, (int, float, str)) and isinstance(right, (int, float, str)):
        raise unlike(left, right)
    first, second = _instant(run, left), _instant(run, right)
    if first is None or second is None:
        raise unlike(left, right)
    return first, second


def _instant(run: Run, value: object) -> datetime | None:
    from datetime import datetime

    from .foreign import in_utc, instant_from_text

    read = instant_from_text(value, run.zone) if isinstance(value, str) else value
    instant = in_utc(read) if isinstance(read, datetime) else None
    return instant if isinstance(instant, datetime) else None


def unlike(left: object, right: object) -> EvaluationError:
    """The error for operands that cannot be compared."""
    return EvaluationError(NAN, f"cannot compare {kind_of(left)} with {kind_of(right)}")


def kind_of(value: object) -> str:
    """What rules call the value: null, boolean, number, string, list, object or datetime."""
    if value is None or value is UNDEFINED:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, _NUMBERS):
        return "number"
    if isinstance(value, str):
        return "string"
    if is_list(value):
        return "list"
    return "object" if isinstance(value, Mapping) else "datetime"


def equal(run: Run, left: object, right: object) -> bool:
    """Safe ==."""
    pair = aligned(run, left, right)
    return pair is not None and pair[0] == pair[1]


def unequal(run: Run, left: object, right: object) -> bool:
    """Safe !=: false when a side is null."""
    pair = aligned(run, left, right)
    return pair is not None and pair[0] != pair[1]


def before(run: Run, left: object, right: object) -> bool:
    """Safe <."""
    pair = aligned(run, left, right)
    return pair is not None and _ordered(pair, strict=True)


def not_after(run: Run, left: object, right: object) -> bool:
    """Safe <=."""
    pair = aligned(run, left, right)
    return pair is not None and _ordered(pair, strict=False)


def after(run: Run, left: object, right: object) -> bool:
    """Safe >."""
    pair = aligned(run, left, right)
    return pair is not None and _ordered((pair[1], pair[0]), strict=True)


def not_before(run: Run, left: object, right: object) -> bool:
    """Safe >=."""
    pair = aligned(run, left, right)
    return pair is not None and _ordered((pair[1], pair[0]), strict=False)


def _ordered(pair: tuple[object, object], *, strict: bool) -> bool:
    left, right = cast("tuple[float, float]", pair)  # both numbers, both texts, both booleans or both instants
    return left < right if strict else left <= right


def same(run: Run, left: object, right: object, nesting: int = 0) -> bool:
    """Whether two values are of one kind and equal, lists and objects by content; null is the same as nothing.

    Raises: EvaluationError on values nested over 64 deep.
    """
    left, right = plain(left, run, ""), plain(right, run, "")
    if left is None or right is None:
        return nesting > 0 and left is right
    kind = kind_of(left)
    if kind != kind_of(right):
        return False
    if kind not in ("list", "object"):
        return left == right
    if nesting >= _NESTING:
        raise EvaluationError(INVALID_ARGUMENTS, "a value is nested too deeply to be compared")
    if kind == "list":
        return _same_lists(run, cast("Sequence[object]", left), cast("Sequence[object]", right), nesting)
    return _same_objects(run, cast("Mapping[object, object]", left), cast("Mapping[object, object]", right), nesting)


def _same_lists(run: Run, left: Sequence[object], right: Sequence[object], nesting: int) -> bool:
    run.spend(len(left))
    return len(left) == len(right) and all(
        same(run, one, other, nesting + 1) for one, other in zip(left, right, strict=True)
    )


def _same_objects(run: Run, left: Mapping[object, object], right: Mapping[object, object], nesting: int) -> bool:
    run.spend(len(left))
    return len(left) == len(right) and all(
        key in right and same(run, left[key], right[key], nesting + 1) for key in left
    )


def strict_equal(run: Run, left: object, right: object) -> bool:
    """Safe ===."""
    return same(run, left, right)


def strict_unequal(run: Run, left: object, right: object) -> bool:
    """Safe !==: false when a side is null."""
    return left is not None and right is not None and not same(run, left, right)


def chained(compare: Comparison) -> Callable[..., bool]:
    """The lazy form for three and more operands: each compared with the next, until one comparison fails."""

    def chain(run: Run, scope: Scope, evaluate: Callable[[object, Scope], object], operation: Operation) -> bool:
        left = evaluate(operation.arguments[0], scope)
        for argument in operation.arguments[1:]:
            right = evaluate(argument, scope)
            if not compare(run, left, right):
                return False
            left = right
        return True

    return chain


def js_equal(run: Run, left: object = UNDEFINED, right: object = UNDEFINED, *_more: object) -> bool:
    """JavaScript's ==."""
    return loosely_equal(run, left, right)


def js_unequal(run: Run, left: object = UNDEFINED, right: object = UNDEFINED, *_more: object) -> bool:
    """JavaScript's !=."""
    return not loosely_equal(run, left, right)


def js_strict_equal(_run: Run, left: object = UNDEFINED, right: object = UNDEFINED, *_more: object) -> bool:
    """JavaScript's ===."""
    return strictly_equal(left, right)


def js_strict_unequal(_run: Run, left: object = UNDEFINED, right: object = UNDEFINED, *_more: object) -> bool:
    """JavaScript's !==."""
    return not strictly_equal(left, right)


def js_greater(run: Run, left: object = UNDEFINED, right: object = UNDEFINED, *_more: object) -> bool:
    """JavaScript's >."""
    return less(run, right, left)


def js_greater_or_equal(run: Run, left: object = UNDEFINED, right: object = UNDEFINED, *_more: object) -> bool:
    """JavaScript's >=."""
    return less(run, right, left, or_equal=True)


def js_less(
    run: Run, left: object = UNDEFINED, right: object = UNDEFINED, last: object = UNDEFINED, *_more: object
) -> bool:
    """JavaScript's <, or both of `left < right < last`."""
    return less(run, left, right) and (last is UNDEFINED or less(run, right, last))


def js_less_or_equal(
    run: Run, left: object = UNDEFINED, right: object = UNDEFINED, last: object = UNDEFINED, *_more: object
) -> bool:
    """JavaScript's <=, or both of `left <= right <= last`."""
    if not less(run, left, right, or_equal=True):
        return False
    return last is UNDEFINED or less(run, right, last, or_equal=True)


def _comparison(name: str, safe: Comparison, jsonlogic: Callable[..., bool]) -> Operator:
    return Operator(name=name, safe=safe, jsonlogic=jsonlogic, loose=True, least=2, chain=chained(safe), listed=True)


OPERATORS: Final = (
    _comparison("==", equal, js_equal),
    _comparison("!=", unequal, js_unequal),
    _comparison("===", strict_equal, js_strict_equal),
    _comparison("!==", strict_unequal, js_strict_unequal),
    _comparison("<", before, js_less),
    _comparison("<=", not_after, js_less_or_equal),
    _comparison(">", after, js_greater),
    _comparison(">=", not_before, js_greater_or_equal),
)
