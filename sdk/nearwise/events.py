"""The payloads of events: MessagePack maps as the server reads them. Nothing here keeps or sends an event.

Exposures repeat: all but the time, the decision id and the subject is the same for every decision that ends in one
outcome of one bundle. That part is encoded once; an exposure is the three values behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite
from typing import TYPE_CHECKING, cast
from zlib import crc32

from nearwise.errors import EventRefused
from nearwise_rules import decision_id

if TYPE_CHECKING:
    from nearwise_rules import Decision, Item, Outcome

_UINT64 = b"\xcf"
_ID = b"\xa2id"
_SUBJECT = b"\xa7subject"
_SUBJECT_OF = tuple(_SUBJECT + bytes((0xA0 | size,)) for size in range(32))
_SHORTEST, _LONGEST = 16**12, 16**13
"""Microseconds of 1978 and 2112: between them the middle of an id has 13 characters."""
_ID_REST = 13 + 1 + 8
_DEEPEST = 8


class ExposureHead:
    """The encoded part that all exposures of one outcome share."""

    __slots__ = ("_check", "_id", "_named", "_unnamed")

    def __init__(self, outcome: Outcome, granted: int | None = None) -> None:
        fields: dict[str, object] = {
            "type": "exposure",
            "flag": outcome.flag,
            "variant": outcome.variant,
            "reason": str(outcome.reason),
            "bundle": outcome.bundle_version,
            "rule": outcome.rule,
            "experiment": outcome.experiment,
            "propensity": outcome.propensity,
            **_participation(outcome),
            "granted": granted,
        }
        present = [(key, value) for key, value in fields.items() if value is not None]
        shared = b"".join(_pack(key) + _pack(value) for key, value in present) + _pack("at") + _UINT64
        self._named = bytes((0x80 | len(present) + 3,)) + shared
        self._unnamed = bytes((0x80 | len(present) + 2,)) + shared
        self._check = crc32(f"{outcome.flag}\0".encode("utf-8", "surrogatepass"))
        version = b"%x-" % outcome.bundle_version
        self._id = _ID + _text(version + bytes(_ID_REST))[:-_ID_REST]

    def event(self, now: float, decision: Decision) -> bytes:
        """One exposure of a decision, shown at Unix seconds `now`.

        The decision's id is put together here as `Decision.id` does it, because this is the path of every exposure.
        """
        subject = decision[3]
        moment = round(decision[2] * 1e6)
        if type(subject) is not str or not _SHORTEST <= moment < _LONGEST:
            return self._rare_event(now, decision)
        try:
            text = subject.encode()
        except UnicodeEncodeError:
            return self._rare_event(now, decision)
        size = len(text)
        return (
            self._named
            + max(int(now * 1000), 0).to_bytes(8, "big")
            + self._id
            + b"%x-%08x" % (moment, crc32(text, self._check))
            + (_SUBJECT_OF[size] if size < 32 else _SUBJECT + _text(text)[:-size])
            + text
        )

    def _rare_event(self, now: float, decision: Decision) -> bytes:
        """The same for odd subjects and odd clocks."""
        start = max(int(now * 1000), 0).to_bytes(8, "big") + _ID + _text(decision.id.encode())
        subject = decision[3]
        if subject is None:
            return self._unnamed + start
        text = subject if isinstance(subject, str) else str(subject)
        return self._named + start + _SUBJECT + _text(text.encode("utf-8", "replace"))


def _participation(outcome: Outcome) -> dict[str, object]:
    """What exposures say of a declared experiment beside its name: whether it assigned anew, and the whole cell."""
    part = outcome.participation
    return {} if part is None else {"new": part.new, "cell": None if part.cell is None else dict(part.cell)}


def item_exposure(item: Item, now: float, granted: int | None = None) -> dict[str, object]:
    """The exposure of one item of a placement, shown at Unix seconds `now`."""
    outcome, at, subject, _ = item[3]
    return {
        "type": "exposure",
        "at": int(now * 1000),
        "flag": outcome.flag,
        "variant": outcome.variant,
        "reason": str(outcome.reason),
        "bundle": outcome.bundle_version,
        "rule": outcome.rule,
        "experiment": outcome.experiment,
        "propensity": outcome.propensity,
        "id": decision_id(outcome, at, subject),
        "subject": None if subject is None else str(subject),
        "offer": item.key,
        "position": item.position,
        "score": item.score,
        "fallback": True if item.is_fallback else None,
        **_participation(outcome),
        "granted": granted,
    }


def _pack(value: object) -> bytes:
    from msgpack import packb  # pyright: ignore[reportUnknownVariableType]

    return cast("Callable[[object], bytes]", packb)(value)


def _text(text: bytes) -> bytes:
    """UTF-8 as a MessagePack string (msgpack spec.md, "str format family")."""
    size = len(text)
    if size < 32:
        return bytes((0xA0 | size,)) + text
    if size < 256:
        return b"\xd9" + bytes((size,)) + text
    return (b"\xda" + size.to_bytes(2, "big") if size < 65536 else b"\xdb" + size.to_bytes(4, "big")) + text


def encode_event(event: Mapping[str, object]) -> bytes:
    """One event as MessagePack. Keys whose value is None are left out.

    Raises:
        EventRefused: a value cannot be carried.
    """
    try:
        return _pack({key: _member(key, value, _DEEPEST) for key, value in event.items() if value is not None})
    except EventRefused:
        raise
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
        return {str(key): _member(key, member, depth - 1) for key, member in members.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item, depth - 1) for item in cast("list[object]", value)]
    return _plain(_rare(value), depth)


def _member(key: object, value: object, depth: int) -> object:
    """A value of a map; a refusal names the innermost key that leads to it."""
    try:
        return _plain(value, depth)
    except EventRefused as refused:
        if refused.__cause__ is not None:
            raise
        raise EventRefused(f"{str(key)[:100]!r}: {refused}") from refused


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
    raise EventRefused(f"an event cannot carry a value of type {type(value).__name__!r}")
