"""A draft held against recorded decisions: what it would answer instead, counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from nearwise_rules.decide.decision import ErrorCode
from nearwise_rules.decide.sights import sight_of
from nearwise_rules.logic.values import at_path
from nearwise_rules.replay.answers import digest_of
from nearwise_rules.replay.pressure import Limits
from nearwise_rules.replay.repeating import asked_again

if TYPE_CHECKING:
    from nearwise_rules.decide.decision import Decision, Outcome
    from nearwise_rules.decide.placements import PlacementResolver
    from nearwise_rules.decide.question import Question
    from nearwise_rules.decide.release import Release
    from nearwise_rules.documents import JsonObject
    from nearwise_rules.replay.answers import Answer
    from nearwise_rules.replay.recording import Recording

EXAMPLES = 3
"""So many changed decisions of each key are kept."""

_DIGESTS_KEPT = 10_000


class Seen(NamedTuple):
    """One answer as it is counted. `is_missing`: there is no such flag or placement."""

    variant: str | None
    offers: tuple[str, ...] = ()
    is_fallback: bool = False
    is_missing: bool = False
    digest: str | None = None
    kept_back: tuple[tuple[str, str], ...] = ()


class Counts:
    """What is counted of one of the two rule sets, for one key.

    `variants` are those of a flag, the policies of a placement; `kept_back` counts (offer, limit); `bound` the
    decisions in which some limit kept an offer back, `blank` those of a placement that show nothing.
    """

    __slots__ = ("blank", "bound", "fallback", "kept_back", "missing", "offers", "variants")

    def __init__(self) -> None:
        self.variants: Counter[str] = Counter()
        self.offers: Counter[str] = Counter()
        self.kept_back: Counter[tuple[str, str]] = Counter()
        self.bound = 0
        self.blank = 0
        self.fallback = 0
        self.missing = 0

    def add(self, seen: Seen, *, is_placement: bool) -> None:
        """Count one answer."""
        self.variants[seen.variant or ""] += 1
        self.missing += seen.is_missing
        if is_placement:
            for offer in seen.offers:  # quicker than `update` for a few
                self.offers[offer] += 1
            self.blank += not seen.offers
            self.fallback += seen.is_fallback
            for each in seen.kept_back:
                self.kept_back[each] += 1
            self.bound += bool(seen.kept_back)

    def merge(self, other: Counts) -> None:
        """Count what the other counted too."""
        self.variants.update(other.variants)
        self.offers.update(other.offers)
        self.kept_back.update(other.kept_back)
        self.bound += other.bound
        self.blank += other.blank
        self.fallback += other.fallback
        self.missing += other.missing


class Tally:
    """The decisions of one flag or placement, before and after. `newly_blank` had something to show and would not.

    `examples` are written recordings of changed decisions, newly blank ones first. `unseen` are attributes that the
    draft reads and of which no recording has a value.
    """

    __slots__ = (
        "after",
        "before",
        "blanks",
        "changed",
        "changes",
        "decisions",
        "is_placement",
        "newly_blank",
        "unseen",
    )

    def __init__(self, reads: Iterable[str] = (), *, is_placement: bool) -> None:
        self.is_placement = is_placement
        self.unseen = set(reads)
        self.decisions = 0
        self.changed = 0
        self.newly_blank = 0
        self.before = Counts()
        self.after = Counts()
        self.blanks: list[JsonObject] = []
        self.changes: list[JsonObject] = []

    @property
    def examples(self) -> list[JsonObject]:
        """A few changed decisions."""
        return [*self.blanks, *self.changes][:EXAMPLES]

    def add(self, recording: Recording, before: Seen, after: Seen) -> None:
        """Count one decision."""
        self.decisions += 1
        if self.unseen:
            self.unseen -= {name for name in self.unseen if has_value(recording, name)}
        self.before.add(before, is_placement=self.is_placement)
        self.after.add(after, is_placement=self.is_placement)
        if before[:5] == after[:5]:
            return
        self.changed += 1
        is_blank = self.is_placement and bool(before.offers) and not after.offers
        self.newly_blank += is_blank
        kept = self.blanks if is_blank else self.changes
        if len(kept) < EXAMPLES:
            kept.append(recording.to_members())

    def merge(self, other: Tally) -> None:
        """Count what the other counted too."""
        self.decisions += other.decisions
        self.changed += other.changed
        self.newly_blank += other.newly_blank
        self.unseen &= other.unseen
        self.before.merge(other.before)
        self.after.merge(other.after)
        self.blanks = [*self.blanks, *other.blanks][:EXAMPLES]
        self.changes = [*self.changes, *other.changes][:EXAMPLES]


class Simulation:
    """Asks a draft what was asked when decisions were recorded. `tallies` are by key.

    What was before is what is recorded; with `current` what that release answers.
    """

    def __init__(self, draft: Release, current: Release | None = None) -> None:
        self.tallies: dict[str, Tally] = {}
        self._draft = _Looking(draft)
        self._current = None if current is None else _Looking(current)

    def add(self, recording: Recording) -> None:
        """Hold the draft against one recorded decision."""
        before = recorded(recording.answer) if self._current is None else self._current.seen(recording)
        after = self._draft.seen(recording)
        tally = self.tallies.get(recording.key)
        if tally is None:
            reads = sight_of(self._draft.release, recording.key).given
            tally = Tally(reads, is_placement=recording.answer.items is not None)
            self.tallies[recording.key] = tally
        tally.add(recording, before, after)


class _Looking:
    """Asks one release, and sees what is counted of its answers."""

    def __init__(self, release: Release) -> None:
        self.release = release
        self._limits: dict[str, Limits] = {}
        self._digests: dict[Outcome, str | None] = {}

    def seen(self, recording: Recording) -> Seen:
        release, key = self.release, recording.key
        question = asked_again(release, recording)
        placement = release.catalogue.placement(key)
        if placement is not None:
            return self._placed(placement, question, recording)
        decision = release.ask(key, question)
        missing = decision.error_code is ErrorCode.FLAG_NOT_FOUND
        return Seen(decision.variant, (), False, missing, self._digest(decision))

    def _placed(self, placement: PlacementResolver, question: Question, recording: Recording) -> Seen:
        """A placement's answer, and the limits that bind, in one visit."""
        key, plan = recording.key, placement.plan
        limits = self._limits.get(key)
        if limits is None:
            limits = self._limits[key] = Limits(plan)
        try:
            visit = self.release.catalogue.visit_after(recording.taken, key, question)
            used, pending = visit.used.copy(), visit.pending.copy()
            decision = placement.decide(question, visit)
            visit.used, visit.pending = used, pending  # limits are asked as they stood before the decision
            binding = tuple(limits.binding(decision.variant, visit))
        except Exception:  # noqa: BLE001  what a recording holds can raise anything: it is an answer with an error code
            decision, binding = self.release.ask(key, question, recording.taken), ()
        items = decision.items
        is_fallback = bool(items) and items[0].is_fallback
        return Seen(decision.variant, tuple([item.key for item in items]), is_fallback, kept_back=binding)

    def _digest(self, decision: Decision) -> str | None:
        """The digest of a flag's value, made once for each outcome."""
        outcome = decision.outcome
        if outcome not in self._digests:
            if len(self._digests) >= _DIGESTS_KEPT:
                self._digests = {}
            self._digests[outcome] = None if outcome.variant is None else digest_of(outcome.value)
        return self._digests[outcome]


def has_value(recording: Recording, name: str) -> bool:
    """Whether a recording has a value of an attribute, from wherever."""
    if name in recording.traits or name in recording.signals:
        return True
    return at_path(recording.data, name.split(".")) is not None


def recorded(answer: Answer) -> Seen:
    """A recorded answer as it is counted."""
    missing = answer.error == ErrorCode.FLAG_NOT_FOUND
    if answer.items is None:
        return Seen(answer.variant, (), False, missing, answer.digest)
    is_fallback = bool(answer.items) and answer.items[0].is_fallback
    return Seen(answer.variant, tuple([item.offer for item in answer.items]), is_fallback, missing)


def newly_read(draft: Release, current: Release, key: str) -> tuple[str, ...]:
    """What a draft looks at for a key and the current release does not, so that its recordings do not hold it."""
    return sight_of(draft, key).beyond(sight_of(current, key))


def merge_tallies(parts: Iterable[dict[str, Tally]]) -> dict[str, Tally]:
    """Tallies of several simulations as one."""
    whole: dict[str, Tally] = {}
    for part in parts:
        for key, tally in part.items():
            if key in whole:
                whole[key].merge(tally)
            else:
                whole[key] = tally
    return whole
