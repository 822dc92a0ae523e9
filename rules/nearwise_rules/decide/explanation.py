"""Why a flag answered as it did: each rule in order, what decided it, and what would have to change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nearwise_rules.decide.decision import Decision, ErrorCode, Outcome, Reason
from nearwise_rules.decide.flags import Choice, FlagResolver
from nearwise_rules.decide.membership import told
from nearwise_rules.decide.question import Question
from nearwise_rules.decide.trials import Trial
from nearwise_rules.logic import Finding, explain_condition, trace
from nearwise_rules.logic.tree import Literal, Operation, walk

if TYPE_CHECKING:
    from nearwise_rules.decide.release import Release
    from nearwise_rules.logic import Node, Run, Trace


@dataclass(frozen=True, slots=True)
class RuleExplanation:
    """One rule as it was tried: whether its condition held, what it did then, and the parts that decided it."""

    name: str
    held: bool
    effect: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class CandidateExplanation:
    """One candidate of a placement: whether it is shown, its score if it was scored, and why it is where it is."""

    key: str
    is_shown: bool
    score: float | None
    because: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision and the way to it. `notes`: gates met before the rules (disabled, prerequisite, expiry).

    `candidates`: those of a placement, the shown ones first, then by score, then those that were kept out.
    """

    decision: Decision
    notes: tuple[str, ...]
    rules: tuple[RuleExplanation, ...]
    candidates: tuple[CandidateExplanation, ...] = ()

    def lines(self) -> Iterator[str]:
        """The explanation as text for people, a line at a time."""
        decision = self.decision
        answer = repr(decision.value) if decision.variant is None else decision.variant
        if self.candidates or decision.items:
            answer = ", ".join(decision.keys) or "nothing"
        yield f"{decision.flag}  ->  {answer}   {headline(decision)}"
        for note in self.notes:
            yield f"  {note}"
        width = max((len(rule.name) for rule in self.rules), default=0)
        for rule in self.rules:
            yield f"  {rule.name:<{width}}  {'held' if rule.held else 'out '}  {rule.effect}".rstrip()
            for finding in rule.findings:
                if finding.good is rule.held:
                    yield f"  {'':<{width}}        {finding.message}"
        width = max((len(each.key) for each in self.candidates), default=0)
        for each in self.candidates:
            score = (
                "out" if each.score is None and not each.is_shown else "" if each.score is None else f"{each.score:.2f}"
            )
            yield f"  {each.key:<{width}}  {score:>6}  {each.because}".rstrip()
        for diagnostic in decision.diagnostics:
            yield f"  ! {diagnostic.code} {diagnostic.place}: {diagnostic.message}"

    def __str__(self) -> str:
        return "\n".join(self.lines())


def headline(decision: Decision) -> str:
    """Reason, rule, share, experiment and bundle of a decision in one line."""
    parts = [decision.reason.value, *((decision.error_code.value,) if decision.error_code else ())]
    if decision.rule:
        parts.append(f"rule {decision.rule}")
    if decision.propensity is not None:
        parts.append(f"{decision.propensity * 100:g} % share")
    if decision.experiment:
        parts.append(f"experiment {decision.experiment}")
    parts.append(f"bundle {decision.bundle_version}")
    return " · ".join(parts)


def explain(release: Release, flag: str, data: Mapping[str, object], subject: object, at: float) -> Explanation:
    """Decide, and say why. Never raises for what the data hold: what cannot be explained is said in the notes."""
    return explain_answer(release, flag, release.question(data, subject, at))


