"""Events: what a device reports, and what each must look like to be stored.

An event travels as one MessagePack map. Members that its type does not define are kept as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import NamedTuple, cast

from nearwise_rules.bundle.limits import BatchLimits
from nearwise_rules.bundle.messagepack import unpack

NO_EVENT = b"\xc0"
"""MessagePack nil: in a batch it holds the place of an event that is lost or erased."""

_MAX_TEXT_CHARACTERS = 1024  # of a member that an event type defines; long text belongs into `properties`
_NAME_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-"
_LAST_MILLISECOND = 253_402_300_799_999  # the end of the year 9999


@dataclass(frozen=True, slots=True)
class Event:
    """One event that passed every check; its sequence number is the batch's `first` + `index`.

    `at` is Unix milliseconds by the device's clock, `bundle` the version that decided; `fields` are all other members.
    """

    index: int
    type: str
    at: int
    subject: str | None
    bundle: int | None
    fields: Mapping[str, object]

    @property
    def members(self) -> dict[str, object]:
        """All members, as the device sent them."""
        members: dict[str, object] = {"type": self.type, "at": self.at, **self.fields}
        if self.subject is not None:
            members["subject"] = self.subject
        if self.bundle is not None:
            members["bundle"] = self.bundle
        return members


@dataclass(frozen=True, slots=True)
class Rejected:
    """One event that is not stored: its index in the batch, and why in a few words."""

    index: int
    reason: str


class Allowance:
    """How many values, nested ones included, the events of one batch may still hold together."""

    __slots__ = ("most", "values_left")

    def __init__(self, limits: BatchLimits) -> None:
        self.most = self.values_left = limits.max_values

    def take(self, values: int) -> bool:
        """Take off so many values; False, from then on for all, when there are not as many left."""
        self.values_left -= values
        return self.values_left >= 0


def read_event(index: int, payload: object, limits: BatchLimits, allowance: Allowance) -> Event | Rejected:
    """Decode and check one event of a batch; never raises."""
    if not isinstance(payload, bytes):
        return Rejected(index, "not a byte string")
    if len(payload) > limits.max_event_bytes:
        return Rejected(index, f"{len(payload)} bytes, at most {limits.max_event_bytes}")
    if payload == NO_EVENT:
        return Rejected(index, "no event")
    if not allowance.take(1):
        return Rejected(index, f"more than {allowance.most} values in the batch")
    members = event_members(payload)
    if members is None:
        return Rejected(index, "not a MessagePack map")
    wrong = _wrong_value(members, limits.max_event_depth, allowance) or _wrong_member(members)
    if wrong is not None:
        return Rejected(index, wrong)
    kind, at = cast("str", members.pop("type")), cast("int", members.pop("at"))
    subject, bundle = cast("str | None", members.pop("subject", None)), cast("int | None", members.pop("bundle", None))
    return Event(index, kind, at, subject, bundle, members)


def event_members(payload: bytes) -> dict[str, object] | None:
    """The members of an encoded event, unchecked; None when it is not one map."""
    try:
        members = unpack(payload)
    except ValueError:
        return None
    return cast("dict[str, object]", members) if isinstance(members, dict) else None


def _wrong_value(members: object, max_depth: int, allowance: Allowance) -> str | None:
    """What an event holds that JSON could not, None when all is well. Walks level by level, without recursion."""
    level = [members]
    for depth in range(1, max_depth + 2):
        below: list[object] = []
        for value in level:
            if isinstance(value, float):
                if not isfinite(value):
                    return f"{value} is not a number to store"
            elif not isinstance(value, dict | list):
                return f"a {type(value).__name__} is not a value to store"
            elif depth > max_depth:
                return f"nested deeper than {max_depth}"
            elif value:
                children = _children(cast("dict[object, object] | list[object]", value))
                if children is None:
                    return "a map with a key that is not text"
                if not allowance.take(len(children)):
                    return f"more than {allowance.most} values in the batch"
                below += [child for child in children if type(child) not in _PLAIN]
        level = below
    return None


def _children(value: dict[object, object] | list[object]) -> Collection[object] | None:
    """The values in a map or list; None when a key is not text."""
    if isinstance(value, list):
        return value
    return None if {*map(type, value)} - {str} else value.values()


_PLAIN = frozenset((str, int, bool, type(None)))


def _wrong_member(members: Mapping[str, object]) -> str | None:
    """Which member is missing or has a value it may not have, None when all is well."""
    kind = members.get("type")
    if not isinstance(kind, str) or kind not in _MEMBERS:
        return "unknown type"
    for name, check in _MEMBERS[kind]:
        value = members.get(name)
        if value is None and check.may_be_missing:
            continue
        if not check.is_good(value):
            return f"{name} is not {check.what}" if name in members else f"{name} is missing"
    return None


class _Check(NamedTuple):
    what: str
    is_good: Callable[[object], bool]
    may_be_missing: bool = False


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _MAX_TEXT_CHARACTERS


def _is_short(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _MAX_TEXT_CHARACTERS


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 0


def _is_time(value: object) -> bool:
    return type(value) is int and 0 <= value <= _LAST_MILLISECOND


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _is_map(value: object) -> bool:
    return isinstance(value, dict)


def _is_boolean(value: object) -> bool:
    return isinstance(value, bool)


def _is_name(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 128 and not value.strip(_NAME_CHARACTERS)


def _is_digest(value: object) -> bool:
    return isinstance(value, str) and len(value) == 64 and not value.strip("0123456789abcdef")


_TEXT = _Check(f"text of 1..{_MAX_TEXT_CHARACTERS} characters", _is_text)
_COUNT = _Check("a count", _is_count)
_TIME = _Check("Unix milliseconds", _is_time)
_MAYBE_TEXT = _Check(f"text of at most {_MAX_TEXT_CHARACTERS} characters", _is_short, may_be_missing=True)
_MAYBE_COUNT = _COUNT._replace(may_be_missing=True)
_MAYBE_NUMBER = _Check("a number", _is_number, may_be_missing=True)
_MAYBE_SHARE = _Check("a number from 0 to 1", _is_share, may_be_missing=True)
_MAP = _Check("a map", _is_map)
_MAYBE_MAP = _MAP._replace(may_be_missing=True)
_MAYBE_BOOLEAN = _Check("true or false", _is_boolean, may_be_missing=True)
_NAME = _Check("1..128 of A-Z a-z 0-9 . _ : -", _is_name)
_DIGEST = _Check("64 hex digits", _is_digest)

_OF_ALL = {"at": _TIME, "subject": _MAYBE_TEXT, "bundle": _MAYBE_COUNT}
_OF_TYPE: Mapping[str, Mapping[str, _Check]] = {
    "exposure": {
        "flag": _TEXT,
        "variant": _MAYBE_TEXT,
        "reason": _TEXT,
        "id": _MAYBE_TEXT,
        "rule": _MAYBE_TEXT,
        "experiment": _MAYBE_TEXT,
        "propensity": _MAYBE_SHARE,
        "offer": _MAYBE_TEXT,
        "position": _MAYBE_COUNT,
        "new": _MAYBE_BOOLEAN,
        "cell": _MAYBE_MAP,
        "granted": _MAYBE_COUNT,
    },
    "track": {"name": _TEXT, "value": _MAYBE_NUMBER, "properties": _MAYBE_MAP, "granted": _MAYBE_COUNT},
    "summary": {"flag": _TEXT, "variant": _MAYBE_TEXT, "count": _COUNT, "from": _TIME},
    "loss": {"first": _COUNT, "last": _COUNT, "count": _COUNT, "why": _TEXT},
    "status": {},
    "consent": {"granted": _COUNT, "policy": _MAYBE_TEXT, "gpc": _MAYBE_BOOLEAN},
    "erasure": {"id": _NAME, "digest": _DIGEST},
    "trigger": {"trigger": _TEXT, "id": _TEXT, "payload": _MAYBE_MAP, "channel": _MAYBE_TEXT},
    "decision": {"record": _MAP},
    "join": {"subject": _TEXT, "anonymous": _TEXT},
}
_MEMBERS = {kind: tuple({**_OF_ALL, **checks}.items()) for kind, checks in _OF_TYPE.items()}
