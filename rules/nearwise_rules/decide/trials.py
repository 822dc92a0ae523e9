"""A rule's part in an experiment: what the variants and cells of the experiment mean for one flag."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias

from nearwise_rules.decide.cells import cell_of
from nearwise_rules.decide.decision import Outcome, Participation
from nearwise_rules.decide.experiments import ExperimentPlan, Standing, Step
from nearwise_rules.decide.flags import Choice
from nearwise_rules.logic.values import at_path

if TYPE_CHECKING:
    from nearwise_rules.decide.question import Question
    from nearwise_rules.logic.bucketing import Bucketing

Make: TypeAlias = "Callable[[str, Standing, Participation], Outcome]"

OUTCOMES_KEPT = 1_000
"""Of remembered assignments each propensity makes an outcome of its own."""


class Trial(Choice):
    """What a rule serves by a declared experiment: of a multivariate one the levels of `factor`.

    `make` gives the outcome of a flag's variant, `held` is the holdout's. Making one raises:
        KeyError: the experiment has not that factor.
    """

    __slots__ = ("_cells", "_held", "_make", "_outcomes", "plan", "variants")

    def __init__(self, plan: ExperimentPlan, factor: str | None, make: Make, held: Outcome, unkeyed: Outcome) -> None:
        super().__init__(plan.by, f"the experiment {plan.key} by `{plan.by}`", unkeyed)
        self.plan = plan
        self._held = held
        self._make = make
        self._cells: dict[str, Mapping[str, str]] = {}
        if factor is not None:
            self._cells = {name: cell_of(name) for name in {*plan.propensities, *plan.overrides.values()}}
        self.variants = {
            name: name if factor is None else self._cells[name][factor]
            for name in (*plan.propensities, *plan.overrides.values())
        }
        self._outcomes: dict[Standing, Outcome] = {}

    def pick(self, question: Question, data: Mapping[str, object], bucketing: Bucketing) -> Outcome | None:  # noqa: ARG002
        return self.outcome(self.standing(question, data))

    def standing(self, question: Question, data: Mapping[str, object]) -> Standing:
        """Where the subject stands. What it is bucketed by is taken as the caller gave it: consent never assigns."""
        by = self.plan.by
        if by == "subject":
            return self.plan.standing(question, question.subject)
        path = by.split(".")
        given = at_path(question.data, path)
        return self.plan.standing(question, at_path(data, path) if given is None else given)

    def outcome(self, standing: Standing) -> Outcome | None:
        """What a standing means for this rule; None when the next rule is to be tried."""
        variant = standing.variant
        if variant is None:
            return self.unkeyed if standing.step is Step.UNKEYED else None
        if standing.step is Step.HELD:
            return self._held
        shared = standing._replace(bucket=0, since=None)
        found = self._outcomes.get(shared)
        if found is None:
            if len(self._outcomes) >= OUTCOMES_KEPT:
                self._outcomes = {}
            found = self._outcomes[shared] = self._make(self.variants[variant], standing, self._part(variant, standing))
        return found

    def _part(self, variant: str, standing: Standing) -> Participation:
        cell = self._cells.get(variant)
        override = standing.step is Step.OVERRIDE
        return Participation(
            self.plan.key, variant, standing.propensity, new=standing.new, cell=cell, override=override
        )
