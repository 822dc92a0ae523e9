"""Making a recorded decision again, by the bundle of the recording or by another one."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from nearwise_rules.bundle.messagepack import pack
from nearwise_rules.decide.question import Question
from nearwise_rules.decide.surroundings import DEVICE, Surroundings
from nearwise_rules.history import Ledger
from nearwise_rules.replay.answers import Answer
from nearwise_rules.replay.recording import NOTHING, Memory

if TYPE_CHECKING:
    from nearwise_rules.decide.decision import Decision
    from nearwise_rules.decide.explanation import Explanation
    from nearwise_rules.decide.release import Release
    from nearwise_rules.documents import Json
    from nearwise_rules.replay.recording import Recording
    from nearwise_rules.windows import Calendar


_ANOTHER_SLOT = ""
"""No placement has this key."""

_MOST_HELD = 10_000


class Difference(NamedTuple):
    """One field of an answer that came out otherwise; None where an answer has it not."""

    field: str
    recorded: Json
    repeated: Json


def repeat(release: Release, recording: Recording) -> Decision:
    """Decide once more what a recording asks. Never raises for what it holds; a damaged ledger is an error code."""
    return release.ask(recording.key, asked_again(release, recording), recording.taken)


def asked_again(release: Release, recording: Recording) -> Question:
    """The question of a recording, with everything that was known."""
    memory = recording.memory
    known = Surroundings(
        granted=recording.granted,
        history=None if memory is None else _Recalled(memory, release.catalogue.calendar),
        signals=recording.signals,
        traits=recording.traits,
        device=recording.device,
    )
    return Question(recording.data, recording.subject, recording.at, kind=release.kind, surround=lambda _: known)


def explain_recording(release: Release, recording: Recording) -> Explanation:
    """What a recording asks, decided and explained."""
    from nearwise_rules.decide.explanation import explain_answer

    return explain_answer(release, recording.key, asked_again(release, recording), recording.taken)


class _Recalled:
    """The history of a recording; a ledger is read when it is first asked."""

    __slots__ = ("_calendar", "_ledgers", "_memory")

    def __init__(self, memory: Mapping[str, Memory], calendar: Calendar) -> None:
        self._memory = memory
        self._calendar = calendar
        self._ledgers: dict[str, Ledger] = {}

    def recall(self, owner: str) -> Ledger:
        """The ledger of the device, or of the one subject that the recording is about."""
        per = "device" if owner == DEVICE else "subject"
        if per not in self._ledgers:
            self._ledgers[per] = self._read(self._memory.get(per, NOTHING))
        return self._ledgers[per]

    def _read(self, memory: Memory) -> Ledger:
        written, calendar = memory.ledger, self._calendar
        if memory is NOTHING:
            return _empty(calendar)
        ledger = Ledger.from_bytes(written, calendar) if written else Ledger(calendar)
        if memory.held:
            keys = [key for key, times in memory.held.items() for _ in range(min(times, _MOST_HELD))]
            ledger.hold(keys, _ANOTHER_SLOT, inf)
        return ledger


@lru_cache(maxsize=8)
def _empty(calendar: Calendar) -> Ledger:
    """A ledger of nothing, for all that nobody adds to."""
    return Ledger(calendar)


def is_same(recording: Recording, decision: Decision) -> bool:
    """Whether a decision is the recorded one bit for bit: what was chosen and why, items in their order, scores."""
    return pack(recording.answer.to_members()) == pack(Answer.of(decision).to_members())


def differences(recording: Recording, decision: Decision) -> tuple[Difference, ...]:
    """What is not the same, field by field."""
    recorded, repeated = recording.answer.to_members(), Answer.of(decision).to_members()
    fields = dict.fromkeys((*recorded, *repeated))
    return tuple(
        [
            Difference(field, recorded.get(field), repeated.get(field))
            for field in fields
            if pack(recorded.get(field)) != pack(repeated.get(field))
        ]
    )
