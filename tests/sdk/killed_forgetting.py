"""A till that is to be killed while it forgets a subject. Run by test_subjects; tells when it begins and ends."""

from __future__ import annotations

import os
import sys

import nearwise


def main() -> None:
    """Fill an outbox with events of two subjects, then forget one of them."""
    client = nearwise.Client(storage=sys.argv[1], seed=sys.argv[2], trust=sys.argv[3])
    for number in range(400):
        for subject in ("h-1042-anna", "h-1043-berta"):
            context = client.context(subject, basket={"total": 25})
            context.decide("offer").shown()
            if number % 40 == 0:
                context.track("purchase", number)
    client.consent("h-1042-anna", {"store": True})
    os.write(1, b"begins\n")
    client.forget("h-1042-anna")
    os.write(1, b"ended\n")
    sys.stdin.read()


if __name__ == "__main__":
    main()
