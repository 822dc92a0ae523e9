"""A device that is to be killed: tells each occurrence on its output, and what was committed. Run by test_history."""

from __future__ import annotations

import os
import sys
import time

from nearwise.history import HistoryLimits, HistoryStore


def main() -> None:
    """Record until death: `a` after each occurrence, `c` with the number of those on disk after each commit."""
    history = HistoryStore(sys.argv[1], HistoryLimits(), time.time)
    number = 0
    while True:
        with history.changing(f"h-{number % 7}") as ledger:
            ledger.add("seen", ["", "k"], time.time())
        number += 1
        os.write(1, b"a%d\n" % number)
        if number % 5 == 0:
            history.mark("e", number)
            history.commit()
            os.write(1, b"c%d\n" % number)


if __name__ == "__main__":
    main()
