"""The declared types of attributes: whether a value fits one, and as what it is then read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from .run import Run
from .values import ABSENT, is_list

TYPES: Final = ("boolean", "string", "integer", "number", "datetime", "version", "list", "object")


def fits(value: object, declared: str, run: Run) -> object:
    """The value when it is of the declared type, else ABSENT. An instant may also come as ISO 8601 text."""
    if declared == "datetime":
        return _instant(value, run)
    return value if _is_of(value, declared) else ABSENT


def _is_of(value: object, declared: str) -> bool:
    if declared in ("string", "version"):
        return isinstance(value, str)
    if declared == "boolean":
        return isinstance(value, bool)
    if declared == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if declared == "integer":
        return (isinstance(value, int) and not isinstance(value, bool)) or (
            isinstance(value, float) and value.is_integer()
        )
    return is_list(value) if declared == "list" else isinstance(value, Mapping)


def _instant(value: object, run: Run) -> object:
    from datetime import datetime

    from .foreign import in_utc, instant_from_text

    read = instant_from_text(value, run.zone) if isinstance(value, str) else value
    return in_utc(read) if isinstance(read, datetime) else ABSENT
