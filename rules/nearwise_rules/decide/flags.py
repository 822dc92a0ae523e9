"""One flag, ready to decide: its rules compiled, its outcomes made, its splits laid out.

`FlagResolver.decide` is the whole semantics. `quick` is the same for the common case (enabled, no prerequisite, rules
that read nothing but the context) as one flat function; whatever it cannot settle it hands to `decide`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from nearwise_rules.decide.decision import Decision, ErrorCode, Outcome, Reason
from nearwise_rules.decide.question import Question
from nearwise_rules.decide.splits import HoldoutGate, Shares, bucket_key, bucket_of
from nearwise_rules.logic import Diagnostic, Expression, Run
from nearwise_rules.logic.bucketing import Bucketing
from nearwise_rules.logic.conditions import first_holding, needs_run
from nearwise_rules.logic.murmur3 import murmur3_32
from nearwise_rules.logic.slots import Surprise
from nearwise_rules.logic.values import at_path

if TYPE_CHECKING:
    from nearwise_rules.decide.reading import Reading
    from nearwise_rules.decide.release import Release
    from nearwise_rules.documents import Json

Condition: TypeAlias = "Callable[[Mapping[str, object], Run | None], int]"
Quick: TypeAlias = "Callable[[Mapping[str, object], str, float, Json, object], Decision]"

encode = str.encode

INTERPRETED = 2
"""So many times a flag is asked before its rules are compiled: a start, and flags rarely asked, pay nothing for it."""


class Choice:
    """What a rule gives by the bucket of a subject. `by` names the attribute that is bucketed, `what` the choice."""

    __slots__ = ("by", "unkeyed", "what")

    def __init__(self, by: str, what: str, unkeyed: Outcome) -> None:
        self.by = by
        self.what = what
        self.unkeyed = unkeyed

    def pick(self, question: Question, data: Mapping[str, object], bucketing: Bucketing) -> Outcome | None:
        """What the subject gets; None: the next rule is to be tried; `unkeyed`: it cannot be bucketed."""
        raise NotImplementedError


class Split(Choice):
    """A rule's weighted choice: the salt, and the outcome of each share."""

    __slots__ = ("salt", "shares")

    def __init__(self, by: str, salt: str, shares: Shares[Outcome], unkeyed: Outcome) -> None:
        super().__init__(by, f"the split by `{by}`", unkeyed)
        self.salt = salt
        self.shares = shares

    def pick(self, question: Question, data: Mapping[str, object], bucketing: Bucketing) -> Outcome | None:
        key = bucket_key(question.subject if self.by == "subject" else at_path(data, self.by.split(".")))
        return self.unkeyed if key is None else self.shares.at(bucket_of(bucketing, self.salt, key))


class FlagPlan:
    """The parts of a flag, built once from its entry: conditions in order and what each serves."""

    __slots__ = (
        "conditions",
        "disabled",
        "fallback",
        "held",
        "holdout",
        "key",
        "late",
        "names",
        "neutral",
        "reading",
        "requires",
        "served",
        "unkeyed",
        "unmet",
    )

    key: str
    names: tuple[str, ...]
    conditions: tuple[Expression, ...]
    served: tuple[Outcome | Choice, ...]
    fallback: Outcome
    neutral: Outcome
    unmet: Outcome
    unkeyed: Outcome
    late: Outcome
    disabled: bool
    requires: tuple[tuple[str, frozenset[str]], ...]
    holdout: HoldoutGate | None
    held: Mapping[str | None, Outcome]
    reading: Reading


