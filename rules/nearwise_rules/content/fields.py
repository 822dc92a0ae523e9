"""The fields of an offer's content: their types, and their values by locale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from nearwise_rules.content.locales import is_locale, normal_tag

if TYPE_CHECKING:
    from nearwise_rules.documents import Json

CONTENT_TYPES = ("text", "number", "boolean", "asset")
"""What a field can be. Texts and assets can be given by locale."""

Value = TypeVar("Value")


def type_of(value: Json) -> str | None:
    """The type of a field; of one by locale, that of its first value. None when it is no field."""
    one = next(iter(value.values())) if isinstance(value, Mapping) and is_by_locale(value) else value
    if isinstance(one, Mapping):
        return "asset" if "asset" in one else None
    if isinstance(one, bool):
        return "boolean"
    if isinstance(one, int | float):
        return "number"
    return "text" if isinstance(one, str) else None


def is_by_locale(value: Json) -> bool:
    """Whether a field has a value for each of some locales."""
    return isinstance(value, Mapping) and bool(value) and all(map(is_locale, value))


def by_locale(value: Json) -> dict[str, Json]:
    """The values of a field by normal tag; one that is the same everywhere has the tag ""."""
    if isinstance(value, Mapping) and is_by_locale(value):
        return {normal_tag(tag): inner for tag, inner in value.items()}
    return {"": value}


def best(values: Mapping[str, Value], chain: Sequence[str]) -> Value:
    """The value for the first tag of a chain that has one; else any: the first by tag."""
    if "" in values:
        return values[""]
    found = next((tag for tag in chain if tag in values), None)
    return values[min(values) if found is None else found]
