"""What is asked: the context's data, the subject, the clock and who asks; and what all its prerequisites may cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from nearwise_rules.decide.decision import Decision, Outcome, Participation
from nearwise_rules.decide.surroundings import DEVICE, Surround, Surroundings, nothing_known, owner_of
from nearwise_rules.errors import BudgetExceeded
from nearwise_rules.logic import DEFAULT_LIMITS, Run

if TYPE_CHECKING:
    from nearwise_rules.documents import Json
    from nearwise_rules.history import Ledger
    from nearwise_rules.logic import Diagnostic


PREREQUISITE_OPERATIONS = 2 * DEFAULT_LIMITS.operations


class Question:
    """One question to a flag. `at` is Unix seconds; `owner` is the caller's own and comes back on the decision.

    `surround` gives what is known of the subject beside the data, looked at only when something reads it.
    `operations_left` is for all prerequisites together. `answers` are the variants of prerequisites decided so far; a
    flag that is still being decided has None there. `assignments` are what those prerequisites newly assigned.
    """

    __slots__ = (
        "_ledgers",
        "_surroundings",
        "answers",
        "assignments",
        "at",
        "data",
        "default",
        "kind",
        "operations_left",
        "owner",
        "subject",
        "surround",
    )

    def __init__(
        self,
        data: Mapping[str, object],
        subject: object,
        at: float,
        default: Json = None,
        owner: object = None,
        *,
        kind: type[Decision] = Decision,
        surround: Surround = nothing_known,
    ) -> None:
        self.data: Mapping[str, object] = data
        self.subject: object = subject
        self.at: float = at
        self.default = default
        self.owner = owner
        self.kind = kind
        self.answers: dict[str, str | None] = {}
        self.assignments: tuple[Participation, ...] = ()
        self.operations_left = PREREQUISITE_OPERATIONS
        self.surround: Surround = surround
        self._surroundings: Surroundings | None = None
        self._ledgers: dict[str, Ledger | None] = {}

    @property
    def surroundings(self) -> Surroundings:
        """What is known of the subject beside the data, the same for the whole question."""
        known = self._surroundings
        if known is None:
            known = self._surroundings = self.surround(self.subject)
        return known

    def ledger(self, per: str = "subject") -> Ledger | None:
        """What the device remembers of the subject, or of itself; None where nothing is remembered."""
        known = self._ledgers
        if per not in known:
            history = self.surroundings.history
            owner = DEVICE if per == "device" else owner_of(self.subject)
            known[per] = None if history is None else history.recall(owner)
        return known[per]

    def answer(self, outcome: Outcome, diagnostics: tuple[Diagnostic, ...] = ()) -> Decision:
        """The decision that `outcome` means for this question."""
        value = self.default if outcome.variant is None else outcome.value
        if self.assignments:
            outcome = outcome.remembering(_without_repeats((*self.assignments, *outcome.assignments)))
        return self.kind((outcome, value, self.at, self.subject, diagnostics, self.owner))


def _without_repeats(assignments: tuple[Participation, ...]) -> tuple[Participation, ...]:
    return tuple({each.experiment: each for each in assignments}.values())


class PrerequisiteRun(Run):
    """The environment of a flag on the way to another: it also spends of what the question has left, for good."""

    __slots__ = ("question",)

    question: Question

    def spend(self, operations: int) -> None:
        self.question.operations_left -= operations
        if self.question.operations_left < 0:
            raise BudgetExceeded("the prerequisites used up their operations")
        super().spend(operations)
