"""The operators that read data: var val exists missing missing_some, and what a Variable node means.

Reads with literal names become Variable nodes in the tree; the operators stay for names that are only known when run.
Safe: null counts as missing, so the default of `var` stands in for it; a value that is not of the attribute's declared
type counts as missing and is noted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, cast

from nearwise_rules.errors import EvaluationError

from .comparison import kind_of
from .declared import fits
from .dialects import Dialect
from .javascript import LONG_TEXT, code_units, number, text
from .operators import Kind, Operator
from .run import INVALID_ARGUMENTS, TYPE_MISMATCH, Run, Scope
from .values import ABSENT, PLAIN, UNDEFINED, climb, holds_names, is_list, item_at, look_up, plain

if TYPE_CHECKING:
    from .tree import Variable

Read = Callable[["Variable", Scope, Run], object]


def read_safe(variable: Variable, scope: Scope, run: Run) -> object:
    """The value of a Variable in the safe dialect, ABSENT when it is missing; its default is the caller's business."""
    data = scope.data if variable.level == 0 else climb(scope, variable.level)
    value = look_up(data, variable.path)
    if value is ABSENT:
        return ABSENT
    if type(value) not in PLAIN:
        value = plain(value, run, variable.name)
    if variable.declared is None or value is None:
        return value
    return _declared(value, variable.declared, variable.name, run)


def _declared(value: object, declared: str, name: str, run: Run) -> object:
    fitting = fits(value, declared, run)
    if fitting is ABSENT:
        run.note(TYPE_MISMATCH, name, f"{name} should be a {declared} and is {_shown(value)}")
    return fitting


def _shown(value: object) -> str:
    if isinstance(value, int) and value.bit_length() > 256:
        return "a long number"
    shown = repr(value) if isinstance(value, (str, int, float)) else f"a {kind_of(value)}"
    return shown if len(shown) <= 60 else shown[:57] + "..."


def read_js(variable: Variable, scope: Scope, run: Run) -> object:
    """The value of a Variable as JavaScript's property access gives it, ABSENT for undefined."""
    data = scope.data if variable.level == 0 else climb(scope, variable.level)
    value = js_look_up(data, variable.path, run, variable.name)
    if variable.declared is None or value is ABSENT or value is None:
        return value
    return js_plain(_declared(value, variable.declared, variable.name, run), run, variable.name)


def js_look_up(data: object, path: Sequence[str], run: Run, name: str) -> object:
    """Follow properties from `data`: keys, list positions, and `length` and positions of lists and texts."""
    for depth, key in enumerate(path, 1):
        if is_list(data) or isinstance(data, str):
            data = _js_item(cast("Sequence[object]", data), key, run)
        else:
            data = look_up(data, (key,))
        if data is ABSENT or data is UNDEFINED:
            return ABSENT
        if depth == len(path) or not holds_names(data):
            data = js_plain(data, run, name)
    return js_plain(data, run, name) if not path else data


def _js_item(items: Sequence[object], key: str, run: Run) -> object:
    units: Sequence[object] = code_units(run, items) if isinstance(items, str) else items
    return len(units) if key == "length" else item_at(units, key)


def js_plain(value: object, run: Run, place: str) -> object:
    """The value as the jsonlogic dialect sees it: instants are text, as JSON.stringify writes them."""
    if type(value) in PLAIN or value is ABSENT:
        return value
    from datetime import datetime

    from .foreign import instant_as_text

    value = plain(value, run, place)
    return instant_as_text(value) if isinstance(value, datetime) else value


READ: Final[dict[Dialect, Read]] = {Dialect.SAFE: read_safe, Dialect.JSONLOGIC: read_js}


def dotted_path(key: object, run: Run) -> tuple[str, ...]:
    """The path that an argument of `var` means: () for "", null and nothing, else its text split at dots."""
    if key is None or key is UNDEFINED or key == "":
        return ()
    name = text(run, key)
    run.spend(len(name) >> LONG_TEXT)
    return tuple(name.split("."))


def variable(run: Run, scope: Scope, key: object = None, default: object = None) -> object:
    """Safe var with a name that is only known now."""
    if key is not None and (isinstance(key, bool) or not isinstance(key, (str, int, float))):
        raise EvaluationError(INVALID_ARGUMENTS, "var needs a name")
    value = look_up(scope.data, dotted_path(key, run))
    value = None if value is ABSENT else plain(value, run, str(key))
    return default if value is None else value


