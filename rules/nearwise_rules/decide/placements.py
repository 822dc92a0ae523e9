"""One placement, ready to decide: a flag's resolver picks the policy, the policy ranks the candidates, in one pass.

candidates -> eligibility -> schedule -> caps and suppression -> score -> constraints -> ranked items or the fallback
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from nearwise_rules.decide.candidates import Candidates
from nearwise_rules.decide.decision import Decision
from nearwise_rules.decide.flags import FlagResolver
from nearwise_rules.decide.formulas import MOST_WEIGHT, weight
from nearwise_rules.decide.gates import CapGate
from nearwise_rules.decide.items import Item, Origin, Shown
from nearwise_rules.decide.offers import OfferPlan
from nearwise_rules.decide.parts import PARTS, Part
from nearwise_rules.decide.plans import plan_flag
from nearwise_rules.decide.scoring import Scoring
from nearwise_rules.decide.slates import Chosen, Slots, best_of, first_of, shuffled
from nearwise_rules.documents.placements import FALLBACK
from nearwise_rules.history import series_key

if TYPE_CHECKING:
    from nearwise_rules.decide.question import Question
    from nearwise_rules.decide.release import Release
    from nearwise_rules.decide.visits import Visit
    from nearwise_rules.documents import JsonObject


class PolicyPlan:
    """How one policy orders the candidates of its placement."""

    __slots__ = ("_release", "_weights", "order", "parts", "ranked", "reads")

    def __init__(self, entry: JsonObject, offers: Sequence[OfferPlan], release: Release) -> None:
        self._release = release
        self.order = str(entry.get("order", "score"))
        given = dict(cast("JsonObject", entry.get("score") or {}))
        model = given.pop("model", None)
        if model is not None:
            given["probability"] = {"model": model}
        own = {name for name in PARTS if given.get(name) is True}
        self.parts = {name: Part(name, given[name], release) for name in PARTS if given.get(name) not in (None, True)}
        scorings = [Scoring(offer, self._parts_of(offer, own)) for offer in offers] if self.order == "score" else []
        self.ranked = tuple(sorted(scorings, key=lambda scoring: (-scoring.bound, scoring.offer.key)))
        self.reads = frozenset[str]().union(*[part.reads for part in self.parts.values()])
        weights = [self.parts[name] for name in ("context", "lever") if name in self.parts]
        self._weights = tuple([part for part in weights if part.constant is None and not part.of_candidate])

    def reach(self, visit: Visit) -> float:
        """How much of their bounds the scores of this visit can reach: weights that all candidates share are known."""
        reach = 1.0
        for part in self._weights:
            found = visit.shared_value(part)
            reach *= (1.0 if found is None else weight(found)) / MOST_WEIGHT
        return reach

    def _parts_of(self, offer: OfferPlan, own: set[str]) -> dict[str, Part]:
        """The policy's parts and the offer's own. An offer without the value or the uplift that is asked for brings
        nothing by it.
        """
        parts = {**self.parts, **{name: offer.parts[name] for name in own if name in offer.parts}}
        if own & {"value", "uplift"} and not parts.keys() & {"value", "uplift"}:
            parts["value"] = Part("value", 0, self._release)
        return parts


class PlacementPlan:
    """The parts of a placement, built once from its entry."""

    __slots__ = ("candidates", "caps", "fallback", "held", "key", "offers", "policies", "reads", "resolver", "slots")

    def __init__(self, key: str, entry: JsonObject, release: Release) -> None:
        self.key = key
        at_most = cast("list[JsonObject]", entry.get("at_most") or ())
        limits = {str(each["tag"]): int(str(each["items"])) for each in at_most}
        self.slots = Slots(key, int(str(entry.get("size", 1))), limits)
        if self.slots.size < 1:
            raise ValueError("a placement has room for at least one item")
        self.candidates = Candidates(cast("JsonObject", entry["candidates"]), release)
        self.offers = self.candidates.offers
        self.fallback = release.catalogue.offers(cast("list[str]", entry.get("fallback") or ()))
        policies = cast("Mapping[str, JsonObject]", entry["policies"])
        self.policies = {name: PolicyPlan(policy, self.offers, release) for name, policy in policies.items()}
        self.resolver = FlagResolver(plan_flag(key, _as_flag(entry), release), release)
        series = series_key({"placement": key})
        caps = cast("list[JsonObject]", entry.get("caps") or ())
        self.caps = tuple([CapGate(cap, " on the placement", series) for cap in caps])
        self.held = tuple([(cap.per, cap.key) for cap in self.caps if cap.event == "exposure"])
        reads = [offer.reads for offer in (*self.offers, *self.fallback)]
        reads += [policy.reads for policy in self.policies.values()]
        self.reads = frozenset[str]().union(*reads, self.candidates.reads, ("device.locale",))

    def choose(self, policy: str | None, visit: Visit) -> list[Chosen]:
        """What a policy shows in this visit; nothing when nothing may be shown."""
        plan = None if policy is None else self.policies.get(policy)
        room = min([cap.room(visit, self.key) for cap in self.caps], default=self.slots.size)
        if plan is None or room <= 0:
            return []
        slots = self.slots if room >= self.slots.size else self.slots._replace(size=int(room))
        named = self.candidates.named(visit)  # in the order of the recommendation; None: all of them
        if plan.order == "score":
            ranked = plan.ranked if named is None else (each for each in plan.ranked if each.offer in named)
            return best_of(ranked, visit, slots, plan.reach(visit))
        offers: Iterable[OfferPlan] = self.offers if named is None else named
        if plan.order == "random":
            offers = shuffled(offers, f"{self.key}\0{visit.subject_key}\0{round(visit.at * 1e6):x}")
        return first_of(offers, visit, slots)

    def fallbacks(self, visit: Visit) -> list[Chosen]:
        """What stands in an empty slot: whatever caps and dates say, but not what needs a consent that is not given."""
        free = [offer for offer in self.fallback if not offer.is_disabled and not offer.mask & ~visit.granted]
        return [Chosen(offer, None) for offer in free[: self.slots.size]]


class PlacementResolver:
    """Decides one placement of one release."""

    __slots__ = ("_item", "_kind", "_release", "plan")

    def __init__(self, plan: PlacementPlan, release: Release) -> None:
        self.plan = plan
        self._release = release
        self._kind = release.kind
        self._item = release.kind.item_kind

    def decide(self, question: Question, visit: Visit | None = None) -> Decision:
        """Answer `question`: the policy by rules, then the items. `visit` is shared by the placements of one call."""
        picked = self.plan.resolver.decide(question)
        outcome = picked.outcome
        if outcome.error_code is not None and outcome.variant is None:
            return picked
        visit = visit or self._release.catalogue.visit((self.plan.key,), question)
        chosen = self.plan.choose(outcome.variant, visit)
        is_fallback = not chosen
        if is_fallback:
            chosen = self.plan.fallbacks(visit)
        else:
            visit.take([each.offer for each in chosen])
        origin = Origin(outcome, question.at, question.subject, question.owner)
        items = tuple(self._items(origin, chosen, visit, is_fallback=is_fallback))
        diagnostics = (*picked.diagnostics, *visit.run.diagnostics)
        return self._kind((outcome, items, question.at, question.subject, diagnostics, question.owner))

    def instead(self, decision: Decision) -> Decision:
        """A decision that could not be made, with the fallback in it: what needs neither consent nor context."""
        plan, origin = self.plan, Origin(decision.outcome, decision.at, decision.subject, decision[5])
        free = [offer for offer in plan.fallback if not offer.is_disabled and not offer.mask][: plan.slots.size]
        items = [
            self._item((offer, offer.content.render(None, _unknown)[0], Shown(None, position, True), origin, []))
            for position, offer in enumerate(free)
        ]
        value = tuple(items) or decision[1]
        return self._kind((decision.outcome, value, decision.at, decision.subject, decision.diagnostics, decision[5]))

    def _items(self, origin: Origin, chosen: Sequence[Chosen], visit: Visit, *, is_fallback: bool) -> Iterator[Item]:
        for position, (offer, score) in enumerate(chosen):
            fields, diagnostics = offer.content.render(visit.locale, visit.look_up)
            for diagnostic in diagnostics:
                visit.run.note(diagnostic.code, diagnostic.place, diagnostic.message)
            yield self._item((offer, fields, Shown(score, position, is_fallback), origin, []))


def _unknown(_name: str) -> None:
    """What is known of an attribute where there is no context."""


_SHARED_FIELDS = ("enabled", "requires", "holdout", "salt", "exposures", "dedupe", "rules")
"""What a placement says as a flag does."""


def _as_flag(entry: JsonObject) -> JsonObject:
    """A placement as the flag whose variants are its policies."""
    policies = [*cast("Mapping[str, object]", entry["policies"]), FALLBACK]
    return {
        **{name: entry[name] for name in _SHARED_FIELDS if name in entry},
        "type": "string",
        "variants": {name: name for name in policies},
        "default": entry.get("default") or policies[0],
        "neutral": entry.get("neutral") or FALLBACK,
    }
