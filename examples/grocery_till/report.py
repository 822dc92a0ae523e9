"""The table: which policy prints coupons that can be redeemed, whether the holdout has its share, whether caps held.

Intervals are 95 % ones of a ratio of sums with households as clusters: a household is one draw, however many coupons.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from math import sqrt
from typing import NamedTuple

from examples.grocery_till.journal import WITHIN_SECONDS, Coupon, Journal
from examples.grocery_till.till import ZONE

HOLDOUT = 0.10
A_WEEK = {"coupon": 3, "frozen": 2, "care": 1}  # as in caps.yaml
SAME = "the same within two weeks"


class Rate(NamedTuple):
    """A share of coupons, and its standard error."""

    coupons: int
    households: int
    share: float
    error: float


class Interval(NamedTuple):
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


def rate(coupons: Iterable[Coupon]) -> Rate:
    """How many coupons were redeemable, of those of which it is known."""
    households: defaultdict[str, list[bool]] = defaultdict(list)
    for coupon in coupons:
        if coupon.is_redeemable is not None:
            households[coupon.household].append(coupon.is_redeemable)
    total, count = sum(map(len, households.values())), len(households)
    share = sum(map(sum, households.values())) / total
    squares = sum((sum(each) - share * len(each)) ** 2 for each in households.values())
    return Rate(total, count, share, sqrt(squares * count / (count - 1)) / total)


def difference(one: Rate, other: Rate) -> Interval:
    """Of two shares of different households."""
    gap, error = one.share - other.share, 1.96 * sqrt(one.error**2 + other.error**2)
    return Interval(gap, gap - error, gap + error)


def holdout_share(journal: Journal) -> Interval:
    """The share of households that are held out, and what it should be within: 4 sigma around ten percent."""
    bound = 4 * sqrt(HOLDOUT * (1 - HOLDOUT) / len(journal.seen))
    return Interval(len(journal.held_out) / len(journal.seen), HOLDOUT - bound, HOLDOUT + bound)


def most_printed(journal: Journal, *, per_till: bool) -> dict[str, int]:
    """The most coupons of each cap that any household got (at any one till) in a week, and of the same in two weeks."""
    weeks: Counter[tuple[str, str, str, tuple[int, int]]] = Counter()
    times: defaultdict[tuple[str, str, str], list[float]] = defaultdict(list)
    for coupon in journal.coupons["by_affinity"] + journal.coupons["random"]:
        till = coupon.till if per_till else ""
        year, week, _ = datetime.fromtimestamp(coupon.at, ZONE).isocalendar()
        weeks.update((tag, coupon.household, till, (year, week)) for tag in coupon.tags if tag in A_WEEK)
        times[coupon.offer, coupon.household, till].append(coupon.at)
    most = {tag: max(count for key, count in weeks.items() if key[0] == tag) for tag in A_WEEK}
    return most | {SAME: max(_most_within(sorted(each)) for each in times.values())}


def _most_within(times: list[float]) -> int:
    return max(sum(at - WITHIN_SECONDS < other <= at for other in times) for at in times)


def table(journal: Journal) -> Iterator[str]:
    """The report, line by line."""
    affinity, random, ghost = (rate(journal.coupons[name]) for name in ("by_affinity", "random", "ghost"))
    for name, each in {"by_affinity": affinity, "random": random, "held out (not printed)": ghost}.items():
        low, high = each.share - 1.96 * each.error, each.share + 1.96 * each.error
        counts = f"{each.coupons:,} coupons, {each.households:,} households"
        yield f"{name:<26}{each.share:7.1%}  ({low:.1%} to {high:.1%})  redeemable of {counts}"
    for name, (value, low, high) in {
        "by_affinity - random": difference(affinity, random),
        "by_affinity - held out": difference(affinity, ghost),
    }.items():
        yield f"{name:<26}{100 * value:+7.1f}  ({100 * low:+.1f} to {100 * high:+.1f}) points"
    value, low, high = holdout_share(journal)
    yield f"{'holdout':<26}{value:7.1%}  of {len(journal.seen):,} households (4 sigma: {low:.1%} to {high:.1%})"
    limits, at_till = {**A_WEEK, SAME: 1}, most_printed(journal, per_till=True)
    for name, most in most_printed(journal, per_till=False).items():
        yield f"{'cap ' + name:<30}{limits[name]:3}  most per household {most}, per household and till {at_till[name]}"
