"""Recording a decision: what its rules could look at, as it was then, and what they answered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, cast

from nearwise_rules.bundle.messagepack import pack
from nearwise_rules.decide.sights import Sight, sight_of
from nearwise_rules.decide.surroundings import DEVICE, Signal, Surroundings, owner_of, place_of
from nearwise_rules.errors import RecordingRefused
from nearwise_rules.logic.values import at_path
from nearwise_rules.replay.answers import Answer
from nearwise_rules.replay.plain import Plainly
from nearwise_rules.replay.recording import NOTHING, Memory, Recording, RecordingLimits
from nearwise_rules.replay.repeating import is_same, repeat

if TYPE_CHECKING:
    from nearwise_rules.decide.decision import Decision
    from nearwise_rules.decide.question import Question
    from nearwise_rules.decide.release import Release
    from nearwise_rules.documents import Json
    from nearwise_rules.history import History, Ledger

DEFAULT_LIMITS = RecordingLimits()


def standing_still(known: Surroundings) -> Surroundings:
    """The same surroundings, with history as it is when it is first asked: later changes do not reach it."""
    history = known.history
    return known if history is None else known._replace(history=_StillHistory(history))


class _StillHistory:
    """Copies of ledgers, each made once."""

    __slots__ = ("_history", "_ledgers")

    def __init__(self, history: History) -> None:
        self._history = history
        self._ledgers: dict[str, Ledger] = {}

    def recall(self, owner: str) -> Ledger:
        """The copy of an owner's ledger."""
        found = self._ledgers.get(owner)
        if found is None:
            found = self._ledgers[owner] = self._history.recall(owner).still()
        return found


def record(
    release: Release,
    question: Question,
    decision: Decision,
    taken: Sequence[str] = (),
    limits: RecordingLimits = DEFAULT_LIMITS,
) -> Recording:
    """Record what a release has just answered to a question, so that `repeat` can make it answer again.

    Where others may change the ledgers meanwhile, ask with surroundings that are `standing_still`. `taken` are the
    offers that earlier placements of the same call show. What the subject does not consent to is left out. The
    recording was repeated once before it is given.

    Raises:
        RecordingRefused: it would be too large, or hangs on a value that no recording can hold.
    """
    recording = _Recorder(release, question, limits).recording(decision, tuple(taken))
    size = len(pack(recording.to_members()))
    if size > limits.size_bytes:
        raise RecordingRefused(f"the recording would have {size:,} bytes, at most {limits.size_bytes:,}")
    if not is_same(recording, repeat(release, recording)):
        raise RecordingRefused("the decision hangs on a value that no recording holds")
    return recording


class _Recorder:
    """Records one decision."""

    def __init__(self, release: Release, question: Question, limits: RecordingLimits) -> None:
        self._release = release
        self._question = question
        self._known = question.surroundings
        self._plainly = Plainly(release.zone, limits.values, limits.depth)

    def recording(self, decision: Decision, taken: tuple[str, ...]) -> Recording:
        release, question, known = self._release, self._question, self._known
        sight = sight_of(release, decision.flag)
        return Recording(
            bundle=release.version,
            root=release.bundle.manifest.root,
            key=decision.flag,
            subject=self._plainly.value(question.subject),
            at=float(question.at),
            answer=Answer.of(decision),
            data=self._data(sight),
            granted=known.granted,
            signals=dict(self._signals(sight)),
            traits=dict(self._traits(sight)),
            device=known.device if sight.names_device else "",
            memory=None if known.history is None else self._memory(known.history, sight, decision.flag),
            taken=taken,
        )

    def _data(self, sight: Sight) -> dict[str, Json]:
        """The data that can be read; what needs a consent that is not given is null, as rules find it."""
        data = self._plainly.parts(self._question.data, sight.wanted)
        for each in sight.attributes:
            if each.mask & ~self._known.granted and at_path(data, each.path) is not None:
                *parents, last = each.path
                cast("dict[str, Json]", at_path(data, parents))[last] = None
        return data

    def _signals(self, sight: Sight) -> Iterator[tuple[str, Signal]]:
        """The signals that can be read; of those without consent only the age, where it is read."""
        signals, granted = self._known.signals, self._known.granted
        readable = {each.name for each in sight.attributes if each.is_provided and not each.mask & ~granted}
        for name in sorted({*readable, *sight.ages}):
            signal = signals.get(name)
            if signal is not None:
                value = self._plainly.value(signal.value) if name in readable else None
                yield name, Signal(value, float(signal.at), float(signal.expires))

    def _traits(self, sight: Sight) -> Iterator[tuple[str, Json]]:
        traits, granted = self._known.traits, self._known.granted
        for each in sight.attributes:
            if each.source == "trait" and not each.mask & ~granted and each.name in traits:
                yield each.name, self._plainly.value(traits[each.name])

    def _memory(self, history: History, sight: Sight, key: str) -> dict[str, Memory]:
        owner = owner_of(self._question.subject)
        memory = {
            per: self._part(per, history.recall(name), sight, key)
            for per, name in (("subject", owner), ("device", DEVICE))
        }
        return {per: part for per, part in memory.items() if part != NOTHING}

    def _part(self, per: str, ledger: Ledger, sight: Sight, key: str) -> Memory:
        """The part of a ledger that can be asked, and what other slots hold of it."""
        is_asked = sight.remembers(per, self._known.granted)
        part = ledger.part(is_asked, sight.experiments if per == "subject" else ())
        held = ledger.held_by_others(place_of(key, per, self._question.subject), self._question.at)
        return Memory(
            part.to_bytes() if part.newest is not None else b"",
            {name: times for name, times in held.items() if is_asked("exposure", name)},
        )
