"""A share of the decisions, recorded with all that they could read, so that they can be made again elsewhere.

The bundle says which share. The event `decision` carries a recording, where the subject consents to that event.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, cast

from nearwise.events import encode_event

if TYPE_CHECKING:
    from nearwise.context import Decide, DecideMany
    from nearwise.decisions import Decision
    from nearwise.shelf import Active
    from nearwise_rules import Json, Recording, Release, Surroundings


class Recorder:
    """Puts recordings into an outbox. Never raises and never waits: what cannot be recorded is counted."""

    def __init__(self) -> None:
        self.append: Callable[[bytes], object] = lambda _payload: None
        self.refused = 0
        """How many decisions were chosen and could not be recorded."""
        self.failed: str | None = None
        """Why the last of them could not be."""

    def adopt(self, active: Active) -> Active:
        """What decides, recording the share that its bundle asks for; as it is when that is none."""
        release = active.release
        if release is None or not release.terms.recorded:
            return active
        recorded = Recorded(active, release, self)
        return active._replace(decide=recorded.decide, decide_many=recorded.decide_many)

    def keep(self, make: Callable[[], Recording], granted: int) -> None:
        """Record one decision whose subject grants these purposes."""
        try:
            self.append(encode_event(_event(make(), granted)))
        except Exception as error:  # noqa: BLE001  a decision never fails for the sake of its recording
            self.refused += 1
            self.failed = f"{type(error).__name__}: {error}"


class Recorded:
    """Decides as another does, and records the decisions that the bundle's share takes."""

    def __init__(self, active: Active, release: Release, recorder: Recorder) -> None:
        from nearwise_rules import Sampling

        self._decide: Decide = active.decide
        self._decide_many: DecideMany = active.decide_many
        self._release = release
        self._recorder = recorder
        self._takes = Sampling(release.version, release.terms.recorded).takes
        self._needed = release.terms.event("decision").mask

    def decide(
        self, flag: str, data: Mapping[str, object], subject: object, at: float, default: Json, owner: object, /
    ) -> Decision:
        """Decide one flag or placement."""
        known = self._known(subject) if self._is_chosen(flag, subject, at) else None
        if known is None:
            return self._decide(flag, data, subject, at, default, owner)
        from nearwise_rules import Question, record

        release = self._release
        question = Question(data, subject, at, default, owner, kind=release.kind, surround=lambda _subject: known)
        decision = release.ask(flag, question)
        self._recorder.keep(partial(record, release, question, decision), known.granted)
        return cast("Decision", decision)

    def decide_many(
        self,
        keys: Sequence[str],
        data: Mapping[str, object],
        subject: object,
        at: float,
        owner: Callable[[], object],
        /,
    ) -> list[Decision]:
        """Decide several at once."""
        chosen = [key for key in dict.fromkeys(keys) if self._is_chosen(key, subject, at)]
        known = self._known(subject) if chosen else None
        if known is None:
            return self._decide_many(keys, data, subject, at, owner)
        from nearwise_rules import Question, record

        release, taken = self._release, list[str]()
        decisions = cast("list[Decision]", release.decide_many(keys, data, subject, at, owner, known))
        for decision in {decision.flag: decision for decision in decisions}.values():
            if decision.flag in chosen:
                question = Question(data, subject, at, surround=lambda _subject: known)
                before = tuple(taken) if isinstance(decision[1], tuple) else ()
                self._recorder.keep(partial(record, release, question, decision, before), known.granted)
            taken += [item.key for item in decision.items if not item.is_fallback]
        return decisions

    def _is_chosen(self, key: str, subject: object, at: float) -> bool:
        try:
            return self._takes(key, subject, at)
        except (ArithmeticError, TypeError, ValueError):  # a clock or a key that is none: the decision says so
            return False

    def _known(self, subject: object) -> Surroundings | None:
        """What is known of a subject, from now on standing still; None when he does not consent to be recorded."""
        from nearwise_rules import standing_still

        try:
            known = self._release.surround(subject)
            return None if self._needed & ~known.granted else standing_still(known)
        except Exception as error:  # noqa: BLE001  who decides finds out, and has an answer to it
            self._recorder.failed = f"{type(error).__name__}: {error}"
            return None


def _event(recording: Recording, granted: int) -> dict[str, object]:
    subject = recording.subject
    return {
        "type": "decision",
        "at": int(recording.at * 1000),
        "subject": None if subject is None else str(subject),
        "bundle": recording.bundle,
        "granted": granted,
        "record": recording.to_members(),
    }
