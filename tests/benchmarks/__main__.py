"""`python -m tests.benchmarks`: this product beside a hand-written floor and beside peers, as one table."""

from __future__ import annotations

import argparse
import platform
import sys
import time
from dataclasses import replace

from tests.benchmarks.measurements import GROUPS, Effort
from tests.benchmarks.peers import PEERS
from tests.benchmarks.rows import Row, table
from tests.benchmarks.timing import pin_to_one_core

QUICK = Effort(repetitions=3, seconds=0.005, starts=2, exposures=200, audience_keys=100_000, offers=60, rankings=25)


def main(arguments: list[str] | None = None) -> int:
    """Measure the chosen groups and print the table. The exit status says nothing about speed."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("groups", nargs="*", help=f"which rows, of: {', '.join(GROUPS)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="a few readings only: shows that it runs")
    parser.add_argument("--python", default=sys.executable, help="interpreter of the timed processes (a clean one)")
    chosen = parser.parse_args(arguments)
    unknown = [name for name in chosen.groups if name not in GROUPS]
    if unknown:
        parser.error(f"no such rows: {', '.join(unknown)}")
    effort = replace(QUICK if chosen.quick else Effort(), python=chosen.python)
    print(_heading(pin_to_one_core()), flush=True)
    started = time.perf_counter()
    rows: list[Row] = []
    for name in chosen.groups or GROUPS:
        rows += GROUPS[name](effort)
    print(table(rows))
    print(f"\n{time.perf_counter() - started:.0f} s. Ratios are medians over readings of the floor right before each.")
    return 0


def _heading(cpu: int | None) -> str:
    absent = [peer.distribution for peer in PEERS if not peer.is_installed()]
    note = f'; not installed and left out: {", ".join(absent)} (pip install "nearwise[bench]")' if absent else ""
    pinned = "not pinned" if cpu is None else f"pinned to CPU {cpu}"
    return f"Python {platform.python_version()}, {platform.machine()}, {pinned}{note}\n"


if __name__ == "__main__":
    sys.exit(main())
