"""A grocery till: it prints one coupon at the foot of each receipt, chosen by what it remembers of the household.

All that a till does with Nearwise is in `Till.ring_up`; the rest gives it a clock and a network that can be unplugged,
so that three months can be replayed in seconds. `replay.py` runs four of these.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import nearwise

ZONE = ZoneInfo("America/New_York")


class Basket(NamedTuple):
    """What a household bought in one visit; `at` in Unix seconds."""

    at: float
    household: str
    total: float
    categories: tuple[str, ...]

    @property
    def day(self) -> date:
        """The day in the store."""
        return datetime.fromtimestamp(self.at, ZONE).date()


class Books(NamedTuple):
    """What a till tells at the end: baskets, those rung up offline, events that waited for the network, events left."""

    baskets: int
    offline: int
    waited: int
    left: int


class Cable:
    """The network of a till. `nearwise.Client` takes it in place of an address."""

    def __init__(self, server: nearwise.Transport) -> None:
        self.unplugged = False
        self._server = server

    def send(self, request: nearwise.Request) -> nearwise.Response:
        """Pass a request on.

        Raises:
            TransportFailed: the cable is unplugged.
        """
        if self.unplugged:
            raise nearwise.TransportFailed("the cable is unplugged")
        return self._server.send(request)

    def close(self) -> None:
        """A client is done; the cable stays."""


class Till:
    """One till of the store, with a folder of its own."""

    def __init__(self, name: str, server: nearwise.Transport, trust: str, storage: Path) -> None:
        self.now = 0.0
        self.cable = Cable(server)
        settings = nearwise.Settings(device=name, clock=lambda: self.now, send_seconds=0.5, retry_most_seconds=0.5)
        self.client = nearwise.Client(self.cable, trust=trust, storage=storage, settings=settings)

    def ring_up(self, basket: Basket, *, prints_coupon: bool) -> None:
        """One basket. The purchase comes first: what is in the basket already is not advertised."""
        visit = self.client.context(basket.household)
        visit.track("purchase", basket.total, category=list(basket.categories))
        if not prints_coupon:
            return
        receipt = visit.decide("receipt")
        receipt.shown()  # printed: the coupon, or the thanks of a household that is held out
        if receipt.reason == nearwise.Reason.HOLDOUT:
            for coupon in visit.decide("ghost"):  # what it would have been; counts against the same caps
                visit.track("ghost", offer=coupon.key, tag=list(coupon.tags))

    def replay(self, baskets: Iterable[Basket], coupons_from: date, offline_on: date) -> Books:
        """Ring up baskets in the order of time, each at its own, offline for a day; then bring the last events home."""
        count = offline = waited = 0
        if not self.client.ready(30):
            raise TimeoutError(f"no bundle: {self.client.status.last_error}")
        for basket in baskets:
            self.now = basket.at
            self.cable.unplugged = basket.day == offline_on
            self.ring_up(basket, prints_coupon=basket.day >= coupons_from)
            count += 1
            if self.cable.unplugged:
                offline += 1
                waited = max(waited, self.client.status.queued)
        self.cable.unplugged = False
        return Books(count, offline, waited, self.client.flush(60))
