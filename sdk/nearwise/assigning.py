"""Sticky experiments on a device: what a decision newly assigns is put into the history of its subject."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from nearwise_rules import Assignment, owner_of

if TYPE_CHECKING:
    from nearwise.context import Decide, DecideMany
    from nearwise.decisions import Decision
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


def has_sticky_experiments(release: Release) -> bool:
    """Whether a release can assign anything that has to be remembered: others decide without this detour."""
    return any(
        release.experiments.document("experiment", key).get("sticky") for key in release.bundle.keys("experiment")
    )
