"""The rows about audiences: how large a filter is, how long building it takes, and asking it beside a set of keys."""

from __future__ import annotations

import random
import statistics
from collections.abc import Sequence
from time import perf_counter, perf_counter_ns

from nearwise_rules import AudienceFilter, build_filter
from tests.benchmarks.rows import Row
from tests.benchmarks.timing import Call, Loop, interleave

OURS = "nearwise"
ASKED = 20_000


def audience_rows(keys: int, *, repetitions: int, seconds: float) -> list[Row]:
    """An audience of so many keys; half of the keys that are asked for are members. The floor is a frozenset."""
    members = [f"card-{number:08d}" for number in range(keys)]
    started = perf_counter()
    built = build_filter(members)
    build_seconds = perf_counter() - started
    source = random.Random(1)
    asked = [*source.sample(members, min(ASKED, keys) // 2), *(f"stranger-{n:08d}" for n in range(ASKED // 2))]
    source.shuffle(asked)
    holds = AudienceFilter.from_bytes(built.to_bytes()).holds
    beside = Loop(frozenset(members).__contains__, asked)
    timing = interleave({OURS: Loop(holds, asked)}, beside, repetitions=repetitions, seconds=seconds)[OURS]
    what, p50 = f"audience of {keys:,} keys", _p50_us(holds, asked)
    per_key = f"{built.size_bytes * 8 / keys:.2f} bits a key"
    return [
        _look_up(what, p50, timing.best_us / timing.ratio, timing.ratio),
        Row(
            f"  its size: {per_key}",
            OURS,
            f"{built.size_bytes:,} bytes",
            "",
            None,
            "<= 1.3 bytes a key",
            built.size_bytes <= 1.3 * keys,
        ),
        Row("  its build, pure Python", OURS, f"{build_seconds:.1f} s", "", None, "<= 20 s", build_seconds <= 20),
        _chance(built, keys),
    ]


def _look_up(what: str, p50_us: float, floor_us: float, ratio: float) -> Row:
    return Row(f"{what}, look-up p50", OURS, f"{p50_us:.2f} us", f"{floor_us:.2f} us", ratio, "<= 3 us", p50_us <= 3)


def _chance(built: AudienceFilter, keys: int) -> Row:
    admitted = sum(built.holds(f"other-{number:08d}") for number in range(keys))
    share = admitted / keys
    return Row(
        "  strangers it admits", OURS, f"{share * 100:.2f} %", "", None, "about 0.4 %", abs(share - 1 / 256) < 0.001
    )


def _p50_us(call: Call, items: Sequence[str]) -> float:
    """The median of single calls; reading the clock counts."""
    taken: list[int] = []
    for item in items:
        before = perf_counter_ns()
        call(item)
        taken.append(perf_counter_ns() - before)
    return statistics.median(taken) / 1000
