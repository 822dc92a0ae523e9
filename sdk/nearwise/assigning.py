"""Sticky experiments on a device: what a decision newly assigns is put into the history of its subject."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from nearwise_rules import Assignment, owner_of

if TYPE_CHECKING:
    from nearwise.context import Decide, DecideMany
    from nearwise.decisions import Decision
    from nearwise.shelf import Active
    from nearwise_rules import History, Json, Release


class Assigning:
    """Decides as `decide` and `decide_many` do, and lets `history` remember what they assign. Never raises."""

    def __init__(self, decide: Decide, decide_many: DecideMany, history: History) -> None:
        self._decide = decide
        self._decide_many = decide_many
        self._history = history

    def decide(
        self, flag: str, data: Mapping[str, object], subject: object, at: float, default: Json, owner: object, /
    ) -> Decision:
        """Decide one flag or placement."""
        decision = self._decide(flag, data, subject, at, default, owner)
        if decision[0].assignments:
            self._remember(decision)
        return decision

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
        decisions = self._decide_many(keys, data, subject, at, owner)
        for decision in decisions:
            if decision[0].assignments:
                self._remember(decision)
        return decisions

    def _remember(self, decision: Decision) -> None:
        ledger = self._history.recall(owner_of(decision.subject))
        for each in decision.assignments:
            ledger.assign(each.experiment, Assignment(each.variant, each.propensity or 0.0, decision.at))


def assigning(active: Active, history: History) -> Active:
    """What decides, remembering what it assigns; as it is when its bundle has no sticky experiment."""
    release = active.release
    if release is None or not _assigns(release):
        return active
    remembering = Assigning(active.decide, active.decide_many, history)
    return active._replace(decide=remembering.decide, decide_many=remembering.decide_many)


def _assigns(release: Release) -> bool:
    keys = release.bundle.keys("experiment")
    return any(release.experiments.document("experiment", key).get("sticky") is True for key in keys)
