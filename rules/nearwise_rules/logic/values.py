"""Which Python values rules can read and as what; truthiness; looking names up. Shared by both dialects.

str, bool, int, float, None, list, tuple and dict are read as they stand; any other Mapping is an object, an Enum
member its value, a Decimal the nearest float, a datetime an instant, a date its ISO text. Everything else is opaque:
reading it gives null and a diagnostic, and nothing else is disturbed; what answers `[]` can still be read by name. No
attribute of a value is ever looked up by a rule's name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, cast

from nearwise_rules.errors import EvaluationError

from .run import INVALID_ARGUMENTS, TYPE_MISMATCH, Run, Scope


class Mark:
    """A value that stands for the lack of one."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


ABSENT: Final = Mark("ABSENT")
"""What a look-up answers when the name is not there. Never the value of a rule."""

UNDEFINED: Final = Mark("UNDEFINED")
"""JavaScript's undefined, only in the jsonlogic dialect: an absent argument. Never in a list, never a final result."""

PLAIN: Final = frozenset({str, bool, int, float, type(None), list, tuple, dict})
"""The exact types that need no reading rule."""


def truthy(value: object) -> bool:
    """As json-logic-js: false, 0, NaN, "", null and empty lists are false; everything else, `{}` too, is true."""
    if value is None or value is UNDEFINED:
        return False
    if isinstance(value, (str, list, tuple)):
        return len(cast("Sequence[object]", value)) > 0
    if isinstance(value, (int, float)):
        return value != 0 and value == value
    return True


def is_list(value: object) -> bool:
    """Whether rules see the value as a list."""
    return isinstance(value, (list, tuple))


def plain(value: object, run: Run, place: str) -> object:
    """The value as rules see it. Opaque values give None and a diagnostic at `place`."""
    if type(value) in PLAIN or value is UNDEFINED:
        return value
    if isinstance(value, Mapping):
        return cast("Mapping[object, object]", value)
    from .foreign import read_foreign

    read = read_foreign(value, run.zone)
    if read is ABSENT:
        run.note(TYPE_MISMATCH, place, f"rules cannot read a value of type {type(value).__name__}")
        return None
    return read


def look_up(data: object, path: Sequence[str]) -> object:
    """Follow keys and list positions from `data`; ABSENT where one is missing. Raises: EvaluationError."""
    for key in path:
        if type(data) is dict:
            data = cast("dict[object, object]", data).get(key, ABSENT)
        elif isinstance(data, (list, tuple)):
            data = item_at(cast("Sequence[object]", data), key)
        elif isinstance(data, Mapping):
            data = _member(cast("Mapping[object, object]", data), key)
        else:
            data = _item(data, key)
        if data is ABSENT:
            return ABSENT
    return data


def item_at(items: Sequence[object], key: str) -> object:
    """The member of a list or text at a position written as JavaScript writes it, else ABSENT."""
    position = list_position(key)
    return items[position] if 0 <= position < len(items) else ABSENT


def list_position(key: str) -> int:
    """The position that a key means in a list; -1 for a key that means none."""
    if not (key.isascii() and key.isdecimal()) or len(key) > 15 or (key[0] == "0" and key != "0"):
        return -1
    return int(key)


def _member(data: Mapping[object, object], key: str) -> object:
    try:
        return data[key]
    except KeyError:
        return ABSENT
    except Exception as error:
        raise EvaluationError(INVALID_ARGUMENTS, f"reading {key!r} failed: {type(error).__name__}") from error


def holds_names(value: object) -> bool:
    """Whether the value is opaque, but answers `[]` as a row of a database does, so that names in it can be read."""
    return not isinstance(value, (str, bytes, Mapping)) and hasattr(type(value), "__getitem__")


def _item(data: object, key: str) -> object:
    if not holds_names(data):
        return ABSENT
    try:
        return cast("Mapping[object, object]", data)[key]
    except Exception:  # noqa: BLE001 (a caller's own object may raise anything)
        return ABSENT


def climb(scope: Scope, level: int) -> object:
    """The data that is `level` levels up (see Scope), ABSENT above the context."""
    current: Scope | None = scope
    for _ in range(level // 2):
        current = current.outer if current is not None else None
    if current is None:
        return ABSENT
    if level % 2 == 0:
        return current.data
    return ABSENT if current.index is None else {"index": current.index}


def at_path(data: Mapping[str, object], path: Iterable[str]) -> object:
    """The value at a path of nested mappings; None where there is none."""
    value: object = data
    for part in path:
        if type(value) is not dict and not isinstance(value, Mapping):  # pyright: ignore[reportUnknownArgumentType]
            return None
        value = value.get(part)  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    return value  # pyright: ignore[reportUnknownVariableType]
