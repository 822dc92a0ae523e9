"""The recording of one decision: what was asked, what was known, what came out. docs/replay.md has its written form."""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from nearwise_rules.decide.surroundings import Signal
from nearwise_rules.replay.answers import Answer
from nearwise_rules.replay.members import map_of, member, number, texts_of

if TYPE_CHECKING:
    from nearwise_rules.documents import Json

FORMAT: Final = 1
"""The version of the written form."""


class RecordingLimits(NamedTuple):
    """How large a recording may be: bytes as MessagePack; values of the context, and how deep they are nested."""

    size_bytes: int = 24 * 1024
    values: int = 2_000
    depth: int = 6


class Memory(NamedTuple):
    """What was remembered of one owner: the part of his ledger that could be asked, and what other slots held of it."""

    ledger: bytes = b""
    held: Mapping[str, int] = MappingProxyType({})

    def to_members(self) -> dict[str, Json]:
        """The memory as a map, the ledger in Base64."""
        members: dict[str, Json] = {"ledger": b2a_base64(self.ledger, newline=False).decode(), "held": dict(self.held)}
        return {name: value for name, value in members.items() if value}

    @staticmethod
    def from_members(members: Mapping[str, object]) -> Memory:
        """The memory that `to_members` wrote. Raises ValueError for anything else."""
        held = map_of(members, "held")
        return Memory(
            ledger=a2b_base64(member(members, "ledger", str, ""), strict_mode=True),
            held={key: member(held, key, int) for key in held},
        )


NOTHING: Final = Memory()


class Recording(NamedTuple):
    """One decision, ready to be made again by a bundle of the same root.

    `data` are the attributes that the rules of `key` can read, without what the subject does not consent to; `granted`
    is the mask of his purposes. `memory` is that of the subject and of the device, by these words; None where nothing
    is remembered at all. `taken` are the offers that earlier placements of the same call showed.
    """

    bundle: int
    root: str
    key: str
    subject: Json
    at: float
    answer: Answer
    data: Mapping[str, Json]
    granted: int = 0
    signals: Mapping[str, Signal] = MappingProxyType({})
    traits: Mapping[str, Json] = MappingProxyType({})
    device: str = ""
    memory: Mapping[str, Memory] | None = None
    taken: tuple[str, ...] = ()

    def to_members(self) -> dict[str, Json]:
        """What travels and is stored: a map of values that JSON can carry, without what is empty."""
        members: dict[str, Json] = {
            "format": FORMAT,
            "bundle": self.bundle,
            "root": self.root,
            "key": self.key,
            "subject": self.subject,
            "at": self.at,
            "data": dict(self.data) or None,
            "granted": self.granted or None,
            "signals": {name: _signal_row(signal) for name, signal in self.signals.items()} or None,
            "traits": dict(self.traits) or None,
            "device": self.device or None,
            "memory": None if self.memory is None else _memory_members(self.memory),
            "taken": list(self.taken) or None,
            "answer": self.answer.to_members(),
        }
        return {name: value for name, value in members.items() if value is not None}

    @staticmethod
    def from_members(members: Mapping[str, object]) -> Recording:
        """The recording that `to_members` wrote.

        Raises:
            ValueError: it is none, or of a later format.
        """
        if members.get("format") != FORMAT:
            raise ValueError(f"a recording of format {members.get('format')!r:.20}; this version reads {FORMAT}")
        return Recording(
            bundle=member(members, "bundle", int),
            root=member(members, "root", str),
            key=member(members, "key", str),
            subject=_json(members.get("subject")),
            at=number(members.get("at"), "at"),
            answer=Answer.from_members(map_of(members, "answer")),
            data=map_of(members, "data"),
            granted=member(members, "granted", int, 0),
            signals={name: _signal(row) for name, row in map_of(members, "signals").items()},
            traits=map_of(members, "traits"),
            device=member(members, "device", str, ""),
            memory=None if members.get("memory") is None else _memory(map_of(members, "memory")),
            taken=texts_of(members.get("taken"), "taken"),
        )


def _json(value: object) -> Json:
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise ValueError("'subject' is neither a text nor a number")


def _memory_members(memory: Mapping[str, Memory]) -> dict[str, Json]:
    written = {per: each.to_members() for per, each in memory.items()}
    return {per: members for per, members in written.items() if members}


def _memory(members: Mapping[str, object]) -> dict[str, Memory]:
    return {per: Memory.from_members(map_of(members, per)) for per in members}


def _signal_row(signal: Signal) -> Json:
    expires = None if signal.expires == float("inf") else signal.expires
    return [cast("Json", signal.value), signal.at, expires]


def _signal(row: Json) -> Signal:
    if not isinstance(row, list) or len(row) != 3:
        raise ValueError("a signal is a value and two times")
    value, at, expires = row
    return Signal(value, number(at, "signals"), float("inf") if expires is None else number(expires, "signals"))
