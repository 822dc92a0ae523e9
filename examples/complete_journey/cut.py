"""Cut the demo's excerpt out of the Complete Journey data: 400 households, their baskets and their coupon campaigns.

    python cut.py SOURCE [TARGET]

SOURCE is the folder with one row per basket and per basket and category; TARGET is where the excerpt goes (default:
beside this script). The same source gives the same rows, and with the same zlib the same bytes. See README.md.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

FIRST_DAY = "2017-10-02"  # four weeks of purchases before the first replayed day
REPLAY_FROM = "2017-10-30"  # campaign 18, the largest of the year, starts
LAST_DAY = "2017-12-24"  # and ends
HOUSEHOLDS = 400

Row = dict[str, str]


def rows(path: Path) -> Iterator[Row]:
    """The rows of a CSV file, compressed or not, as text."""
    with gzip.open(path, "rt", newline="") if path.suffix == ".gz" else path.open(newline="") as stream:
        yield from csv.DictReader(stream)


def write(path: Path, header: Sequence[str], lines: Iterable[Sequence[object]]) -> None:
    """Write a CSV file; a name that ends in .gz is compressed with a zero time stamp."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(lines)
    data = text.getvalue().encode()
    path.write_bytes(gzip.compress(data, 9, mtime=0) if path.suffix == ".gz" else data)


def pick(candidates: Iterable[str]) -> frozenset[str]:
    """The sample: the households with the smallest SHA-256 of their number, so that no field of theirs plays a part."""
    return frozenset(sorted(set(candidates), key=lambda key: hashlib.sha256(key.encode()).digest())[:HOUSEHOLDS])


def cut_campaigns(source: Path, target: Path) -> tuple[frozenset[str], frozenset[str]]:
    """Write the campaigns that run in the replayed weeks and who was in them; return campaigns and the households."""
    every = list(rows(source / "campaign_descriptions.csv"))
    running = [row for row in every if row["start_date"] <= LAST_DAY and row["end_date"] >= REPLAY_FROM]
    running.sort(key=lambda row: int(row["campaign_id"]))
    campaigns = frozenset(row["campaign_id"] for row in running)
    write(target / "campaign_descriptions.csv", list(running[0]), [list(row.values()) for row in running])
    members = [row for row in rows(source / "campaigns.csv") if row["campaign_id"] in campaigns]
    households = pick(row["household_id"] for row in members)
    kept = sorted((int(m["campaign_id"]), int(m["household_id"])) for m in members if m["household_id"] in households)
    write(target / "campaigns.csv", ["campaign_id", "household_id"], kept)
    return campaigns, households


def cut_baskets(source: Path, target: Path, households: frozenset[str]) -> set[str]:
    """Write the households' baskets with the categories of each; return the category numbers that occur."""
    baskets = [
        row
        for row in rows(source / "baskets.csv.gz")
        if row["household_id"] in households and FIRST_DAY <= row["transaction_timestamp"][:10] <= LAST_DAY
    ]
    baskets.sort(key=lambda row: (row["transaction_timestamp"], int(row["basket"])))
    wanted = {row["basket"] for row in baskets}
    inside: defaultdict[str, list[int]] = defaultdict(list)
    for row in rows(source / "basket_categories.csv.gz"):
        if row["basket"] in wanted:
            inside[row["basket"]].append(int(row["category"]))
    columns = ["basket", "household_id", "store_id", "transaction_timestamp", "sales", "coupon_disc", "coupon_match"]
    lines = [[*(row[c] for c in columns), " ".join(map(str, sorted(inside[row["basket"]])))] for row in baskets]
    write(target / "baskets.csv.gz", [*columns, "categories"], lines)
    return {str(number) for numbers in inside.values() for number in numbers}


def cut_coupons(source: Path, target: Path, campaigns: frozenset[str], households: frozenset[str]) -> set[str]:
    """Write how many coupons of a campaign name a category, and the redemptions; return the category numbers."""
    coupons = Counter(
        (int(row["campaign_id"]), int(row["category"]))
        for row in rows(source / "coupon_categories.csv.gz")
        if row["campaign_id"] in campaigns
    )
    lines = [(campaign, category, count) for (campaign, category), count in sorted(coupons.items())]
    write(target / "coupon_categories.csv", ["campaign_id", "category", "coupons"], lines)
    redeemed = sorted(
        (row["redemption_date"], int(row["household_id"]), int(row["campaign_id"]), int(row["coupon_upc"]))
        for row in rows(source / "coupon_redemptions.csv")
        if row["household_id"] in households and row["campaign_id"] in campaigns
        if FIRST_DAY <= row["redemption_date"] <= LAST_DAY
    )
    write(target / "coupon_redemptions.csv", ["redemption_date", "household_id", "campaign_id", "coupon_upc"], redeemed)
    return {str(category) for _, category in coupons}


def cut(source: Path, target: Path) -> None:
    """Cut the whole excerpt out of `source` and write it to `target`."""
    campaigns, households = cut_campaigns(source, target)
    used = cut_baskets(source, target, households) | cut_coupons(source, target, campaigns, households)
    named = sorted(
        (int(row["category"]), row["name"]) for row in rows(source / "categories.csv") if row["category"] in used
    )
    write(target / "categories.csv", ["category", "name"], named)
    people = [row for row in rows(source / "demographics.csv") if row["household_id"] in households]
    people.sort(key=lambda row: int(row["household_id"]))
    write(target / "demographics.csv", list(people[0]), [list(row.values()) for row in people])


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    cut(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) == 3 else Path(__file__).parent)
