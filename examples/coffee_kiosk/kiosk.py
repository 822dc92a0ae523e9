"""A coffee kiosk that needs no server and no network: it decides by a bundle on its own disk and remembers there.

    nearwise build rules --signing-key signing.key --output kiosk.bundle
    python kiosk.py kiosk.bundle --trust PUBLIC_KEY --storage kiosk

It plays two short days at the counter and prints what stood on the screen and on the receipt.
README.md says what to look at.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import nearwise

ZONE = ZoneInfo("Europe/Warsaw")


@dataclass(frozen=True)
class Visit:
    """A customer at the counter: when, with which card, in which language; what he buys and what he turns down."""

    at: str
    card: str
    locale: str = "en"
    buys: tuple[str, ...] = ()
    turns_down: str = ""
    queue: int | None = None
    """How many stood in line, when the camera told."""


VISITS = (
    Visit("2026-11-23T07:40", "card-1", "pl-PL", buys=("COFFEE",)),
    Visit("2026-11-23T08:30", "card-1", "pl-PL"),  # has had his coffee
    Visit("2026-11-23T08:35", "card-2", turns_down="flat-white", queue=6),  # a long line
    Visit("2026-11-23T12:10", "card-2", buys=("SOUP",)),
    Visit("2026-11-23T12:40", "card-2"),  # has had his soup
    Visit("2026-11-24T07:45", "card-2", turns_down="flat-white"),
    Visit("2026-11-24T07:50", "card-2"),  # has said no twice
    Visit("2026-11-24T08:00", "card-1", "de-DE", buys=("COFFEE", "BAKERY")),  # there are no German texts
    Visit("2026-11-24T22:00", "card-3", buys=("COFFEE",)),  # most offers are closed at night
)


@dataclass(frozen=True)
class Screen:
    """What a customer got to see. The receipt is printed when he buys something."""

    hero: str
    strip: tuple[str, ...]
    receipt: str | None


def title(item: nearwise.Item) -> str:
    """The text of an offer, in the language of the customer."""
    return str(item.value["title"])


def serve(client: nearwise.Client, visit: Visit) -> Screen:
    """One visit: decide the whole screen at once, so that no offer stands in two places, and report what came of it."""
    if visit.queue is not None:
        client.signal("queue.length", visit.queue, expires_seconds=300)  # nobody relies on an old figure
    customer = client.context(visit.card, device={"locale": visit.locale}, basket={"categories": visit.buys})
    hero, strip, receipt = customer.decide_many(["hero", "strip", "receipt"])
    for item in hero.items + strip.items:
        item.shown()
        if item.key == visit.turns_down:
            item.rejected()
    if visit.buys:
        customer.track("purchase", category=list(visit.buys))
        receipt.shown()
    printed = " ".join(title(item) for item in receipt) if visit.buys else None
    return Screen(title(hero.items[0]), tuple([title(item) for item in strip]), printed)


class Kiosk:
    """The kiosk's clock and client. A kiosk on a counter leaves the clock out of the settings and takes the time."""

    def __init__(self, bundle: str, trust: str, storage: str | None = None) -> None:
        self.now = 0.0
        settings = nearwise.Settings(device="kiosk-1", clock=lambda: self.now)
        self.client = nearwise.Client(seed=bundle, trust=trust, storage=storage, settings=settings)

    def play(self, visits: Iterable[Visit] = VISITS) -> Iterable[tuple[Visit, Screen]]:
        """Serve the visits, each at its time."""
        for visit in visits:
            self.now = datetime.fromisoformat(visit.at).replace(tzinfo=ZONE).timestamp()
            yield visit, serve(self.client, visit)


def main() -> None:
    """Read the options and play the days."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", help="the bundle that is shipped with the kiosk")
    parser.add_argument("--trust", required=True, help="the public key that signed it")
    parser.add_argument("--storage", help="folder of what the kiosk remembers; without one it starts afresh")
    options = parser.parse_args()
    kiosk = Kiosk(options.bundle, options.trust, options.storage)
    with kiosk.client:
        for visit, screen in kiosk.play():
            print(f"{visit.at[5:]}  {visit.card}  {screen.hero}  |  {' + '.join(screen.strip)}")
            if screen.receipt:
                print(f"{'':21}receipt: {screen.receipt}")


if __name__ == "__main__":
    main()
