"""Values of apps as recordings hold them: what JSON can carry, as rules read it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from math import isfinite
from typing import TYPE_CHECKING, cast

from nearwise_rules.errors import RecordingRefused
from nearwise_rules.logic.foreign import read_foreign

if TYPE_CHECKING:
    from nearwise_rules.decide.sights import Wanted
    from nearwise_rules.documents import Json

_LEAST, _MOST = -(2**63), 2**64 - 1
"""What MessagePack has whole numbers for."""


class Plainly:
    """Writes values plainly: so many of them, so deep. Rules read null for what JSON cannot carry."""

    def __init__(self, zone: str, most_values: int, depth: int) -> None:
        self._zone = zone
        self._values_left = most_values
        self._depth = depth

    def parts(self, data: Mapping[str, object], wanted: Wanted | None) -> dict[str, Json]:
        """The parts of a map that are wanted, without changing it.

        Raises:
            RecordingRefused: there are too many values, or they are nested too deeply.
        """
        return self._map(cast("Mapping[object, object]", data), wanted, self._depth)

    def value(self, value: object) -> Json:
        """One value. Raises as `parts` does."""
        return self._value(value, None, self._depth)

    def _map(self, data: Mapping[object, object], wanted: Wanted | None, depth: int) -> dict[str, Json]:
        if depth <= 0:
            raise RecordingRefused(f"values are nested deeper than {self._depth}")
        if wanted is None:
            return {str(name): self._value(data[name], None, depth - 1) for name in data if _is_name(name)}
        return {name: self._value(data[name], below, depth - 1) for name, below in wanted.items() if name in data}

    def _value(self, value: object, wanted: Wanted | None, depth: int) -> Json:
        self._values_left -= 1
        if self._values_left < 0:
            raise RecordingRefused("there are too many values")
        if isinstance(value, Mapping):
            return self._map(cast("Mapping[object, object]", value), wanted, depth)
        if isinstance(value, list | tuple):
            if depth <= 0:
                raise RecordingRefused(f"values are nested deeper than {self._depth}")
            return [self._value(item, None, depth - 1) for item in cast("list[object]", value)]
        return self._single(value)

    def _single(self, value: object) -> Json:
        if value is None or isinstance(value, bool):
            return value
        read = value if type(value) in (str, int, float) else read_foreign(value, self._zone)
        if isinstance(read, str):
            return read if _is_name(read) else None
        if isinstance(read, int):
            return read if _LEAST <= read <= _MOST else None
        if isinstance(read, float):
            return read if isfinite(read) else None
        return read.isoformat() if isinstance(read, datetime) else None


def _is_name(text: object) -> bool:
    """Whether this is a text that has a form in UTF-8."""
    if not isinstance(text, str):
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