def js_variable(run: Run, scope: Scope, key: object = UNDEFINED, default: object = UNDEFINED, *_more: object) -> object:
    """json-logic-js var."""
    value = js_look_up(scope.data, dotted_path(key, run), run, "")
    if value is not ABSENT:
        return value
    return None if default is UNDEFINED else default


def value_at(run: Run, scope: Scope, *keys: object) -> object:
    """`val` with keys that are only known now: a first key `[n]` climbs n levels (see Scope)."""
    value = _val(run, scope, keys)
    return None if value is ABSENT else plain(value, run, "")


def js_value_at(run: Run, scope: Scope, *keys: object) -> object:
    """`val` in the jsonlogic dialect."""
    value = _val(run, scope, keys)
    return None if value is ABSENT else js_plain(value, run, "")


def value_exists(run: Run, scope: Scope, *keys: object) -> object:
    """`exists` with keys that are only known now: whether the name is there, be it with null."""
    return _val(run, scope, keys) is not ABSENT


def _val(run: Run, scope: Scope, keys: Sequence[object]) -> object:
    level = level_of(keys[0]) if keys else None
    data = scope.data if level is None else climb(scope, level)
    return look_up(data, [text(run, key) for key in (keys if level is None else keys[1:])])


def level_of(key: object) -> int | None:
    """The level that a first key `[n]` of `val` means; a negative n counts like a positive one. None for other keys."""
    if not is_list(key):
        return None
    items = cast("Sequence[object]", key)
    if len(items) == 1 and isinstance(items[0], int) and not isinstance(items[0], bool) and abs(items[0]) <= 1_000:
        return abs(items[0])
    raise EvaluationError(INVALID_ARGUMENTS, "a level is written [n]")


def missing(run: Run, scope: Scope, *keys: object) -> list[object]:
    """The keys (or those of a list as first argument) whose value is missing, null or ""."""
    names = cast("Sequence[object]", keys[0]) if keys and is_list(keys[0]) else keys
    run.spend(len(names))
    return [_listed(name) for name in names if _is_missing(run, scope, name)]


def _listed(name: object) -> object:
    return None if name is UNDEFINED else name


def _is_missing(run: Run, scope: Scope, name: object) -> bool:
    key, default = _key_of_missing(name)
    value = js_variable(run, scope, key, default)
    return value is None or value == ""


def _key_of_missing(name: object) -> tuple[object, object]:
    if is_list(name):  # json-logic-js reads a list as the arguments of var
        items = [*cast("Sequence[object]", name), UNDEFINED, UNDEFINED]
        return items[0], items[1]
    return name, UNDEFINED


def missing_some(
    run: Run, scope: Scope, needed: object = UNDEFINED, options: object = UNDEFINED, *_more: object
) -> list[object]:
    """[] when at least `needed` of the options are there, else those that are missing."""
    if options is None or options is UNDEFINED:
        raise EvaluationError(INVALID_ARGUMENTS, "missing_some needs a list of names")
    names = cast("Sequence[object]", options) if is_list(options) else (options,)
    absent = missing(run, scope, *_as_arguments(names))
    if not (is_list(options) or isinstance(options, str)):
        return absent
    size = len(code_units(run, options)) if isinstance(options, str) else len(names)
    return [] if size - len(absent) >= number(run, needed) else absent


def _as_arguments(names: Sequence[object]) -> Sequence[object]:
    return names if names else ([],)


class MissingNames:
    """`missing` with literal names: given the values of these names, it answers those that are null or ""."""

    __slots__ = ("names",)

    def __init__(self, names: Sequence[object]) -> None:
        self.names = tuple(names)

    def __call__(self, _run: Run, *values: object) -> list[object]:
        return [name for name, value in zip(self.names, values, strict=True) if value is None or value == ""]


OPERATORS: Final = (
    Operator(name="var", safe=variable, jsonlogic=js_variable, kind=Kind.SCOPED, most=2, loose=True),
    Operator(name="val", safe=value_at, jsonlogic=js_value_at, kind=Kind.SCOPED, spreads=True),
    Operator(name="exists", safe=value_exists, kind=Kind.SCOPED, least=1, spreads=True),
    Operator(name="missing", safe=missing, kind=Kind.SCOPED, loose=True),
    Operator(name="missing_some", safe=missing_some, kind=Kind.SCOPED, least=2, most=2, loose=True),
)
