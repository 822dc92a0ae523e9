"""The decision formula: what an offer is worth, in money.

Utility is additive inside: `p * value - cost`, or with an uplift model `uplift * margin - cost - discount * p`. It is
clamped at zero (to say nothing is an action, and a lever must not make a bad offer look better), then weighed by
context and lever, each 1 + percent / 100 within 0.5 to 2. Clamping before weighing is what differs from a plain
product of propensity, context, value and lever.
"""

from __future__ import annotations

from typing import Final

LEAST_WEIGHT: Final = 0.5
MOST_WEIGHT: Final = 2.0


def utility(probability: float, value: float, cost: float) -> float:
    """Expected gain of showing an offer: its value with the chance that it is taken, less what showing it costs."""
    return chance(probability) * value - cost


def uplift_utility(uplift: float, probability: float, margin: float, cost: float, discount: float) -> float:
    """Expected gain over saying nothing: the margin of those won by it, less its cost and the discount to all who buy.

    `uplift` is the chance of a purchase with the offer less that without (-1 to 1); `probability` the chance with it.
    """
    return max(-1.0, min(1.0, uplift)) * margin - cost - discount * chance(probability)


def priority(worth: float, context: float, lever: float) -> float:
    """The order of an offer: its utility, never below zero, weighed by two weights (see `weight`)."""
    return max(worth, 0.0) * context * lever


def weight(percent: float) -> float:
    """1 + percent / 100 within 0.5 to 2."""
    return max(LEAST_WEIGHT, min(MOST_WEIGHT, 1.0 + percent / 100.0))


def chance(probability: float) -> float:
    """A probability within 0 to 1."""
    return max(0.0, min(1.0, probability))
