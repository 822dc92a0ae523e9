"""Which caps and budgets keep offers back that everything else would let in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from nearwise_rules.decide.gates import BudgetGate, CapGate

if TYPE_CHECKING:
    from nearwise_rules.decide.offers import OfferPlan
    from nearwise_rules.decide.placements import PlacementPlan
    from nearwise_rules.decide.visits import Visit


class Limits:
    """The caps and budgets of one placement and of its candidates."""

    __slots__ = ("_each", "_plan", "_shared")

    def __init__(self, plan: PlacementPlan) -> None:
        self._plan = plan
        own = [
            (offer, [gate for gate in offer.gates if isinstance(gate, CapGate | BudgetGate)]) for offer in plan.offers
        ]
        self._each = tuple([(offer, gates) for offer, gates in own if gates or offer.shared])
        self._shared = tuple(dict.fromkeys([gate for offer, _ in self._each for gate in offer.shared]))

    @property
    def is_idle(self) -> bool:
        """Whether there are none."""
        return not (self._each or self._plan.caps)

    def binding(self, policy: str | None, visit: Visit) -> Iterator[tuple[str, str]]:
        """Each offer that is kept back, and the limit in words; an empty offer stands for the whole placement."""
        slot = self._plan.key
        if policy not in self._plan.policies:
            return
        for cap in self._plan.caps:
            if cap.blocks(visit, slot):
                yield "", cap.words(visit)
        shared = {gate for gate in self._shared if gate.blocks(visit, slot)}
        for offer, gates in self._each:
            reached = [gate for gate in gates if _may_block(gate, visit) and gate.blocks(visit, slot)]
            reached += [gate for gate in offer.shared if gate in shared]
            if reached and self._is_let_in(offer, visit):
                yield from ((offer.key, gate.words(visit)) for gate in reached)

    def _is_let_in(self, offer: OfferPlan, visit: Visit) -> bool:
        """Whether nothing else keeps an offer out."""
        named = self._plan.candidates.named(visit)
        return (
            (named is None or offer in named)
            and not offer.is_disabled
            and offer.key not in visit.used
            and offer.is_open(visit.at)
            and not offer.mask & ~visit.granted
            and not any(
                gate.blocks(visit, self._plan.key) for gate in offer.gates if not isinstance(gate, CapGate | BudgetGate)
            )
            and offer.is_eligible(visit)
        )


def _may_block(gate: CapGate | BudgetGate, visit: Visit) -> bool:
    """Whether a limit is worth being asked: of most, nothing is used."""
    if not isinstance(gate, CapGate) or gate.limit <= 0:
        return True
    ledger = visit.ledgers[gate.per == "device"]
    return ledger is not None and ledger.knows(gate.event, gate.key)
