"""The rows about ranking offers: six placements of a call and one, warm and cold, beside a loop written by hand."""

from __future__ import annotations

import json
import statistics
import tempfile
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import thread_time_ns

import nearwise
from nearwise.testing.rule_sets import packed_bundle, signer
from nearwise_rules import public_key_text
from tests.benchmarks import offers, processes
from tests.benchmarks.by_hand import ByHand, write_purchases
from tests.benchmarks.rows import Row

OURS = "nearwise"
_ROUND = 25
"""So many calls of one, then as many of the other: their medians make one ratio."""

Ask = Callable[[float, float], list[list[str]]]
"""Keys for a basket's total and a time."""


def ranking_rows(*, candidates: int, calls: int, starts: int, python: str) -> list[Row]:
    """`calls` warm calls for each row, and `starts` processes for the cold ones."""
    six, one = offers.placements(), offers.placements(1)
    what = f"6 placements, {candidates:,} offers"
    rows: list[Row] = []
    with shop(candidates, "value") as folder:
        rows += _cold(f"{what}, cold", folder, starts, python)
    rows += _warm(what, candidates, "value", six, calls)
    rows += _warm(f"{what}, linear model", candidates, "model", six, calls)
    rows += _warm(f"{what}, weight by rule", candidates, "weight", six, calls)
    rows += _warm("1 placement, 20 offers", 20, "value", one, calls, reach_us=60)
    rows += _warm("1 placement, 20 offers, linear model", 20, "model", one, calls, reach_us=60)
    rows += _warm("1 placement, 20 offers, weight by rule", 20, "weight", one, calls, reach_us=60)
    rows += _warm(f"1 placement, {candidates:,} offers", candidates, "value", one, calls, reach_us=1000)
    rows += _warm(f"1 placement, {candidates:,} offers, model", candidates, "model", one, calls, reach_us=1000)
    return rows


@contextmanager
def shop(candidates: int, score: str) -> Generator[Path]:
    """A folder with a bundle, the storage of a device that saw the customer buy, and the same for the loop by hand."""
    ranked = offers.offers(candidates)
    with tempfile.TemporaryDirectory(prefix="nearwise-bench-") as name:
        folder = Path(name)
        (folder / "bundle.nwb").write_bytes(packed_bundle(offers.rule_set(ranked, score)))
        (folder / "offers.json").write_text(json.dumps([offers.neutral(ranked), offers.affinities(), score]))
        write_purchases(str(folder / "purchases.db"), offers.purchases())
        clock = [0.0]
        with open_shop(folder, clock) as client:
            client.consent(offers.SUBJECT, dict.fromkeys(("store", "profile", "personalise"), True))
            visit = client.context(offers.SUBJECT)
            for clock[0], category in offers.purchases():
                visit.track("purchase", category=f"C{category}")
        yield folder


def open_shop(folder: Path, clock: list[float]) -> nearwise.Client:
    """A client on the folder's storage, by a clock that the caller sets."""
    return nearwise.Client(
        seed=str(folder / "bundle.nwb"),
        trust=public_key_text(signer().public_key),
        storage=str(folder / "storage"),
        settings=nearwise.Settings(clock=lambda: clock[0], device="till-1"),
    )


def asking(client: nearwise.Client, clock: list[float], placements: Sequence[str]) -> Ask:
    """The call that is timed: a context from a plain dict, and the whole decision with its reservations."""

    def ask(total: float, at: float) -> list[list[str]]:
        clock[0] = at
        visit = client.context(offers.SUBJECT, {"basket": {"total": total}})
        if len(placements) == 1:
            return [visit.decide(placements[0]).keys]
        return [decision.keys for decision in visit.decide_many(placements)]

    return ask


def by_hand(folder: Path, placements: Sequence[str]) -> Ask:
    """The hand-written loop on the same data."""
    loop = ByHand(*json.loads((folder / "offers.json").read_text()))
    loop.load(str(folder / "purchases.db"))
    return lambda total, at: loop.decide_many(placements, offers.SIZE, total, at)


def _warm(
    what: str, candidates: int, score: str, placements: Sequence[str], calls: int, *, reach_us: float = 0
) -> list[Row]:
    with shop(candidates, score) as folder:
        clock = [offers.MONDAY]
        with open_shop(folder, clock) as client:
            ask, beside = asking(client, clock, placements), by_hand(folder, placements)
            for number, total in enumerate(offers.baskets(4 * _ROUND)):
                assert ask(total, offers.MONDAY + number) == beside(total, offers.MONDAY + number)
            own, floor = _taken(ask, beside, calls)
    p50, p99 = _percentiles(own)
    ratio = statistics.median(
        statistics.median(own[start : start + _ROUND]) / statistics.median(floor[start : start + _ROUND])
        for start in range(0, len(own), _ROUND)
    )
    reach, reached = (f"<= {reach_us} us", p50 <= reach_us) if reach_us else ("", None)
    floor_p50, floor_p99 = _percentiles(floor)
    return [
        Row(f"{what}, p50", OURS, f"{p50:.0f} us", f"{floor_p50:.0f} us", ratio, reach, reached),
        Row("  p99", OURS, f"{p99:.0f} us", f"{floor_p99:.0f} us"),
    ]


def _taken(ask: Ask, beside: Ask, calls: int) -> tuple[list[float], list[float]]:
    """Microseconds of each call, in rounds by turns: CPU time of this thread, as others use the machine too."""
    own: list[float] = []
    floor: list[float] = []
    totals = offers.baskets(_ROUND)
    for start in range(0, calls, _ROUND):
        for call, taken in ((beside, floor), (ask, own)):
            for number, total in enumerate(totals):
                at = offers.MONDAY + 100 + (start + number) * 0.1
                before = thread_time_ns()
                call(total, at)
                taken.append((thread_time_ns() - before) / 1000)
    return own, floor


def _cold(what: str, folder: Path, starts: int, python: str) -> list[Row]:
    """The first call of a process, from an open client: plans are made, history is read from SQLite."""
    own: list[float] = []
    floor: list[float] = []
    for _ in range(starts + 1):
        for name, taken in (("first_by_hand", floor), ("first_ranking", own)):
            milliseconds, keys = processes.run(f"{name}({str(folder)!r})", python=python)
            assert len(keys) == offers.PLACEMENTS, keys
            taken.append(milliseconds)
    own, floor = own[1:], floor[1:]
    ratio = statistics.median(mine / beside for mine, beside in zip(own, floor, strict=True))
    (p50, p99), (floor_p50, floor_p99) = _percentiles(own), _percentiles(floor)
    return [
        Row(f"{what}, p50", OURS, f"{p50:.0f} ms", f"{floor_p50:.1f} ms", ratio),
        Row("  p99", OURS, f"{p99:.0f} ms", f"{floor_p99:.1f} ms"),
    ]


def _percentiles(taken: Sequence[float]) -> tuple[float, float]:
    ordered = sorted(taken)
    return statistics.median(ordered), ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]