class FlagResolver:
    """Decides one flag of one release."""

    __slots__ = ("_asked", "_matchers", "_release", "plan")

    def __init__(self, plan: FlagPlan, release: Release) -> None:
        self.plan = plan
        self._release = release
        self._matchers: dict[tuple[int, int], Condition] = {}
        self._asked = 0

    def decide(self, question: Question) -> Decision:
        """Answer `question` by the whole semantics: gates, rules in order, split, holdout.

        Raises:
            TypeError: the context is no mapping.
        """
        if not isinstance(question.data, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError("a context is a mapping")
        question.answers.setdefault(self.plan.key, None)
        gated = self._gate(question)
        if gated is not None:
            return question.answer(gated)
        run = self._release.run(self.plan.key, question)
        outcome = self._walk(question, run)
        self._asked += 1
        return question.answer(outcome, tuple(run.diagnostics))

    def quick(self) -> Quick | None:
        """The flag as one function once it was asked often enough to be worth compiling; None before."""
        if self._asked < INTERPRETED and not self.plan.disabled:
            return None
        return self._flat() if self._is_plain() else self.whole

    def _gate(self, question: Question) -> Outcome | None:
        plan = self.plan
        late = self._release.expired(plan, question.at)
        if late is not None:
            return late
        if plan.disabled:
            return plan.neutral
        for flag, variants in plan.requires:
            if self._release.variant(flag, question) not in variants:
                return plan.unmet
        return None

    def _walk(self, question: Question, run: Run) -> Outcome:
        plan = self.plan
        data = plan.reading.data(question, plan.key)
        index = self._matcher(0, len(plan.conditions))(data, run)
        while index >= 0:
            outcome = self.choose(plan.served[index], question, data, run)
            if outcome is not None:
                return self._hold(outcome, question)
            index = self._next(index + 1, data, run)
        return plan.fallback

    def _next(self, start: int, data: Mapping[str, object], run: Run) -> int:
        """The first rule from `start` on whose condition holds, -1 when none does.

        One by one: a function for the rest of the rules behind each gap would make their number count squared.
        """
        for index in range(start, len(self.plan.conditions)):
            if self._matcher(index, index + 1)(data, run) == 0:
                return index
        return -1

    def _matcher(self, start: int, end: int) -> Condition:
        matcher = self._matchers.get((start, end))
        if matcher is not None:
            return matcher
        conditions = self.plan.conditions[start:end]
        if self._asked < INTERPRETED:
            return first_holding(conditions)
        from nearwise_rules.logic.compiler import compile_conditions

        matcher = self._matchers[start, end] = compile_conditions(conditions)
        return matcher

    def choose(
        self, served: Outcome | Choice, question: Question, data: Mapping[str, object], run: Run
    ) -> Outcome | None:
        """What a rule that holds gives to the subject; None in a gap of its split or outside its experiment.

        `data` are those of `FlagPlan.reading`. A subject that cannot be bucketed is noted in `run`.
        """
        if isinstance(served, Outcome):
            return served
        outcome = served.pick(question, data, self._release.bucketing)
        if outcome is served.unkeyed:
            message = f"{served.what} needs a text or a whole number"
            run.diagnostics.append(Diagnostic(ErrorCode.TARGETING_KEY_MISSING.value, served.by, message))
        return outcome

    def _hold(self, outcome: Outcome, question: Question) -> Outcome:
        holdout = self.plan.holdout
        key = bucket_key(question.subject)
        if holdout is None or key is None or outcome.error_code is not None or outcome.reason is Reason.HOLDOUT:
            return outcome
        if outcome.participation is not None and outcome.participation.override:
            return outcome
        return self.plan.held[outcome.rule] if holdout.keeps_out(self._release.bucketing, key) else outcome

    def _is_plain(self) -> bool:
        plan = self.plan
        return not (
            plan.disabled
            or plan.requires
            or not plan.reading.plain
            or self._release.bucketing is not Bucketing.MURMUR3
            or any(map(needs_run, plan.conditions))
            or any(isinstance(served, Choice) and not is_flat(served) for served in plan.served)
        )

    def whole(self, data: Mapping[str, object], subject: object, at: float, default: Json, owner: object) -> Decision:
        return self.decide(self._release.question(data, subject, at, default, owner))

    def _flat(self) -> Quick:
        """The plain case as one function: what it cannot settle at once goes through `decide`."""
        plan, whole, expires = self.plan, self.whole, self._release.expires
        make = self._release.kind
        fallback, match = plan.fallback, self._matcher(0, len(plan.conditions))
        steps = tuple(map(step, plan.served))
        holdout = plan.holdout
        held_salt, held_out = (b"", 0) if holdout is None else (holdout.salt.encode(), holdout.basis_points)

        def quick(data: Mapping[str, object], subject: str, at: float, default: Json, owner: object) -> Decision:
            try:
                index = match(data, None)
                if at <= expires:
                    if index < 0:
                        return make((fallback, fallback.value, at, subject, (), owner))
                    outcome, salt, bounds, targets = steps[index]
                    if outcome is None:
                        bucket = (murmur3_32(salt + encode(subject)) * 10_000) >> 32
                        outcome = targets[bisect_right(bounds, bucket)]
                    if outcome is not None and (
                        not held_out or (murmur3_32(held_salt + encode(subject)) * 10_000) >> 32 >= held_out
                    ):
                        return make((outcome, outcome.value, at, subject, (), owner))
            except (Surprise, TypeError, UnicodeError):
                pass
            return whole(data, subject, at, default, owner)

        return quick


def is_flat(choice: Choice) -> bool:
    """Whether a choice is a split by the subject, which needs no question."""
    return isinstance(choice, Split) and choice.by == "subject"


def step(served: Outcome | Choice) -> tuple[Outcome | None, bytes, Sequence[int], Sequence[Outcome | None]]:
    """What a matched rule serves, laid flat: (outcome, -, -, -) or (None, salt, bounds, outcomes)."""
    if isinstance(served, Split):
        return None, served.salt.encode(), served.shares.bounds, served.shares.targets
    return served if isinstance(served, Outcome) else None, b"", (), (None,)
