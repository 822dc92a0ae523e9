"""What stood on the receipts: how often each coupon of the placement `receipt` was printed, and how often none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from nearwise_server.demo.reconciliation import StoredEvent

PLACEMENT = "receipt"


@dataclass(frozen=True, slots=True)
class Receipts:
    """Printed coupons by offer, most often first, and the receipts that only said thank you (the fallback)."""

    coupons: Mapping[str, int]
    thanks: int

    @property
    def printed(self) -> int:
        """How many receipts had a coupon."""
        return sum(self.coupons.values())


def count_receipts(events: Iterable[StoredEvent]) -> Receipts:
    """Count the exposures of the placement."""
    shown = [event for event in events if event.type == "exposure" and event.content.get("flag") == PLACEMENT]
    coupons = Counter(str(event.content.get("offer")) for event in shown if event.content.get("fallback") is not True)
    return Receipts(dict(coupons.most_common()), len(shown) - coupons.total())