def explain_answer(release: Release, key: str, question: Question, taken: Sequence[str] = ()) -> Explanation:
    """The same for a question that brings its own surroundings, after placements of one call that show `taken`."""
    decision, data = release.ask(key, question, taken), question.data
    if not isinstance(data, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        return Explanation(decision, (f"no rules were tried: {decision.error_code or decision.reason}",), ())
    again = Question(data, question.subject, question.at, kind=release.kind, surround=question.surround)
    again.answers[key] = None
    if key in release.placement_keys:
        return _explain_placement(release, again, decision, taken)
    resolver = release.resolver(key)
    if not isinstance(resolver, FlagResolver):
        return Explanation(decision, (f"no rules were tried: {decision.error_code or decision.reason}",), ())
    notes = tuple(_gates(decision, resolver))
    return Explanation(decision, notes, () if notes else tuple(_rules(release, resolver, again, decision)))


def _explain_placement(release: Release, again: Question, decision: Decision, taken: Sequence[str]) -> Explanation:
    from nearwise_rules.decide.slate_explanation import explain_candidates

    placement = release.catalogue.placement(decision.flag)
    if placement is None:
        return Explanation(decision, (f"nothing was ranked: {decision.error_code or decision.reason}",), ())
    resolver = placement.plan.resolver
    notes = tuple(_gates(decision, resolver))
    rules = () if notes else tuple(_rules(release, resolver, again, decision))
    visit = release.catalogue.visit_after(taken, decision.flag, again)
    return Explanation(decision, notes, rules, explain_candidates(placement.plan, visit, decision))


def _gates(decision: Decision, resolver: FlagResolver) -> Iterator[str]:
    if decision.reason is Reason.DISABLED:
        yield "the flag is disabled: its neutral variant answers"
    elif decision.reason is Reason.STALE or decision.error_code is ErrorCode.PROVIDER_NOT_READY:
        yield "the bundle has expired, and its grace does not let it serve"
    elif decision.error_code in (ErrorCode.GENERAL, ErrorCode.INVALID_CONTEXT):
        yield "the question could not be answered"
    elif decision.reason is Reason.PREREQUISITE_FAILED:
        wanted = "; ".join(f"{flag} must give {' or '.join(sorted(names))}" for flag, names in resolver.plan.requires)
        yield f"a prerequisite is not met: {wanted}"


def _rules(
    release: Release, resolver: FlagResolver, question: Question, decision: Decision
) -> Iterator[RuleExplanation]:
    plan = resolver.plan
    data = plan.reading.data(question, plan.key)
    for name, condition, served in zip(plan.names, plan.conditions, plan.served, strict=True):
        run = release.run(plan.key, question)
        recorded = trace(condition, data, run)
        held = recorded.root.holds
        given = resolver.choose(served, question, data, run) if held else None
        findings = tuple(_findings(release, recorded, data, release.run(plan.key, question)))
        effect = _effect(served, given, decision, held)
        if held and isinstance(served, Trial):
            why = told(served.plan, served.standing(question, data), question.at, release)
            effect = _part(served.plan.key, given, decision, "; ".join(why))
        yield RuleExplanation(name, held, effect, findings)
        if given is not None:
            return


def _findings(release: Release, recorded: Trace, data: Mapping[str, object], run: Run) -> Iterator[Finding]:
    """What decided a condition; where that is a segment as a whole, what decided the segment."""
    segments = dict(_mentions(recorded.root.node))
    for finding in explain_condition(recorded):
        key = segments.get(finding.pointer)
        condition = None if key is None else release.segment(key)
        inner = None if condition is None or run.nesting_left <= 0 else trace(condition, data, run)
        if inner is None or inner.root.holds is not finding.good:
            yield finding
            continue
        run.nesting_left -= 1
        for below in _findings(release, inner, data, run):
            yield replace(below, pointer=finding.pointer, message=f"segment {key}: {below.message}")
        run.nesting_left += 1


def _mentions(root: Node) -> Iterator[tuple[str, str]]:
    """Where a condition mentions a segment, and its key."""
    for node in walk(root):
        if isinstance(node, Operation) and node.name == "segment" and isinstance(node.arguments[0], Literal):
            yield node.pointer, str(node.arguments[0].value)


def _part(experiment: str, given: Outcome | None, decision: Decision, why: str) -> str:
    """What a rule did by an experiment."""
    if given is None:
        return f"experiment {experiment}: {why}, so the next rule is tried"
    if decision.reason is Reason.HOLDOUT:
        return f"would serve by experiment {experiment} ({why}), but the subject is in the holdout"
    if given.error_code is not None:
        return f"experiment {experiment}: {why}"
    return f"serves {given.variant} by experiment {experiment}: {why}"


def _effect(served: Outcome | Choice, given: Outcome | None, decision: Decision, held: bool) -> str:
    if not held:
        return ""
    if decision.reason is Reason.HOLDOUT and given is not None:
        return "would serve, but the subject is in the holdout"
    if isinstance(served, Outcome):
        return f"serves {served.variant}"
    if given is not None and given.error_code is not None:
        return f"splits by {served.by}, which is missing"
    return f"splits by {served.by}" + (
        "" if given is not None else ": no share for this subject, so the next rule is tried"
    )
