"""The demo's report: what was measured, as one frozen value, as JSON, and as a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nearwise_rules import Json
from nearwise_server.demo.intervals import Share
from nearwise_server.demo.ledgers import Ledger
from nearwise_server.demo.receipts import Receipts
from nearwise_server.demo.reconciliation import Tally
from nearwise_server.demo.redemptions import Comparison


@dataclass(frozen=True, slots=True)
class Decisions:
    """All decide calls of all tills. Times in nanoseconds, of the call alone; `blank`: no bundle decided."""

    count: int
    p50: int
    p99: int
    offline: int
    blank: int


@dataclass(frozen=True, slots=True)
class BundleSizes:
    """Versions of the two published bundles and the bytes that travelled: the newer whole, and as a delta."""

    newest: int
    before: int
    whole_bytes: int
    delta_bytes: int | None


@dataclass(frozen=True, slots=True)
class Cast:
    """What took part: how many of each, and how long the whole demo took in seconds."""

    tills: int
    households: int
    baskets: int
    offline: tuple[str, ...]
    killed: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Report:
    """What the demo found. `ended_on`: bundle version per till when it closed, None if it did not get that far."""

    cast: Cast
    decisions: Decisions
    events: Tally
    bundles: BundleSizes
    ended_on: dict[str, int | None]
    comparisons: tuple[Comparison, ...]
    receipts: Receipts
    centre: str

    @property
    def behind(self) -> tuple[str, ...]:
        """Tills that did not end on the newest bundle."""
        return tuple(till for till, version in self.ended_on.items() if version != self.bundles.newest)

    @property
    def failures(self) -> tuple[str, ...]:
        """What `--check` does not accept, as sentences."""
        found: list[str] = []
        if self.events.missing:
            found.append(f"{self.events.missing} events are missing at the centre")
        if self.events.twice:
            found.append(f"{self.events.twice} events are stored twice")
        if self.behind:
            found.append(f"not on bundle {self.bundles.newest}: {', '.join(self.behind)}")
        return tuple(found)

    def to_json(self) -> dict[str, Json]:
        """The report as JSON: times in microseconds, shares as counts, differences in percentage points."""
        cast, asked, events = self.cast, self.decisions, self.events
        return {
            "ok": not self.failures,
            "failures": list(self.failures),
            "tills": cast.tills,
            "households": cast.households,
            "baskets": cast.baskets,
            "seconds": round(cast.seconds, 1),
            "offline_tills": list(cast.offline),
            "killed_till": cast.killed,
            "decisions": {
                "count": asked.count,
                "p50_us": round(asked.p50 / 1e3, 1),
                "p99_us": round(asked.p99 / 1e3, 1),
                "while_offline": asked.offline,
                "blank": asked.blank,
            },
            "events": {
                "sent": events.sent,
                "stored": events.stored,
                "missing": events.missing,
                "duplicated": events.twice,
                "interrupted_by_kill": events.interrupted,
            },
            "bundle": {
                "newest": self.bundles.newest,
                "before": self.bundles.before,
                "whole_bytes": self.bundles.whole_bytes,
                "delta_bytes": self.bundles.delta_bytes,
                "per_till": dict(self.ended_on),
            },
            "redemptions": [_comparison(one) for one in self.comparisons],
            "receipts": {"coupons": dict(self.receipts.coupons), "thank_you": self.receipts.thanks},
            "centre": self.centre,
        }


def summarise(ledgers: Sequence[tuple[Ledger, Sequence[tuple[float, float]]]]) -> Decisions:
    """The decisions of all tills: each ledger with the spans (Unix seconds) for which its till had no network."""
    every = [(asked, spans) for ledger, spans in ledgers for asked in ledger.asked]
    times = sorted(asked.nanoseconds for asked, _ in every)
    return Decisions(
        count=len(times),
        p50=_percentile(times, 50),
        p99=_percentile(times, 99),
        offline=sum(any(start <= asked.at < end for start, end in spans) for asked, spans in every),
        blank=sum(asked.blank for asked, _ in every),
    )


def _percentile(ordered: Sequence[int], percent: int) -> int:
    """The smallest value that at least `percent` of all do not exceed (nearest rank); 0 of nothing."""
    return ordered[-(-len(ordered) * percent // 100) - 1] if ordered else 0


def _share(share: Share) -> dict[str, Json]:
    return {"households": share.total, "redeemed": share.hits}


def _comparison(one: Comparison) -> dict[str, Json]:
    gap = one.difference
    points: Json = None
    if gap is not None:
        points = {
            "estimate": round(gap.estimate * 100, 1),
            "interval_95": [round(gap.low * 100, 1), round(gap.high * 100, 1)],
            "conclusive": gap.conclusive,
        }
    return {
        "offer": one.label,
        "campaign": one.campaign,
        "offered": _share(one.offered),
        "holdout": _share(one.held),
        "difference_points": points,
    }
