"""The excerpt of real purchases, made ready for replay: which till rings up which basket, and what it knows.

Source and columns: examples/complete_journey/README.md. Time stamps are UTC; redemption dates are the shops' days.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from nearwise_server.demo.errors import DemoImpossible

ZONE = ZoneInfo("America/New_York")
REPLAY_FROM = date(2017, 10, 30)
MEMORY = timedelta(days=28)


@dataclass(frozen=True, slots=True)
class Purchase:
    """One basket of one household as the excerpt has it; `saved` is the USD that coupons took off."""

    basket: int
    household: str
    store: str
    at: datetime
    total: float
    saved: float
    categories: tuple[str, ...]

    @property
    def day(self) -> date:
        """The shop's calendar day."""
        return self.at.astimezone(ZONE).date()


@dataclass(frozen=True, slots=True)
class Visit:
    """A purchase to replay, with all that the till knows at that moment.

    due: when, as a share (0-1) of the whole replay. recent: categories bought in the 28 days before.
    redeemed: the campaigns whose coupons the household in fact redeemed with this basket, once per coupon.
    """

    purchase: Purchase
    due: float
    campaigns: tuple[str, ...]
    recent: tuple[str, ...]
    traits: Mapping[str, str]
    redeemed: tuple[str, ...]

    def line(self) -> str:
        """The visit as one line of a till's journal (JSON)."""
        bought = self.purchase
        household = {"campaigns": self.campaigns, "recent_categories": self.recent, **self.traits}
        basket = {"at": bought.at.isoformat(), "total": bought.total, "categories": bought.categories}
        return json.dumps(
            {
                "basket_number": bought.basket,
                "due": round(self.due, 6),
                "subject": f"household-{bought.household}",
                "store": {"id": bought.store},
                "basket": basket,
                "household": household,
                "redeemed": self.redeemed,
            },
            separators=(",", ":"),
        )


@dataclass(frozen=True, slots=True)
class Journey:
    """Every visit in time order."""

    visits: tuple[Visit, ...]

    @property
    def households(self) -> int:
        """How many households take part."""
        return len({visit.purchase.household for visit in self.visits})

    def by_till(self, tills: int) -> list[list[Visit]]:
        """Deal the visits to tills by each household's home store (where it shops most), the busiest store first.

        A household stays at one till, so the order of its events is that till's own order.
        """
        stores: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for visit in self.visits:
            stores[visit.purchase.household][visit.purchase.store] += 1
        home = {key: min(seen, key=lambda store: (-seen[store], store)) for key, seen in stores.items()}
        load = Counter(home[visit.purchase.household] for visit in self.visits)
        till_of: dict[str, int] = {}
        filled = [0] * tills
        for store in sorted(load, key=lambda key: (-load[key], key)):
            till_of[store] = filled.index(min(filled))
            filled[till_of[store]] += load[store]
        dealt: list[list[Visit]] = [[] for _ in range(tills)]
        for visit in self.visits:
            dealt[till_of[home[visit.purchase.household]]].append(visit)
        return dealt


def read_journey(folder: Path) -> Journey:
    """Read the excerpt in `folder`.

    Raises:
        DemoImpossible: a file is missing or not what its README says.
    """
    try:
        purchases = tuple(_purchases(folder))
        redeemed = _redeemed(folder, purchases)
        campaigns: defaultdict[str, list[str]] = defaultdict(list)
        for row in _rows(folder / "campaigns.csv"):
            campaigns[row["household_id"]].append(row["campaign_id"])
        return Journey(tuple(_visits(purchases, campaigns, _traits(folder), redeemed)))
    except (OSError, EOFError, KeyError, ValueError) as error:
        raise DemoImpossible(f"the excerpt in {folder} cannot be read: {error!r}") from error


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", newline="") if path.suffix == ".gz" else path.open(newline="") as stream:
        yield from csv.DictReader(stream)


def _purchases(folder: Path) -> Iterator[Purchase]:
    names = {row["category"]: row["name"] for row in _rows(folder / "categories.csv")}
    for row in _rows(folder / "baskets.csv.gz"):
        yield Purchase(
            basket=int(row["basket"]),
            household=row["household_id"],
            store=row["store_id"],
            at=datetime.fromisoformat(row["transaction_timestamp"]).replace(tzinfo=UTC),
            total=float(row["sales"]),
            saved=float(row["coupon_disc"]) + float(row["coupon_match"]),
            categories=tuple(names[number] for number in row["categories"].split()),
        )


def _traits(folder: Path) -> dict[str, dict[str, str]]:
    columns = {"age": "age", "income": "income", "kids": "kids_count"}
    return {
        row["household_id"]: {name: row[column] for name, column in columns.items() if row[column]}
        for row in _rows(folder / "demographics.csv")
    }


def _redeemed(folder: Path, purchases: Iterable[Purchase]) -> dict[int, list[str]]:
    """Campaigns redeemed per basket: that day's first basket from which coupons took money, else the day's first."""
    of_day: dict[tuple[str, date], Purchase] = {}
    for purchase in purchases:
        known = of_day.setdefault((purchase.household, purchase.day), purchase)
        if purchase.saved and not known.saved:
            of_day[purchase.household, purchase.day] = purchase
    redeemed: defaultdict[int, list[str]] = defaultdict(list)
    for row in _rows(folder / "coupon_redemptions.csv"):
        with_coupons = of_day.get((row["household_id"], date.fromisoformat(row["redemption_date"])))
        if with_coupons is not None:
            redeemed[with_coupons.basket].append(row["campaign_id"])
    return redeemed


def _visits(
    purchases: Sequence[Purchase],
    campaigns: Mapping[str, list[str]],
    traits: Mapping[str, dict[str, str]],
    redeemed: Mapping[int, list[str]],
) -> Iterator[Visit]:
    count = sum(purchase.day >= REPLAY_FROM for purchase in purchases)
    past: defaultdict[str, deque[Purchase]] = defaultdict(deque)
    done = 0
    for purchase in purchases:
        remembered = past[purchase.household]
        while remembered and remembered[0].at < purchase.at - MEMORY:
            remembered.popleft()
        if purchase.day >= REPLAY_FROM:
            yield Visit(
                purchase,
                due=done / count,
                campaigns=tuple(campaigns.get(purchase.household, ())),
                recent=tuple(sorted({name for old in remembered for name in old.categories})),
                traits=traits.get(purchase.household, {}),
                redeemed=tuple(redeemed.get(purchase.basket, ())),
            )
            done += 1
        remembered.append(purchase)
