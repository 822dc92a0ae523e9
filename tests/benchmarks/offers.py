"""Offers, placements and a customer for the rows about ranking: in a neutral form, and as a rule set.

Every offer asks a history attribute and the basket, has a cap of its own and is suppressed after a purchase of what it
advertises; every third has a schedule. Placements show three each, at most one of the category C1.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nearwise_rules import Json

SUBJECT = "h-1042"
CATEGORIES = 20
PLACEMENTS = 6
SIZE = 3
MONDAY = 1_795_420_800.0
"""2026-11-23T08:00:00Z, the time of the first decision."""

SCORES: dict[str, dict[str, Json]] = {
    "value": {"value": True},
    "model": {"value": True, "probability": {"model": "affinity"}},
    "weight": {"value": True, "context": {"*": [{"var": "bought.c0"}, 5]}},
}
"""What the rows rank by: the value, the value times a linear model's chance, the value weighed by a rule."""

_AFFINITY = 0.1
_CONSENT = ("profile", "personalise")


@dataclass(frozen=True, slots=True)
class Offer:
    """For who bought `category` `least` times in 28 days and has less than `below` in the basket."""

    key: str
    category: int
    value: float
    least: int
    below: int
    weekdays: bool


def offers(count: int) -> tuple[Offer, ...]:
    """So many offers, in order of their keys."""
    rng = random.Random(20240607)
    return tuple(
        Offer(
            f"offer-{number:04d}",
            number % CATEGORIES,
            round(rng.uniform(0.1, 5), 2),
            rng.choice([0, 1, 2]),
            rng.choice([20, 50, 500]),
            number % 3 == 0,
        )
        for number in range(count)
    )


def purchases(count: int = 60) -> list[tuple[float, int]]:
    """What the customer bought: time and category, oldest first, within thirty days before `MONDAY`."""
    rng = random.Random(1)
    return sorted((MONDAY - rng.uniform(0, 30 * 86_400), rng.randrange(CATEGORIES)) for _ in range(count))


def baskets(count: int) -> list[float]:
    """The totals that are asked for: below and above the limits of the offers."""
    rng = random.Random(2)
    return [round(rng.uniform(5, 60), 2) for _ in range(count)]


def placements(many: int = PLACEMENTS) -> list[str]:
    """Their keys."""
    return [f"slot-{number}" for number in range(many)]


def neutral(ranked: Sequence[Offer]) -> list[dict[str, object]]:
    """The offers as plain JSON: what the hand-written loop loads."""
    return [asdict(offer) for offer in ranked]


def affinities() -> list[float]:
    """What the category of an offer adds to the linear model."""
    return [category / CATEGORIES for category in range(CATEGORIES)]


def rule_set(ranked: Sequence[Offer], score: str) -> dict[str, Json]:
    """The rule set's files by path."""
    features: dict[str, Json] = {f"bought.c{number}": {"weight": _AFFINITY} for number in range(CATEGORIES)}
    values: dict[str, Json] = {f"C{number}": weight for number, weight in enumerate(affinities())}
    features["offer.properties.category"] = {"values": values}
    attributes: dict[str, Json] = {f"bought.c{number}": _bought(number) for number in range(CATEGORIES)}
    return {
        "nearwise.json": {"name": "benchmark"},
        "attributes.json": {**attributes, "basket.total": {"type": "number", "range": [0, 10_000]}},
        "models/affinity.json": {"kind": "linear", "intercept": -1, "features": features, "purposes": list(_CONSENT)},
        **{f"placements/{key}.json": _placement(score) for key in placements()},
        **{f"offers/{offer.key}.json": _document(offer) for offer in ranked},
    }


def _bought(number: int) -> Json:
    measure: Json = {"count": "purchase", "where": {"category": f"C{number}"}, "window": "28d"}
    return {"type": "integer", "source": "history", "history": measure, "purposes": list(_CONSENT)}


def _placement(score: str) -> Json:
    return {
        "size": SIZE,
        "candidates": {"tags": ["all"]},
        "policies": {"best": {"score": SCORES[score]}},
        "at_most": [{"tag": "c1", "items": 1}],
        "blank": True,
    }


def _document(offer: Offer) -> Json:
    often: Json = {">=": [{"var": f"bought.c{offer.category}"}, offer.least]}
    schedule: Json = {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "06:00", "until": "22:00"}
    return {
        "content": {"title": offer.key},
        "tags": ["all", f"c{offer.category}"],
        "value": offer.value,
        "properties": {"category": f"C{offer.category}"},
        "eligible": {"and": [often, {"<": [{"var": "basket.total"}, offer.below]}]},
        "caps": [{"limit": 2, "window": "week"}],
        "suppress": [{"after": "purchase", "match": ["category"], "window": "2h"}],
        **({"when": schedule} if offer.weekdays else {}),
    }
