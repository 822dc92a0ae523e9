"""How time is taken: pinned to one core, repetitions interleaved, the floor read right before each one.

A machine that others use too changes its speed by a third within seconds. The ratio of two readings taken back to back
holds all the same; trust the ratio before the microseconds.
"""

from __future__ import annotations

import gc
import os
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

Call = Callable[[Any], object]


@dataclass(frozen=True, slots=True)
class Loop:
    """One thing to time: a call and the arguments it is given in turn; `reset` runs untimed before a repetition."""

    call: Call
    items: Sequence[Any]
    reset: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True)
class Timing:
    """Microseconds of one call, best and median repetition; `ratio`: median of each over the floor's reading before."""

    best_us: float
    median_us: float
    ratio: float
    ratios: tuple[float, ...]


def pin_to_one_core() -> int | None:
    """Bind this process, and its children, to its last allowed CPU; None where the system cannot."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    cpu = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cpu})
    return cpu


def interleave(loops: Mapping[str, Loop], floor: Loop, *, repetitions: int, seconds: float) -> dict[str, Timing]:
    """Time every loop, round after round, each reading directly after one of the floor. `seconds` is one reading."""
    passes = {name: _passes(loop, seconds) for name, loop in loops.items()}
    floor_passes = _passes(floor, seconds)
    readings: dict[str, list[tuple[float, float]]] = {name: [] for name in loops}
    for _ in range(repetitions):
        for name, loop in loops.items():
            beside = read(floor, floor_passes)
            readings[name].append((read(loop, passes[name]), beside))
    return {name: _timing(pairs) for name, pairs in readings.items()}


def read(loop: Loop, passes: int) -> float:
    """Seconds of one call, over `passes` through the items."""
    call, items = loop.call, loop.items
    if loop.reset:
        loop.reset()
    gc.collect()
    start = perf_counter()
    for _ in range(passes):
        for item in items:
            call(item)
    return (perf_counter() - start) / (passes * len(items))


def _passes(loop: Loop, seconds: float) -> int:
    read(loop, 1)
    return max(1, int(seconds / (read(loop, 1) * len(loop.items))))


def _timing(pairs: Sequence[tuple[float, float]]) -> Timing:
    own = [reading for reading, _ in pairs]
    ratios = tuple(reading / beside for reading, beside in pairs)
    return Timing(min(own) * 1e6, statistics.median(own) * 1e6, statistics.median(ratios), ratios)
