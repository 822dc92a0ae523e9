"""The drills by one command each.

python -m tests.drills hostile [--count 10000] [--seed N] [--only NUMBER]
python -m tests.drills kills [--count 200] [--seed N]
"""

from __future__ import annotations

import argparse
import secrets
import sys

from tests.drills import hostile, kills


def main(arguments: list[str] | None = None) -> int:
    """Run one drill, print its table, and answer 1 when anything was not as it should be."""
    parser = argparse.ArgumentParser(prog="python -m tests.drills", description=__doc__)
    drills = parser.add_subparsers(dest="drill", required=True)
    for name, count in (("hostile", 10_000), ("kills", 200)):
        options = drills.add_parser(name)
        options.add_argument("--count", type=int, default=count)
        options.add_argument("--seed", type=int, default=secrets.randbelow(10**9))
        if name == "hostile":
            options.add_argument("--only", type=int, default=None, help="repeat the input of this number")
    chosen = parser.parse_args(arguments)
    print(f"{chosen.drill}: {chosen.count} with seed {chosen.seed}", flush=True)
    if chosen.drill == "kills":
        return kills.report(kills.drill(chosen.seed, chosen.count))
    numbers = range(chosen.count) if chosen.only is None else [chosen.only]
    return hostile.report(hostile.drill(chosen.seed, numbers))


if __name__ == "__main__":
    sys.exit(main())
