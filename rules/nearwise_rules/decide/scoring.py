"""How a policy scores a candidate, and the most that it can score: candidates that cannot win are not looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nearwise_rules.decide.formulas import MOST_WEIGHT, priority, uplift_utility, utility, weight
from nearwise_rules.decide.parts import PARTS, Part

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nearwise_rules.decide.offers import OfferPlan
    from nearwise_rules.decide.visits import Visit

ENDLESS = float("inf")
_DEFAULTS = {**dict.fromkeys(PARTS, 0.0), "probability": 1.0, "value": 1.0}
"""What a part is that nobody states."""

_PERCENTS = frozenset({"context", "lever"})


class Scoring:
    """One offer under one policy.

    `bound`: no context makes the score larger; `fixed`: the score, when nothing makes it another.
    """

    __slots__ = ("_constants", "_is_uplift", "_parts", "bound", "fixed", "offer")

    def __init__(self, offer: OfferPlan, parts: Mapping[str, Part]) -> None:
        """`parts`: what the policy uses; a part that is not there has its neutral value."""
        self.offer = offer
        self._is_uplift = "uplift" in parts
        self._constants = dict(_DEFAULTS)
        self._constants.update({name: part.constant for name, part in parts.items() if part.constant is not None})
        self._parts = tuple([part for part in parts.values() if part.constant is None])
        self.fixed = None if self._parts else self._priority(self._constants)
        self.bound = self._bound() if self.fixed is None else self.fixed

    def score(self, visit: Visit) -> float:
        """The priority of the offer in this visit; 0 when a part of its utility has no value."""
        if self.fixed is not None:
            return self.fixed
        values = dict(self._constants)
        for part in self._parts:
            found = self._value(part, visit)
            if found is not None:
                values[part.name] = found
            elif part.name not in _PERCENTS:
                return 0.0
        return self._priority(values)

    def values(self, visit: Visit) -> dict[str, float | None]:
        """Every part that the policy uses, with its value in this visit; for explanations."""
        found: dict[str, float | None] = {part.name: self._value(part, visit) for part in self._parts}
        given = {name: value for name, value in self._constants.items() if value != _DEFAULTS[name]}
        return {**given, **found}

    def _value(self, part: Part, visit: Visit) -> float | None:
        if part.of_candidate:
            return part.value(visit.data_of(self.offer, part.attributes), visit.run)
        return visit.shared_value(part)

    def _priority(self, values: Mapping[str, float]) -> float:
        if self._is_uplift:
            worth = uplift_utility(
                values["uplift"], values["probability"], values["margin"], values["cost"], values["discount"]
            )
        else:
            worth = utility(values["probability"], values["value"], values["cost"])
        return priority(worth, weight(values["context"]), weight(values["lever"]))

    def _bound(self) -> float:
        """The score with every part that is not known at its best; endless when money is not known."""
        unknown = {part.name for part in self._parts}
        if unknown & {"value", "cost", "margin", "discount"}:
            return ENDLESS
        known = self._constants
        if self._is_uplift:
            if known["discount"] < 0:
                return ENDLESS
            margin = known["margin"]
            uplift, margin = (1.0, abs(margin)) if "uplift" in unknown else (known["uplift"], margin)
            least = 0.0 if "probability" in unknown else known["probability"]
            worth = uplift_utility(uplift, least, margin, known["cost"], known["discount"])
        else:
            probability = 1.0 if "probability" in unknown else known["probability"]
            worth = utility(probability, max(known["value"], 0.0), known["cost"])
        context = MOST_WEIGHT if "context" in unknown else weight(known["context"])
        lever = MOST_WEIGHT if "lever" in unknown else weight(known["lever"])
        return priority(worth, context, lever)
