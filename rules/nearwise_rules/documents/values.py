"""The types that documents are made of: JSON, and the words that a field may have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
JsonObject: TypeAlias = "Mapping[str, Json]"

AttributeType: TypeAlias = Literal["boolean", "string", "integer", "number", "datetime", "version", "list", "object"]
FlagType: TypeAlias = Literal["boolean", "string", "integer", "float", "object"]
Source: TypeAlias = Literal["context", "device", "time", "history", "trait", "signal"]
Privacy: TypeAlias = Literal["plain", "personal", "sensitive"]
Grace: TypeAlias = Literal["serve", "safe_only", "stop"]
Bucketing: TypeAlias = Literal["murmur3", "murmur3-cbor"]
Join: TypeAlias = Literal["never", "consented", "always"]
Exposures: TypeAlias = Literal["each", "summary", "none"]

CLOSED: dict[str, object] = {"extra": "forbid"}
"""pydantic's settings of every document: a field that is not known is a problem."""


def written_name(field: str) -> str:
    """How a field is written in a file: `from_` is `from`, which Python keeps for itself."""
    return field.removesuffix("_")
