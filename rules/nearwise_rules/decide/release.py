"""A bundle at work: entries loaded and flags compiled on first use, every question answered with a value."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from json import loads
from typing import TYPE_CHECKING, cast

from nearwise_rules.decide.attributes import Attributes
from nearwise_rules.decide.audiences import Audiences
from nearwise_rules.decide.decision import Decision, ErrorCode, Outcome, Reason
from nearwise_rules.decide.declared import Experiments
from nearwise_rules.decide.flags import FlagResolver, Quick
from nearwise_rules.decide.models import Models
from nearwise_rules.decide.plans import plan_flag
from nearwise_rules.decide.question import PrerequisiteRun, Question
from nearwise_rules.decide.surroundings import Surround
from nearwise_rules.decide.terms import Terms
from nearwise_rules.decide.together import decide_together
from nearwise_rules.errors import BundleRefused, DocumentError, Refusal
from nearwise_rules.logic import Diagnostic, Dialect, Expression, Run, parse
from nearwise_rules.logic.bucketing import Bucketing

if TYPE_CHECKING:
    from nearwise_rules.audiences import AudienceFilter
    from nearwise_rules.bundle import Bundle
    from nearwise_rules.decide.catalogue import Catalogue
    from nearwise_rules.decide.flags import FlagPlan
    from nearwise_rules.decide.sights import Sight
    from nearwise_rules.decide.surroundings import Surroundings
    from nearwise_rules.documents import Json, JsonObject
    from nearwise_rules.history import HistoryPlan
    from nearwise_rules.models import Scorer, Sums
    from nearwise_rules.triggers import Triggers
    from nearwise_rules.windows import Calendar

FOREVER = float("inf")

_OF_CATALOGUE = frozenset({"day_parts", "holidays", "locales"})
"""Settings that placements are decided by: read at once, so that a bundle that nobody can decide by is refused."""


class Release:
    """Decides by one verified bundle. Immutable to its users; safe from any thread.

    `kind` is the class that decisions are made of: a subclass of Decision may add behaviour, never fields. `surround`
    gives what is known of a subject beside the context; without it, that is what everybody grants.

    Making one raises:
        BundleRefused: the bundle's settings are none, or ask for a dialect, bucketing, day part, holiday or locale that
            this version cannot read.
    """

    def __init__(self, bundle: Bundle, kind: type[Decision] = Decision, surround: Surround | None = None) -> None:
        self.bundle = bundle
        self.kind = kind
        manifest = bundle.manifest
        try:
            settings = cast("JsonObject", loads(bundle.entry("settings", "rule-set") or b"{}"))
            self.dialect = Dialect(str(settings.get("dialect", "safe")))
            self.bucketing = Bucketing(str(settings.get("bucketing", "murmur3")))
        except (AttributeError, RecursionError, ValueError) as error:
            raise BundleRefused(Refusal.UNSUPPORTED_FORMAT, f"settings that cannot be used: {error}") from None
        if settings.keys() & _OF_CATALOGUE:
            from nearwise_rules.decide.catalogue import check_settings

            check_settings(settings)
        self.version = manifest.version
        self.issued = manifest.issued
        self.grace = manifest.grace
        self.expires = FOREVER if manifest.expires is None or manifest.grace == "serve" else manifest.expires
        self.zone = str(settings.get("zone", "UTC"))
        self.holdout = settings.get("holdout")
        self.settings = settings
        try:
            self.terms = Terms(bundle, settings)
        except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
            raise BundleRefused(Refusal.UNSUPPORTED_FORMAT, f"terms that cannot be used: {error}") from None
        self.attributes = Attributes(bundle, self.terms.retention)
        self.surround = surround or self.terms.surround
        self._quick: dict[str, Quick] = {}
        self._resolvers: dict[str, FlagResolver | Outcome] = {}
        self._segments: dict[str, Expression | None] = {}
        self._models = Models(self)
        self._audiences = Audiences(bundle)
        self._catalogues: list[Catalogue] = []
        self._remembers: HistoryPlan | None = None
        self.sights: dict[str, Sight] = {}
        self.experiments = Experiments(self)
        self._triggers: Triggers | None = None

    def knowing(self, told: JsonObject, at: float) -> Release:
        """A release of the same bundle for subjects of whom this is known at Unix seconds `at`: `consent`, `history`,
        `signals` and `traits` as golden cases write them.

        Raises:
            ValueError: a time in it is none.
        """
        from nearwise_rules.decide.cases import told_surroundings

        surroundings = told_surroundings(told, self, at)
        return Release(self.bundle, self.kind, lambda _: surroundings)

    @property
    def flag_keys(self) -> tuple[str, ...]:
        """The keys of all flags of the bundle, sorted."""
        return tuple(self.bundle.keys("flag"))

    @property
    def placement_keys(self) -> tuple[str, ...]:
        """The keys of all placements of the bundle, sorted."""
        return tuple(self.bundle.keys("placement"))

    @property
    def remembers(self) -> HistoryPlan:
        """What the device must remember of events for this bundle to decide."""
        if self._remembers is None:
            from nearwise_rules.decide.remembering import history_plan

            self._remembers = history_plan(self)
        return self._remembers

    @property
    def calendar(self) -> Calendar:
        """Days, weeks and months in the store's zone."""
        return self.catalogue.calendar

    @property
    def catalogue(self) -> Catalogue:
        """The offers and placements of the bundle: of those that several threads make at a time, the first."""
        if not self._catalogues:
            from nearwise_rules.decide.catalogue import Catalogue

            self._catalogues.append(Catalogue(self))
        return self._catalogues[0]

    @property
    def triggers(self) -> Triggers:
        """The triggers of the bundle."""
        if self._triggers is None:
            from nearwise_rules.triggers import Triggers

            self._triggers = Triggers(self)
        return self._triggers

    def decide(
        self,
        flag: str,
        data: Mapping[str, object],
        subject: object,
        at: float,
        default: Json = None,
        owner: object = None,
    ) -> Decision:
        """Answer one question to a flag or a placement.

        Never raises for what the data hold; an error is a decision with an error code.
        """
        try:
            quick = self._quick.get(flag) or self._prepare(flag)
            return quick(data, subject, at, default, owner)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        except Exception as error:  # noqa: BLE001  the caller's values can raise anything; the till goes on
            return self.broken(flag, self.question(data, subject, at, default, owner), error)

    def ask(self, key: str, question: Question, taken: Sequence[str] = ()) -> Decision:
        """Answer a question that brings its own surroundings. Never raises for what the data hold.

        `taken` are the offers that earlier placements of the same call show.
        """
        try:
            if self.has_placement(key):
                return self._place(key, question, taken)
            found = self.resolver(key)
            return question.answer(found) if isinstance(found, Outcome) else found.decide(question)
        except Exception as error:  # noqa: BLE001  the caller's values can raise anything; the till goes on
            return self.broken(key, question, error)

    def decide_many(
        self,
        keys: Sequence[str],
        data: Mapping[str, object],
        subject: object,
        at: float,
        owner: Callable[[], object] = lambda: None,
        known: Surroundings | None = None,
    ) -> list[Decision]:
        """Answer one question to several flags and placements: no offer is given twice, no cap exceeded together.

        `owner` is called for each decision, `known` stands in for what `surround` gives. Never raises for what the data
        hold.
        """
        return decide_together(self, keys, (data, subject, at), owner, known)

    def prepare(self) -> Iterator[str]:
        """Plan offers and placements, which their first decision would do else; the key of each when it is done."""
        if self.placement_keys:
            for key in self.bundle.keys("offer"):
                self.catalogue.offer(key)
                yield key
            for key in self.placement_keys:
                self.catalogue.placement(key)
                yield key

    def has_placement(self, key: object) -> bool:
        """Whether this is the key of a placement."""
        return isinstance(key, str) and self.bundle.contents.number("placement", key) is not None

    def question(
        self,
        data: Mapping[str, object],
        subject: object,
        at: float,
        default: Json = None,
        owner: object = None,
    ) -> Question:
        """One question to this release."""
        return Question(data, subject, at, default, owner, kind=self.kind, surround=self.surround)

    def resolver(self, flag: str) -> FlagResolver | Outcome:
        """The compiled flag, or the outcome that says why there is none."""
        found = self._resolvers.get(flag)
        if found is None:
            found = self._compile(flag)
            if self.bundle.contents.number("flag", flag) is not None:  # anybody can ask for any name
                self._resolvers[flag] = found
        return found

    def variant(self, flag: str, question: Question) -> str | None:
        """The variant that a prerequisite gives to the same question, decided once; None in a circle."""
        answers = question.answers
        if flag not in answers:
            answers[flag] = None
            resolver = self.resolver(flag)
            if isinstance(resolver, FlagResolver):
                decision = resolver.decide(question)
                answers[flag] = decision.variant
                question.assignments += decision.assignments
        return answers[flag]

    def segment(self, key: str) -> Expression | None:
        """The parsed condition of a segment; None when the bundle has none of that key."""
        if key not in self._segments:
            body = self.bundle.entry("segment", key)
            parsed = None if body is None else parse(loads(body)["when"], dialect=self.dialect, types=self.attributes)
            self._segments[key] = parsed
        return self._segments[key]

    def model(self, key: str) -> Scorer | None:
        """The model of a key; None when the bundle has none of that key, or one that cannot be used."""
        return self._models.model(key)

    def audience(self, key: str) -> AudienceFilter | None:
        """The filter of an audience; None when the bundle has none of that key, or one that cannot be used."""
        return self._audiences.filter(key)

    def reads(self, expression: Expression) -> frozenset[str]:
        """The attributes that an expression can read, those of its segments and models included."""
        names, seen, waiting = set[str](), set[str](), [expression]
        while waiting:
            current = waiting.pop()
            names.update(current.reads)
            for key in current.models:
                model = self.model(key)
                names.update(() if model is None else model.reads)
            for key in set(current.segments) - seen:
                seen.add(key)
                inner = self.segment(key)
                waiting.extend(() if inner is None else (inner,))
        return frozenset(names)

    def run(self, flag: str, question: Question) -> Run:
        """The environment of one evaluation of a flag's rules."""
        made = Run if len(question.answers) < 2 else PrerequisiteRun
        sums: Sums = {}
        run = made(
            now=question.at,
            zone=self.zone,
            flag_key=flag,
            bucketing=self.bucketing,
            subject=question.subject if isinstance(question.subject, str) else "",
            lookup_segment=self.segment,
            lookup_flag=lambda other: self.variant(other, question),
            score=lambda key, data: self._models.score(key, data, question, sums),
            in_audience=lambda key, looked_up: self._audiences.holds(key, looked_up, question),
        )
        if isinstance(run, PrerequisiteRun):
            run.question = question
        return run

    def expired(self, plan: FlagPlan, at: float) -> Outcome | None:
        """What an expired bundle answers: the neutral variant, or under `grace: stop` nothing. None while it serves."""
        if at <= self.expires:
            return None
        return plan.late if self.grace == "safe_only" else self._outcome(plan.key, ErrorCode.PROVIDER_NOT_READY)

    def _prepare(self, flag: str) -> Quick:
        if self.has_placement(flag):
            return self._prepare_placement(flag)
        resolver = self.resolver(flag)
        if isinstance(resolver, FlagResolver):
            quick = resolver.quick()
            if quick is None:
                return resolver.whole
            self._quick[flag] = quick
            return quick
        return lambda data, subject, at, default, owner: self.question(data, subject, at, default, owner).answer(
            resolver
        )

    def _prepare_placement(self, key: str) -> Quick:
        def quick(data: Mapping[str, object], subject: str, at: float, default: Json, owner: object) -> Decision:
            return self._place(key, self.question(data, subject, at, default, owner))

        self._quick[key] = quick
        return quick

    def _place(self, key: str, question: Question, taken: Sequence[str] = ()) -> Decision:
        resolver = self.catalogue.placement(key)
        if resolver is None:
            return question.answer(self._outcome(key, ErrorCode.PARSE_ERROR))
        return resolver.decide(question, self.catalogue.visit_after(taken, key, question) if taken else None)

    def _compile(self, flag: str) -> FlagResolver | Outcome:
        body = self.bundle.entry("flag", flag)
        if body is None:
            return self._outcome(flag, ErrorCode.FLAG_NOT_FOUND)
        try:
            return FlagResolver(plan_flag(flag, cast("JsonObject", loads(body)), self), self)
        except (DocumentError, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
            return self._outcome(flag, ErrorCode.PARSE_ERROR)

    def broken(self, flag: object, question: Question, error: Exception) -> Decision:
        """The decision where one could not be made."""
        data: object = question.data
        code, wrong = ErrorCode.GENERAL, f"{type(error).__name__} while deciding"
        if not isinstance(data, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
            code = ErrorCode.INVALID_CONTEXT
            wrong = f"a context is a mapping of attributes, and this is of type {type(data).__name__}"
        name = flag if isinstance(flag, str) else repr(type(flag).__name__)
        outcome = self._outcome(name, ErrorCode.FLAG_NOT_FOUND if name is not flag else code)
        decision = question.answer(outcome, (Diagnostic(code.value, "", wrong),))
        resolver = self.catalogue.placement(name) if self.has_placement(flag) else None
        return decision if resolver is None else resolver.instead(decision)

    def _outcome(self, flag: str, code: ErrorCode) -> Outcome:
        return Outcome(flag, Reason.ERROR, error_code=code, bundle_version=self.version, issued=self.issued)
