"""An outbox that is to be killed while events are taken out of it. Run by test_redaction.

Tells on its output each event that it was promised (`a` and its number) and each redaction that has ended (`r`).
"""

from __future__ import annotations

import os
import sys
from threading import Thread

from nearwise.outbox.batches import BatchLimits, LogLimits
from nearwise.outbox.sealing import Outbox, open_outbox

LIMITS = LogLimits(total_bytes=1 << 20, segment_bytes=4096, critical_segment_bytes=2048, event_bytes=512)


def main() -> None:
    """Append without end; every event of the subject with an odd number is taken out, again and again."""
    outbox = open_outbox(sys.argv[1], clock=lambda: 1000.0, limits=LIMITS)
    outbox.seal(BatchLimits(50, 1 << 20))
    Thread(target=_redact, args=(outbox,), daemon=True).start()
    start = int(sys.argv[2])
    for number in range(start, start + 100_000):
        outbox.append(b"event %d of %s" % (number, b"odd" if number % 2 else b"even"), critical=number % 20 == 0)
        os.write(1, b"a%d\n" % number)


def _redact(outbox: Outbox) -> None:
    while True:
        outbox.redact(lambda payload: payload.endswith(b"odd"))
        outbox.prepare()
        os.write(1, b"r\n")


if __name__ == "__main__":
    main()
