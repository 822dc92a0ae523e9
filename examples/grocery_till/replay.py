"""Four tills of one store play what the households of the panel really bought, and count what came of the coupons.

    python -m examples.grocery_till.replay                           # the excerpt beside this folder
    python -m examples.grocery_till.replay --data FOLDER             # all 2,469 households, a year
    python -m examples.grocery_till.replay --roam                    # households do not keep to one till

README.md says what is measured, and what is not.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from examples.grocery_till.journal import Event, Journal
from examples.grocery_till.report import table
from examples.grocery_till.till import Basket, Books, Till
from nearwise.testing import MemoryServer

RULES = Path(__file__).parent / "rules"
EXCERPT = Path(__file__).parents[1] / "complete_journey"
TILLS = 4
OFFLINE_ON = date(2017, 11, 22)  # the day before Thanksgiving, the busiest of the season
MEMORY = timedelta(days=28)  # the tills only remember for so long before they print the first coupon


class Replay(NamedTuple):
    """What the tills say, and what has arrived at the server."""

    books: tuple[Books, ...]
    events: tuple[Event, ...]


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", newline="") if path.suffix == ".gz" else path.open(newline="") as lines:
        yield from csv.DictReader(lines)


def read_baskets(folder: Path) -> list[Basket]:
    """The baskets of the excerpt, or of the whole panel, in the order of time."""
    names = {row["category"]: row["name"] for row in _rows(folder / "categories.csv")}
    inside: defaultdict[str, list[str]] = defaultdict(list)
    if (folder / "basket_categories.csv.gz").exists():
        for row in _rows(folder / "basket_categories.csv.gz"):
            inside[row["basket"]].append(row["category"])
    baskets: list[Basket] = []
    for row in _rows(folder / "baskets.csv.gz"):
        at = datetime.fromisoformat(row["transaction_timestamp"]).replace(tzinfo=UTC).timestamp()
        numbers = row["categories"].split() if "categories" in row else inside[row["basket"]]
        categories = tuple([names[number] for number in numbers])
        baskets.append(Basket(at, f"household-{row['household_id']}", float(row["sales"]), categories))
    return sorted(baskets)


def till_of(basket: Basket, *, roam: bool) -> int:
    """Which till rings up a basket: always the same of a household, or another one every day."""
    text = f"{basket.household}/{basket.day}" if roam else basket.household
    return hashlib.sha256(text.encode()).digest()[0] % TILLS


def play(baskets: Sequence[Basket], storage: Path, *, roam: bool = False) -> Replay:
    """Run the tills, each in a thread with its own clock, against a server in memory."""
    server = MemoryServer(RULES)
    tills = [Till(f"till-{number}", server, server.public_key, storage / f"till-{number}") for number in range(TILLS)]
    queues = [[basket for basket in baskets if till_of(basket, roam=roam) == number] for number in range(TILLS)]
    coupons_from = baskets[0].day + MEMORY
    with ExitStack() as opened, ThreadPoolExecutor(TILLS) as pool:
        for till in tills:
            opened.enter_context(till.client)
        runs = [
            pool.submit(till.replay, queue, coupons_from, OFFLINE_ON) for till, queue in zip(tills, queues, strict=True)
        ]
        books = tuple([run.result() for run in runs])
    found = server.events
    return Replay(books, tuple([Event(e.device, e.type, e.at / 1000, e.subject or "", e.fields) for e in found]))


def main() -> None:
    """Read the options, replay, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=EXCERPT, help="a folder with baskets.csv.gz")
    parser.add_argument("--roam", action="store_true", help="households come to another till every day")
    options = parser.parse_args()
    baskets = read_baskets(options.data)
    with tempfile.TemporaryDirectory() as storage:
        replay = play(baskets, Path(storage), roam=options.roam)
    count, offline, waited, left = (sum(column) for column in zip(*replay.books, strict=True))
    print(f"{TILLS} tills, {count:,} baskets, {offline:,} of them without a network on {OFFLINE_ON}")
    print(f"{len(replay.events):,} events at the server, {waited:,} waited for the network, {left} still do")
    print("\n".join(table(Journal(replay.events, RULES, baskets[-1].at))))


if __name__ == "__main__":
    main()
