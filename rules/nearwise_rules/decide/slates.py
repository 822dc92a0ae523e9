"""Choosing what a placement shows: the best candidates that every gate lets through, within its constraints.

Candidates come in the order of the most they can score. As soon as the slots are filled by scores that nobody behind
can reach, the rest is not looked at (the threshold algorithm of Fagin, Lotem and Naor, 2001, for one list).
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from nearwise_rules.logic.murmur3 import murmur3_32

if TYPE_CHECKING:
    from nearwise_rules.decide.offers import OfferPlan
    from nearwise_rules.decide.scoring import Scoring
    from nearwise_rules.decide.visits import Visit


Entry: TypeAlias = "tuple[float, str, OfferPlan]"
"""A candidate that may be shown, in its order: score negated, key."""


class Chosen(NamedTuple):
    """An offer that is shown, and its score (None when the policy does not score)."""

    offer: OfferPlan
    score: float | None


class Slots(NamedTuple):
    """What a placement can take: its key, how many items, at most so many of a tag."""

    key: str
    size: int
    at_most: Mapping[str, int]


class Claims:
    """What the items of one placement may take together: tags (`at_most`) and caps that several offers share."""

    __slots__ = ("_limits", "_taken")

    def __init__(self, visit: Visit, slots: Slots) -> None:
        gates = visit.release.catalogue.contact_caps
        self._limits = dict[object, float]()
        self._limits.update(slots.at_most)
        self._limits.update({gate: gate.room(visit, slots.key) for _, gate in gates})
        self._taken: dict[object, int] = {}

    def obstacle(self, offer: OfferPlan) -> object:
        """What lets no further item be this offer: a tag, or the gate of a cap; None when one may be."""
        limits, taken = self._limits, self._taken
        if limits:
            for claim in offer.claims:
                if claim in limits and taken.get(claim, 0) >= limits[claim]:
                    return claim
        return None

    def take(self, offer: OfferPlan) -> None:
        """Count an offer in."""
        if self._limits:
            for claim in offer.claims:
                self._taken[claim] = self._taken.get(claim, 0) + 1

    def clear(self) -> None:
        """Forget what was taken, not the limits."""
        self._taken = {}


def is_let_in(offer: OfferPlan, visit: Visit, slot: str) -> bool:
    """Whether nothing keeps an offer out of this slot in this visit, constraints between items aside."""
    return (
        not offer.is_disabled
        and offer.key not in visit.used
        and offer.is_open(visit.at)
        and not offer.mask & ~visit.granted
        and not offer.is_held_back(visit, slot)
        and offer.is_eligible(visit)
    )


def best_of(ranked: Iterable[Scoring], visit: Visit, slots: Slots, reach: float = 1.0) -> list[Chosen]:
    """The highest scores, ties by key. `ranked`: by falling bound, ties by key; `reach`: no score is above so much of
    its bound in this visit.
    """
    claims, let_in = Claims(visit, slots), list[Entry]()
    chosen: list[Entry] = []
    for scoring in ranked:
        offer, bound = scoring.offer, scoring.bound * reach
        if bound <= 0 or (len(chosen) >= slots.size and (-bound, offer.key) > chosen[-1][:2]):
            break
        claims.clear()
        if claims.obstacle(offer) is not None or not is_let_in(offer, visit, slots.key):
            continue
        score = scoring.score(visit)
        if score <= 0:
            continue
        entry = (-score, offer.key, offer)
        insort(let_in, entry)
        if len(chosen) < slots.size or entry[:2] < chosen[-1][:2]:
            chosen = _within(let_in, claims, slots.size)
    return [Chosen(offer, -score) for score, _, offer in chosen]


def _within(ordered: Iterable[Entry], claims: Claims, size: int) -> list[Entry]:
    """The first that the constraints let in together."""
    claims.clear()
    found: list[Entry] = []
    for entry in ordered:
        if claims.obstacle(entry[2]) is None:
            claims.take(entry[2])
            found.append(entry)
            if len(found) >= size:
                break
    return found


def first_of(offers: Iterable[OfferPlan], visit: Visit, slots: Slots) -> list[Chosen]:
    """The first in the order given that may be shown."""
    claims, found = Claims(visit, slots), list[Chosen]()
    for offer in offers:
        if len(found) >= slots.size:
            break
        if claims.obstacle(offer) is None and is_let_in(offer, visit, slots.key):
            claims.take(offer)
            found.append(Chosen(offer, None))
    return found


def shuffled(offers: Iterable[OfferPlan], seed: str) -> list[OfferPlan]:
    """The offers in an order that only the seed decides: a hash of it with each key."""
    start = f"{seed}\0".encode("utf-8", "surrogatepass")
    return sorted(offers, key=lambda offer: (murmur3_32(start + offer.key.encode()), offer.key))
