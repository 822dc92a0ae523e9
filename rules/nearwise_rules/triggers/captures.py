"""Values as JSON: what a wait keeps of its event and context, and what a payload is filled with.

A value that an event could not carry later is refused here: NaN, a number of more than 64 bits, deep nesting, too many
bytes, types that JSON has no form for.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from math import isfinite
from typing import TYPE_CHECKING, cast

from nearwise_rules.errors import DocumentError
from nearwise_rules.logic.foreign import read_foreign
from nearwise_rules.logic.values import ABSENT, look_up

if TYPE_CHECKING:
    from nearwise_rules.documents import Json

MAX_BYTES = 16 * 1024
"""Largest payload, and most that one wait keeps."""
MAX_DEPTH = 6
"""Deepest nesting of a payload and of a kept value; an event of the SDK holds 8 levels."""
_INT64 = range(-(1 << 63), 1 << 64)


def captured(
    data: Mapping[str, object], given: Mapping[str, object], names: Collection[str], zone: str
) -> dict[str, Json]:
    """The values of `data` under these names that the caller has `given`, nested as the names say; "" means all.

    What history, signals and traits know is left out: it is looked up again when the action is due.

    Raises:
        ValueError: a value cannot be kept, or all together are too large.
    """
    kept: dict[str, Json] = {}
    taken: list[str] = []
    for name in sorted(names) if "" not in names else sorted(given):
        path = name.split(".")
        if any(name.startswith(f"{outer}.") for outer in taken) or look_up(given, path) is ABSENT:
            continue
        value = look_up(data, path)
        if value is not ABSENT and value is not None:
            _put(kept, path, _named(name, value, zone))
            taken.append(name)
    return sized(kept)


def _named(name: str, value: object, zone: str) -> Json:
    try:
        return as_json(value, zone)
    except ValueError as error:
        raise ValueError(f"{name} {error}") from None


def _put(kept: dict[str, Json], path: Sequence[str], value: Json) -> None:
    inner = kept
    for part in path[:-1]:
        inner = cast("dict[str, Json]", inner.setdefault(part, {}))
    inner[path[-1]] = value


def sized(value: dict[str, Json]) -> dict[str, Json]:
    """The value, when it is not too large.

    Raises:
        ValueError: it is.
    """
    from nearwise_rules.bundle.canonical import canonical_json

    try:
        size = len(canonical_json(value))
    except DocumentError as error:
        raise ValueError(f"cannot be written as JSON: {error}") from None
    if size > MAX_BYTES:
        raise ValueError(f"takes {size} bytes, at most {MAX_BYTES}")
    return value


def as_json(value: object, zone: str, depth: int = MAX_DEPTH) -> Json:
    """The value as JSON, with dates, enums and decimals turned into it; an instant is ISO 8601 text.

    Raises:
        ValueError: JSON, or an event, cannot carry it.
    """
    if value is None or isinstance(value, bool) or type(value) is str:
        return value
    if type(value) is int or type(value) is float:
        return _number(value)
    if isinstance(value, Mapping | list | tuple):
        if depth <= 0:
            raise ValueError(f"is nested deeper than {MAX_DEPTH}")
        if isinstance(value, Mapping):
            members = cast("Mapping[object, object]", value)
            return {str(key): as_json(member, zone, depth - 1) for key, member in members.items()}
        return [as_json(item, zone, depth - 1) for item in cast("Sequence[object]", value)]
    if isinstance(value, datetime) and value.utcoffset() is not None:
        return value.isoformat()
    read = read_foreign(value, zone)
    if read is ABSENT:
        raise ValueError(f"is of type {type(value).__name__}, which JSON has no form for")
    return as_json(read, zone, depth)


def _number(value: float) -> float:
    if not isfinite(value):
        raise ValueError(f"is {value}")
    if isinstance(value, int) and value not in _INT64:
        raise ValueError("has more than 64 bits")
    return value
