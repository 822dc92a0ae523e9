"""Members of maps that somebody else wrote: each has the type that is due, or the map is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeVar, cast

if TYPE_CHECKING:
    from nearwise_rules.documents import Json, JsonObject

T = TypeVar("T", str, int, bool)


def member(members: Mapping[str, object], name: str, kind: type[T], default: T | None = None) -> T:
    """A text, a whole number or a truth value; `default` stands in where there is none.

    Raises:
        ValueError: it is missing, or something else.
    """
    value = members.get(name, default)
    if type(value) is not kind:
        raise ValueError(f"'{name}' is no {kind.__name__}")
    return value


def maybe_text(members: Mapping[str, object], name: str) -> str | None:
    """A text, or None where there is none. Raises ValueError for anything else."""
    value = members.get(name)
    return value if value is None or isinstance(value, str) else member(members, name, str)


def number(value: object, name: str) -> float:
    """A number, as a float. Raises ValueError for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"'{name}' is no number")
    return float(value)


def map_of(members: Mapping[str, object], name: str) -> JsonObject:
    """A map; empty where there is none. Raises ValueError for anything else."""
    value = members.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ValueError(f"'{name}' is no map")
    return cast("JsonObject", value)


def rows_of(value: object, name: str, width: int) -> list[list[Json]]:
    """A list of lists of so many values each. Raises ValueError for anything else."""
    rows = _list(value, name)
    for row in rows:
        if len(_list(row, name)) != width:
            raise ValueError(f"'{name}' does not consist of lists of {width}")
    return cast("list[list[Json]]", rows)


def texts_of(value: object, name: str) -> tuple[str, ...]:
    """A list of texts; empty for None. Raises ValueError for anything else."""
    listed = _list(value, name)
    if not all(isinstance(text, str) for text in listed):
        raise ValueError(f"'{name}' is no list of texts")
    return tuple(cast("list[str]", listed))


def _list(value: object, name: str) -> list[object]:
    if value is not None and not isinstance(value, list):
        raise ValueError(f"'{name}' is no list")
    return cast("list[object]", value or [])
