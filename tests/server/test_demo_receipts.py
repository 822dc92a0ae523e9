"""The demo's receipts: coupons and thank-yous, counted from the stored exposures."""

from __future__ import annotations

from nearwise_server.demo.receipts import Receipts, count_receipts
from nearwise_server.demo.reconciliation import StoredEvent


def exposure(offer: str, flag: str = "receipt", **more: bool) -> StoredEvent:
    return StoredEvent("till-1", "e", 1, "exposure", "h-1", {"flag": flag, "offer": offer, **more})


def test_coupons_are_counted_by_offer_and_fallbacks_apart() -> None:
    events = [exposure("cheese"), exposure("bread"), exposure("cheese"), exposure("thanks", fallback=True)]
    assert count_receipts([*events, exposure("x", flag="hero")]) == Receipts({"cheese": 2, "bread": 1}, thanks=1)
    assert count_receipts([]).printed == 0
