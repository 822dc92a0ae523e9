"""The payloads of events: MessagePack maps as the server reads them. Nothing here keeps or sends an event.

Exposures repeat: all but the time, the decision id and the subject is the same for every decision that ends in one
outcome of one bundle. That part is encoded once; an exposure is the three values behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite
from struct import Struct
from typing import TYPE_CHECKING, cast

from nearwise.errors import EventRefused

if TYPE_CHECKING:
    from nearwise_rules import Outcome

_moment = Struct(">BQ").pack
_UINT64 = 0xCF
_SHORT_TEXT = tuple(bytes((0xA0 | length,)) for length in range(32))
_ID = b"\xa2id"
_SUBJECT = b"\xa7subject"
_DEEPEST = 8


class ExposureHead:
    """The encoded part that all exposures of one outcome share."""

    __slots__ = ("_named", "_unnamed")

    def __init__(self, outcome: Outcome) -> None:
        fields: dict[str, object] = {
            "type": "exposure",
            "flag": outcome.flag,
            "variant": outcome.variant,
            "reason": str(outcome.reason),
            "bundle": outcome.bundle_version,
            "rule": outcome.rule,
            "experiment": outcome.experiment,
            "propensity": outcome.propensity,
        }
        present = [(key, value) for key, value in fields.items() if value is not None]
        shared = b"".join(_pack(key) + _pack(value) for key, value in present) + _pack("at")
        self._named = bytes((0x80 | len(present) + 3,)) + shared
        self._unnamed = bytes((0x80 | len(present) + 2,)) + shared

    def event(self, at: float, id: str, subject: object) -> bytes:  # noqa: A002
        """One exposure: at Unix seconds `at`, of the decision `id`, to `subject` (nobody in particular when None)."""
        moment = _moment(_UINT64, max(int(at * 1000), 0))
        if subject is None:
            return self._unnamed + moment + _ID + pack_text(id)
        return self._named + moment + _ID + pack_text(id) + _SUBJECT + pack_text(subject)


def _pack(value: object) -> bytes:
    from msgpack import packb  # pyright: ignore[reportUnknownVariableType]

    return cast("Callable[[object], bytes]", packb)(value)


def pack_text(value: object) -> bytes:
    """A value as MessagePack text; what is no text is written as its text."""
    text = (value if isinstance(value, str) else str(value)).encode("utf-8", "replace")
    size = len(text)
    return _SHORT_TEXT[size] + text if size < 32 else _pack(text.decode())


def encode_event(event: Mapping[str, object]) -> bytes:
    """One event as MessagePack. Keys whose value is None are left out.

    Raises:
        EventRefused: a value cannot be carried.
    """
    try:
        return _pack({key: _plain(value, _DEEPEST) for key, value in event.items() if value is not None})
    except (TypeError, ValueError, OverflowError) as error:
        raise EventRefused(f"the event cannot be encoded: {error}") from error


def encode_loss(at_ms: int, first: int, last: int, count: int, why: str) -> bytes:
    """The record that events `first` to `last`, `count` of them, were given up, and why."""
    return encode_event({"type": "loss", "at": at_ms, "first": first, "last": last, "count": count, "why": why})


def _plain(value: object, depth: int) -> object:
    """A value as events carry it: JSON's types, with dates, enums and decimals turned into them."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if not isfinite(value):
            raise EventRefused(f"an event cannot carry {value}")
        return float(value)
    if depth <= 0:
        raise EventRefused(f"an event cannot be nested deeper than {_DEEPEST}")
    if isinstance(value, Mapping):
        members = cast("Mapping[object, object]", value)
        return {str(key): _plain(member, depth - 1) for key, member in members.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item, depth - 1) for item in cast("list[object]", value)]
    return _plain(_rare(value), depth)


def _rare(value: object) -> object:
    from datetime import date, time
    from decimal import Decimal
    from enum import Enum

    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    raise EventRefused(f"an event cannot carry a {type(value).__name__}")
