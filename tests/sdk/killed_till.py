"""A till that is to be killed: tells on its output each event that it was promised. Run by test_client."""

from __future__ import annotations

import os
import sys

import nearwise


def main() -> None:
    """Record exposures and purchases until death; one line for each call that has returned."""
    client = nearwise.Client(storage=sys.argv[1], seed=sys.argv[2], trust=sys.argv[3])
    context = client.context("h-1", basket={"total": 25})
    number = 0
    while True:
        context.decide("offer").shown()
        os.write(1, b"s%d\n" % number)
        if number % 50 == 0:
            context.track("purchase", number)
            os.write(1, b"t%d\n" % number)
        number += 1


if __name__ == "__main__":
    main()
