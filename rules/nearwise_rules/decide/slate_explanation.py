"""Why each candidate of a placement is shown, lower or out: every gate asked in order, down to condition and number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from nearwise_rules.consent import purposes_of
from nearwise_rules.decide.explanation import CandidateExplanation
from nearwise_rules.decide.formulas import chance, weight
from nearwise_rules.decide.gates import CapGate
from nearwise_rules.decide.slates import Claims
from nearwise_rules.logic import explain_condition, trace

if TYPE_CHECKING:
    from nearwise_rules.decide.decision import Decision
    from nearwise_rules.decide.items import Item
    from nearwise_rules.decide.offers import OfferPlan
    from nearwise_rules.decide.placements import PlacementPlan
    from nearwise_rules.decide.scoring import Scoring
    from nearwise_rules.decide.visits import Visit


def explain_candidates(plan: PlacementPlan, visit: Visit, decision: Decision) -> tuple[CandidateExplanation, ...]:
    """Every candidate with the reason for its place: shown ones first, then by score, then those kept out.

    `visit` is as it was before the decision.
    """
    policy = plan.policies.get(decision.variant or "")
    scorings = {scoring.offer: scoring for scoring in (policy.ranked if policy is not None else ())}
    places = {item.key: (item.position, item.is_fallback) for item in decision.items}
    named = plan.candidates.named(visit)
    found: list[tuple[tuple[int, float, str], CandidateExplanation]] = []
    for offer in dict.fromkeys(
        (*plan.offers, *(plan.fallback if any(fallback for _, fallback in places.values()) else ()))
    ):
        place, is_fallback = places.get(offer.key, (None, False))
        if is_fallback:
            told = CandidateExplanation(offer.key, True, None, "the fallback: nothing else may be shown")
        elif named is not None and offer not in named:
            told = CandidateExplanation(offer.key, False, None, "not recommended for what is known of the subject")
        else:
            told = _explained(offer, scorings.get(offer), visit, plan, place, decision.items)
        order = place if place is not None else len(places) if told.score is not None else len(places) + 1
        found.append(((order, -(told.score or 0.0), offer.key), told))
    return tuple([told for _, told in sorted(found, key=lambda each: each[0])])


def _explained(
    offer: OfferPlan,
    scoring: Scoring | None,
    visit: Visit,
    plan: PlacementPlan,
    place: int | None,
    shown: Sequence[Item],
) -> CandidateExplanation:
    out = next(_obstacles(offer, visit, plan), None)
    if out is not None and place is None:
        return CandidateExplanation(offer.key, False, None, out)
    if scoring is None:
        words = "in the order of the policy" if place is not None else _why_not_too(offer, visit, plan, shown)
        return CandidateExplanation(offer.key, place is not None, None, words or "behind the last place")
    score = scoring.score(visit)
    words = formula_words(scoring.values(visit), score)
    if score <= 0:
        return CandidateExplanation(offer.key, False, None, f"not worth it: {words}")
    if place is None:
        words = f"{words}; {_why_lower(offer, score, visit, plan, shown)}"
    return CandidateExplanation(offer.key, place is not None, score, words)


def _why_lower(offer: OfferPlan, score: float, visit: Visit, plan: PlacementPlan, shown: Sequence[Item]) -> str:
    """Which constraint those above it leave no room in, else that there are enough of them."""
    above = [item for item in shown if (-(item.score or 0.0), item.key) < (-score, offer.key)]
    enough = f"lower than the {len(shown)} shown" if len(shown) > 1 else "lower than the one shown"
    return _why_not_too(offer, visit, plan, above) or enough


def _why_not_too(offer: OfferPlan, visit: Visit, plan: PlacementPlan, above: Sequence[Item]) -> str:
    """The constraint that lets no offer stand beside those above it; empty when none does."""
    claims = Claims(visit, plan.slots)
    for item in above:
        claims.take(item.offer)
    full = claims.obstacle(offer)
    if full is None:
        full = next((cap for cap in plan.caps if cap.room(visit, plan.key) <= len(above) < plan.slots.size), None)
    if isinstance(full, CapGate):
        return f"one more than {full.words(visit)} lets in with those above"
    return "" if full is None else f"one more than at most {plan.slots.at_most[str(full)]} of tag {full}"


def _obstacles(offer: OfferPlan, visit: Visit, plan: PlacementPlan) -> Iterator[str]:
    """What keeps an offer out, in the order in which it is asked."""
    slot = plan.key
    if offer.is_disabled:
        yield "switched off by its author"
    if offer.key in visit.used:
        yield "shown by an earlier placement of the same call"
    if not offer.is_open(visit.at) and offer.schedule is not None:
        yield f"when: {offer.schedule.reason(visit.at)}"
    if offer.mask & ~visit.granted:
        yield f"consent: needs {', '.join(purposes_of(offer.mask & ~visit.granted)) or 'a purpose that is not known'}"
    for gate in (*plan.caps, *offer.shared, *offer.gates):
        if gate.blocks(visit, slot):
            yield gate.reason(visit, slot)
    if not offer.is_eligible(visit):
        yield f"eligible: {_why_not(offer, visit)}"


def _why_not(offer: OfferPlan, visit: Visit) -> str:
    """What decided that a condition does not hold."""
    condition = offer.condition
    if condition is None:
        return "never"
    recorded = trace(condition.expression, offer.data(visit), visit.release.run(offer.key, visit.question))
    bad = [finding.message for finding in explain_condition(recorded) if not finding.good]
    return "; ".join(bad) or "the condition does not hold"


def formula_words(values: Mapping[str, float | None], score: float) -> str:
    """The numbers behind a score: `0.04 x 20 - 0.1, lever +55 % = 1.085`."""
    known = {name: value for name, value in values.items() if value is not None}
    missing = [name for name, value in values.items() if value is None]
    if missing:
        return f"{', '.join(missing)} has no value"
    if "uplift" in known:
        worth = f"uplift {_number(known['uplift'])} x margin {_number(known.get('margin', 0.0))}"
        taken = [f" - {name} {_number(known[name])}" for name in ("cost",) if known.get(name)]
        discount = known.get("discount")
        if discount:
            taken.append(f" - discount {_number(discount)} x {_number(chance(known.get('probability', 1.0)))}")
        worth += "".join(taken)
    else:
        factors = [known[name] for name in ("probability", "value") if name in known]
        worth = " x ".join(map(_number, factors)) or "1"
        worth += f" - {_number(known['cost'])}" if known.get("cost") else ""
    weights = [f"{name} {(weight(known[name]) - 1) * 100:+g} %" for name in ("context", "lever") if name in known]
    words = ", ".join([worth, *weights])
    return words if words == _number(score) else f"{words} = {_number(score)}"


def _number(value: float) -> str:
    return f"{value:.4g}"


__all__ = ["explain_candidates", "formula_words"]
