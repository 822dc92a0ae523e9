"""A till that is made to be killed: it tracks sales in bursts and says after each call which sale is safe.

Run as `python -m tests.drills.till URL KEY STORAGE FIRST`. On standard output it writes eight bytes for every sale
whose `track` has returned: the sale's number, big-endian. It ends when its standard input does. With `drain` for FIRST
it sells nothing, sends what earlier lives left, and prints how many events could not be sent.
"""

from __future__ import annotations

import os
import random
import select
import sys
import time

import nearwise


def main(url: str, key: str, storage: str, first: str) -> None:
    """Sell until told to stop, then close in order."""
    client = nearwise.Client(url, key=key, storage=storage, settings=settings())
    if first == "drain":
        print(client.flush(120.0))
        client.close()
        return
    rng = random.Random(int(first))
    checkout = client.context(f"till-{first}", basket={"total": 23.9})
    number = int(first)
    while not select.select([sys.stdin], [], [], 0)[0]:
        for _ in range(rng.randint(1, 12)):
            checkout.decide("flag-0", default="off").shown()
            checkout.track("sale", value=float(number % 100), number=number)
            os.write(1, number.to_bytes(8, "big"))
            number += 1
        time.sleep(rng.random() * 0.01)
    client.close()


def settings() -> nearwise.Settings:
    """Settings under which a till does in a second what it else does in an hour."""
    return nearwise.Settings(
        poll_seconds=0.3,
        send_seconds=0.05,
        commit_seconds=0.05,
        retry_first_seconds=0.02,
        retry_most_seconds=0.2,
        batch_events=64,
        batch_bytes=8 * 1024,
        event_bytes=1024,
        outbox_bytes=1024 * 1024 * 1024,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
