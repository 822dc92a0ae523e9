"""The hand-written loop that the rows about ranking stand beside: filter, look into dicts, sort, take the first.

It validates nothing, explains nothing, reserves nothing, records nothing and has these conditions built in.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from math import exp
from time import gmtime
from typing import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_TWO_HOURS, _WEEK, _MONTH = 7_200.0, 7 * 86_400.0, 28 * 86_400.0


class Offer(NamedTuple):
    """One offer, its fields in the order in which they are looked at."""

    key: str
    category: int
    value: float
    least: int
    below: int
    weekdays: bool


class ByHand:
    """Ranks by one of the scores of `offers.SCORES`, with what the customer did in dicts."""

    def __init__(self, documents: Iterable[dict[str, Any]], affinities: Sequence[float], score: str) -> None:
        self._offers = [Offer(**document) for document in documents]
        self._affinities = affinities
        self._score = score
        self.purchases: dict[int, list[float]] = defaultdict(list)
        self.exposures: dict[str, list[float]] = defaultdict(list)

    def load(self, path: str) -> None:
        """Read what the customer bought from a table."""
        with sqlite3.connect(path) as database:
            for at, category in database.execute("SELECT at, category FROM purchase ORDER BY at"):
                self.purchases[category].append(at)
        database.close()

    def decide_many(self, placements: Sequence[str], size: int, total: float, at: float) -> list[list[str]]:
        """The keys that each placement shows: three each, at most one of category 1, none twice."""
        bought = [sum([1 for time in self.purchases[n] if time > at - _MONTH]) for n in range(len(self._affinities))]
        lately = [any(time > at - _TWO_HOURS for time in self.purchases[n]) for n in range(len(self._affinities))]
        chances = self._chances(bought)
        now = gmtime(at)
        is_open = now.tm_wday < 5 and 6 <= now.tm_hour < 22
        used: set[str] = set()
        slates: list[list[str]] = []
        for _ in placements:
            found: list[tuple[float, str, int]] = []
            for key, category, value, least, below, weekdays in self._offers:
                if key in used or (weekdays and not is_open):
                    continue
                if bought[category] < least or total >= below or lately[category]:
                    continue
                if key in self.exposures and sum([1 for time in self.exposures[key] if time > at - _WEEK]) >= 2:
                    continue
                found.append((-value * chances[category], key, category))
            found.sort()
            slates.append(_first(found, size))
            used.update(slates[-1])
        return slates

    def _chances(self, bought: Sequence[int]) -> list[float]:
        if self._score == "model":
            known = -1 + 0.1 * sum(bought)
            return [1 / (1 + exp(-known - affinity)) for affinity in self._affinities]
        weight = min(2.0, 1 + bought[0] * 5 / 100) if self._score == "weight" else 1.0
        return [weight] * len(self._affinities)


def _first(found: Iterable[tuple[float, str, int]], size: int) -> list[str]:
    taken: list[str] = []
    has_one = False
    for _, key, category in found:
        if category == 1:
            if has_one:
                continue
            has_one = True
        taken.append(key)
        if len(taken) == size:
            break
    return taken


def write_purchases(path: str, purchases: Iterable[tuple[float, int]]) -> None:
    """The table that `load` reads."""
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE purchase (at REAL, category INTEGER)")
        database.executemany("INSERT INTO purchase VALUES (?, ?)", purchases)
    database.close()
