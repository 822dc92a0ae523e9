"""From a flag's entry to its plan: outcomes made, conditions parsed, splits laid out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from nearwise_rules.bundle.canonical import canonical_json
from nearwise_rules.decide.decision import ErrorCode, Outcome, Reason
from nearwise_rules.decide.flags import Choice, FlagPlan, Split
from nearwise_rules.decide.reading import Reading
from nearwise_rules.decide.splits import HoldoutGate, Shares
from nearwise_rules.logic import Expression, parse

if TYPE_CHECKING:
    from nearwise_rules.decide.decision import Participation
    from nearwise_rules.decide.experiments import ExperimentPlan, Standing
    from nearwise_rules.decide.release import Release
    from nearwise_rules.documents import Json, JsonObject


class _Planner:
    """Builds one plan; reads the entry's fields in the shapes that `documents` gives them."""

    def __init__(self, key: str, entry: JsonObject, release: Release) -> None:
        self.key = key
        self.entry = entry
        self.release = release
        self.variants = cast("Mapping[str, Json]", entry["variants"])
        if any(isinstance(value, dict | list) for value in self.variants.values()):
            canonical_json(self.variants)  # a value that is nested too deeply to be copied is refused here
        self.rules = cast("list[JsonObject]", entry.get("rules", []))
        self.neutral = str(entry.get("neutral") or entry["default"])
        default = str(entry["default"])
        self.unkeyed = self.outcome(default, Reason.ERROR, error_code=ErrorCode.TARGETING_KEY_MISSING)
        self.names = tuple(str(rule.get("name") or f"rule-{n}") for n, rule in enumerate(self.rules, 1))

    def outcome(
        self,
        variant: str | None,
        reason: Reason,
        *,
        rule: str | None = None,
        experiment: str | None = None,
        propensity: float | None = None,
        error_code: ErrorCode | None = None,
    ) -> Outcome:
        return Outcome(
            self.key,
            reason,
            value=None if variant is None else self.variants[variant],
            variant=variant,
            rule=rule,
            experiment=experiment,
            propensity=propensity,
            bundle_version=self.release.version,
            issued=self.release.issued,
            error_code=error_code,
            exposures=str(self.entry.get("exposures", "each")),
            dedupe=cast("str | None", self.entry.get("dedupe")),
        )

    def served(self, name: str, rule: JsonObject) -> Outcome | Choice:
        experiment = cast("str | None", rule.get("experiment"))
        serve = cast("str | None", rule.get("serve"))
        if serve is not None:
            return self.outcome(serve, Reason.TARGETING_MATCH, rule=name, experiment=experiment)
        plan = None if experiment is None else self.release.experiments.plan(experiment)
        return self.split(name, rule, experiment) if plan is None else self.trial(name, rule, plan)

    def trial(self, name: str, rule: JsonObject, plan: ExperimentPlan) -> Choice:
        """What a rule serves by a declared experiment."""
        from nearwise_rules.decide.trials import Trial

        def make(variant: str, standing: Standing, part: Participation) -> Outcome:
            reason = Reason.TARGETING_MATCH if part.override else Reason.SPLIT
            made = self.outcome(variant, reason, rule=name, experiment=plan.key, propensity=standing.propensity)
            made.participation = part
            made.assignments = (part,) if part.new else ()
            made.dedupe = plan.dedupe or made.dedupe
            made.exposures = "none" if part.override else made.exposures
            return made

        held = self.outcome(self.neutral, Reason.HOLDOUT, rule=name, experiment=plan.key)
        trial = Trial(plan, cast("str | None", rule.get("factor")), make, held, self.unkeyed)
        unknown = set(trial.variants.values()) - set(self.variants)
        if unknown:
            raise KeyError(f"variants that the experiment {plan.key} gives: {sorted(unknown)}")
        return trial

    def split(self, name: str, rule: JsonObject, experiment: str | None) -> Split:
        """What a rule serves by ranges of its own."""
        ranges = cast("list[tuple[str, int, int]]", rule["ranges"])
        width: dict[str, int] = {}
        for variant, start, end in ranges:
            width[variant] = width.get(variant, 0) + end - start
        outcomes = {
            variant: self.outcome(variant, Reason.SPLIT, rule=name, experiment=experiment, propensity=points / 10_000)
            for variant, points in width.items()
        }
        shares = Shares([(outcomes[variant], start, end) for variant, start, end in ranges])
        return Split(str(rule.get("by", "subject")), str(self.entry.get("salt") or self.key), shares, self.unkeyed)

    def holdout(self) -> HoldoutGate | None:
        own = self.entry.get("holdout")
        chosen = self.release.holdout if own is None else own
        if not isinstance(chosen, Mapping):
            return None
        return HoldoutGate(cast("float", chosen["percent"]), str(chosen.get("salt", "holdout")))

    def plan(self) -> FlagPlan:
        entry = self.entry
        plan = FlagPlan()
        plan.key = self.key
        plan.names = self.names
        plan.conditions = tuple(self.condition(rule) for rule in self.rules)
        plan.served = tuple(map(self.served, self.names, self.rules))
        default = str(entry["default"])
        plan.disabled = entry.get("enabled") is False
        plan.fallback = self.outcome(default, Reason.DEFAULT if self.rules else Reason.STATIC)
        plan.neutral = self.outcome(self.neutral, Reason.DISABLED)
        plan.unmet = self.outcome(self.neutral, Reason.PREREQUISITE_FAILED)
        plan.unkeyed = self.unkeyed
        plan.late = self.outcome(self.neutral, Reason.STALE)
        plan.holdout = self.holdout()
        experiments = {
            name: cast("str | None", rule.get("experiment")) for name, rule in zip(self.names, self.rules, strict=True)
        }
        plan.held = {
            name: self.outcome(self.neutral, Reason.HOLDOUT, rule=name, experiment=experiment)
            for name, experiment in experiments.items()
        }
        requires = cast("list[JsonObject]", entry.get("requires", []))
        plan.requires = tuple((str(item["flag"]), frozenset(cast("list[str]", item["variant"]))) for item in requires)
        reads = [name for condition in plan.conditions for name in self.release.reads(condition)]
        reads += [served.by for served in plan.served if isinstance(served, Choice) and served.by != "subject"]
        plan.reading = Reading(reads, self.release)
        return plan

    def condition(self, rule: JsonObject) -> Expression:
        return parse(rule.get("when", True), dialect=self.release.dialect, types=self.release.attributes)


def plan_flag(key: str, entry: JsonObject, release: Release) -> FlagPlan:
    """The plan of one flag.

    Raises:
        DocumentError: a condition does not parse.
        KeyError, TypeError, ValueError: the entry does not have the shape of a flag.
    """
    return _Planner(key, entry, release).plan()
