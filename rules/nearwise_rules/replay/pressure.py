"""Which caps and budgets keep offers back that everything else would let in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TypeAlias

from nearwise_rules.decide.gates import BudgetGate, CapGate

if TYPE_CHECKING:
    from nearwise_rules.decide.offers import OfferPlan
    from nearwise_rules.decide.placements import PlacementPlan
    from nearwise_rules.decide.visits import Visit

_Row: TypeAlias = "tuple[OfferPlan, CapGate | BudgetGate]"


class Limits:
    """The caps and budgets of one placement and of its candidates.

    Caps are found by what is remembered: most have nothing to count, and are not even asked.
    """

    __slots__ = ("_by_key", "_others", "_plan", "_shared")

    def __init__(self, plan: PlacementPlan) -> None:
        self._plan = plan
        self._by_key: dict[tuple[bool, str], dict[str, list[_Row]]] = {}
        self._others: list[_Row] = []
        for offer in plan.offers:
            for gate in offer.gates:
                if isinstance(gate, BudgetGate) or (isinstance(gate, CapGate) and gate.limit <= 0):
                    self._others.append((offer, gate))
                elif isinstance(gate, CapGate):
                    keys = self._by_key.setdefault((gate.per == "device", gate.event), {})
                    keys.setdefault(gate.key, []).append((offer, gate))
        shared = [(gate, offer) for offer in plan.offers for gate in offer.shared]
        self._shared = {gate: [offer for other, offer in shared if other is gate] for gate, _ in shared}

    def binding(self, policy: str | None, visit: Visit) -> Iterator[tuple[str, str]]:
        """Each offer that is kept back, and the limit in words; an empty offer stands for the whole placement."""
        slot = self._plan.key
        if policy not in self._plan.policies:
            return
        for cap in self._plan.caps:
            if cap.blocks(visit, slot):
                yield "", cap.words(visit)
        for shared, offers in self._shared.items():
            if shared.blocks(visit, slot):
                yield from ((offer.key, shared.words(visit)) for offer in offers if self._is_let_in(offer, visit))
        for offer, gate in (*self._touched(visit), *self._others):
            if gate.blocks(visit, slot) and self._is_let_in(offer, visit):
                yield offer.key, gate.words(visit)

    def _touched(self, visit: Visit) -> Iterable[_Row]:
        """The caps of which anything is used or held."""
        rows: list[_Row] = []
        for (is_device, event), keys in self._by_key.items():
            ledger = visit.ledgers[is_device]
            if ledger is not None:
                for key in (keys.keys() & ledger.known_of(event)) | (keys.keys() & ledger.known_held()):
                    rows += keys[key]
        return rows

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
