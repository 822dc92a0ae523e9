"""A till: decides an offer for every basket and reports what came of it. Needs nothing but `nearwise`.

`nearwise demo` runs eight of these, takes the network from three of them and kills one. The till replays a journal of
real visits (one JSON object per line) and keeps books of its own, apart from the SDK, in a ledger: the demo compares
them with what has arrived at the centre. The device key comes from the environment variable NEARWISE_KEY.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Any

import nearwise

READY_SECONDS = 15.0
LAST_FLUSH_SECONDS = 5.0


class Ledger:
    """The till's books: one line per fact, each appended in one write, so that `kill -9` takes none."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        with open(path, encoding="utf-8") as lines:
            known = [line.split() for line in lines if line.endswith("\n")]
        self.finished = {fields[1] for fields in known if fields[0] == "basket"}
        self._begun = {fields[1] for fields in known if fields[0] == "begin"}

    def write(self, *fields: object) -> None:
        """Append one line."""
        os.write(self._file, ("\t".join(map(str, fields)) + "\n").encode())

    def report(self, step: str, event: str, call: Callable[[], object]) -> None:
        """Make a reporting call once, noting before that it begins and after that it has returned.

        A step that an earlier life of this till began and did not finish is not repeated: it may have been stored.
        """
        if step not in self._begun:
            self.write("begin", step, event)
            call()
            self.write("done", step, event)


def ring_up(client: nearwise.Client, visit: dict[str, Any], ledger: Ledger) -> None:
    """One basket: four decisions, what was shown, the purchase, and the coupons that were in fact redeemed."""
    number = visit["basket_number"]
    basket = visit["basket"] | {"at": datetime.fromisoformat(visit["basket"]["at"])}
    checkout = client.context(visit["subject"], store=visit["store"], basket=basket, household=visit["household"])

    def decide(flag: str) -> nearwise.Decision:
        started = time.perf_counter_ns()
        decision = checkout.decide(flag)
        spent = time.perf_counter_ns() - started
        ledger.write("decide", time.time(), spent, flag, decision.bundle_version, decision.reason)
        return decision

    layout = decide("checkout-layout")
    decide("receipt-survey")
    offer = decide("checkout-offer")
    ledger.report(f"{number}/layout", layout.id, layout.shown)
    if offer.rule:  # a rule holds: the offer is on the screen, or the household is held out of it; both are reported
        ledger.report(f"{number}/offer", offer.id, offer.shown)

    purchase, bought = f"{number}/purchase", visit["basket"]["categories"]
    total = visit["basket"]["total"]
    ledger.report(purchase, purchase, partial(checkout.track, "purchase", total, step=purchase, category=bought))
    receipt = decide("receipt")
    ledger.report(f"{number}/receipt", receipt.id, receipt.shown)
    for index, campaign in enumerate(visit["redeemed"]):
        step = f"{number}/redemption-{index}"
        ledger.report(step, step, partial(checkout.track, "redemption", 1.0, campaign=campaign, step=step))
    ledger.write("basket", number)


def visits(journal: str, ledger: Ledger) -> Iterator[dict[str, Any]]:
    """The visits of the journal that this till has not finished yet."""
    with open(journal, encoding="utf-8") as lines:
        for line in lines:
            visit = json.loads(line)
            if str(visit["basket_number"]) not in ledger.finished:
                yield visit


def serve(options: argparse.Namespace, opening: threading.Event, closing: threading.Event) -> None:
    """Get ready, ring up every visit when it is due, and stay open until told to close."""
    ledger = Ledger(options.ledger)
    settings = nearwise.Settings(  # eight weeks pass in seconds, so this till asks and sends more often than by default
        device=options.device, poll_seconds=1.0, send_seconds=0.5, retry_first_seconds=0.25, retry_most_seconds=1.0
    )
    key = os.environ["NEARWISE_KEY"]
    with nearwise.Client(options.url, key=key, storage=options.storage, settings=settings) as client:
        if not client.ready(READY_SECONDS):
            print(f"no bundle yet, going on with defaults: {client.status.last_error}", flush=True)
        ledger.write("start", time.time(), client.status.version, client.status.source.value)
        opening.wait()
        for visit in visits(options.journal, ledger):
            if closing.wait(max(0.0, options.opens + visit["due"] * options.seconds - time.time())):
                break
            ring_up(client, visit, ledger)
        closing.wait()
        left = client.flush(LAST_FLUSH_SECONDS)
        ledger.write("end", time.time(), client.status.version, left)


def main() -> None:
    """Read the options and run.

    Standard input says when: its first line is the Unix time at which the replay starts, its end closes the till, also
    when whoever opened it is gone.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True, help="the centre")
    parser.add_argument("--device", required=True, help="the name of this till")
    parser.add_argument("--storage", required=True, help="folder of this till's bundle and events")
    parser.add_argument("--journal", required=True, help="the visits to replay")
    parser.add_argument("--ledger", required=True, help="this till's own books")
    parser.add_argument("--seconds", type=float, default=15.0, help="length of the replay")
    options = parser.parse_args()
    opening, closing = threading.Event(), threading.Event()

    def listen() -> None:
        options.opens = float(sys.stdin.readline() or time.time())
        opening.set()
        sys.stdin.read()
        closing.set()

    threading.Thread(target=listen, daemon=True).start()
    serve(options, opening, closing)


if __name__ == "__main__":
    main()
