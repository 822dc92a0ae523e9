"""The drill with hostile inputs: each is refused clearly, quickly and cheaply, and the good bundle still serves.

An input is made from the seed and its number alone, so that one failure can be repeated by itself.
"""

from __future__ import annotations

import random
import time
import traceback
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.drills.bundles import Forge
from tests.drills.judges import KINDS, Device, Hostile, judges, make
from tests.drills.watch import Hung, Watch, resident_kib

PEAK_LIMIT_KIB = 160 * 1024
"""What one input may ask for at most. The reader's limits allow 64 MiB of bundle, of inflated delta and of index."""

GROWTH_LIMIT_KIB = 64 * 1024
"""What the process may keep after all inputs, over what it had after the first hundred."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An input that met something else than it should. `number` with the seed makes it again."""

    number: int
    kind: str
    what: str


@dataclass
class Tally:
    """What became of the inputs of one kind."""

    inputs: int = 0
    refused: Counter[str] = field(default_factory=Counter[str])
    accepted: int = 0
    slowest_seconds: float = 0.0
    peak_kib: int = 0


@dataclass
class Outcome:
    """The whole drill: a tally per kind, the failures, and the memory that stayed."""

    seed: int
    tallies: dict[str, Tally] = field(default_factory=dict[str, Tally])
    failures: list[Failure] = field(default_factory=list[Failure])
    growth_kib: int = 0
    seconds: float = 0.0


def hostile_input(seed: int, number: int, forge: Forge) -> Hostile:
    """Input `number` of a run with `seed`."""
    return make(KINDS[number % len(KINDS)], forge, random.Random(f"{seed}:{number}"))


def drill(seed: int, numbers: Iterable[int]) -> Outcome:
    """Feed every input to its judge, then ask the good bundle."""
    started = time.perf_counter()
    device = Device(Forge.make())
    watch, outcome = Watch(), Outcome(seed)
    settled_kib = 0
    for done, number in enumerate(numbers):
        _feed(device, watch, outcome, number)
        if done <= 100:
            settled_kib = resident_kib()
    outcome.growth_kib = max(0, resident_kib() - settled_kib)
    if outcome.growth_kib > GROWTH_LIMIT_KIB:
        outcome.failures.append(Failure(-1, "all", f"memory grew by {outcome.growth_kib} KiB"))
    outcome.seconds = time.perf_counter() - started
    return outcome


def _feed(device: Device, watch: Watch, outcome: Outcome, number: int) -> None:
    hostile = hostile_input(outcome.seed, number, device.forge)
    tally = outcome.tallies.setdefault(hostile.kind, Tally())
    judge = judges(device)[hostile.kind]

    def call() -> None:
        verdict = judge(hostile)
        tally.inputs += 1
        if verdict.refused:
            tally.refused[verdict.reason] += 1
        else:
            tally.accepted += 1

    what = ""
    try:
        reading = watch.run(call)
        tally.slowest_seconds = max(tally.slowest_seconds, reading.seconds)
        tally.peak_kib = max(tally.peak_kib, reading.peak_kib)
        if reading.peak_kib > PEAK_LIMIT_KIB:
            what = f"asked for {reading.peak_kib} KiB"
    except Hung:
        what = f"took over {watch.hang_seconds} s:\n{traceback.format_exc(limit=-4)}"
    except Exception:  # noqa: BLE001  whatever it is, it is the finding
        what = traceback.format_exc(limit=-4)
    if not device.still_serves():
        what += "\nthe good bundle no longer serves"
    if what:
        outcome.failures.append(Failure(number, hostile.kind, what))


def report(outcome: Outcome) -> int:
    """Print what became of the inputs; 1 when there are failures."""
    print(f"{'kind':10}{'inputs':>8}{'refused':>9}{'harmless':>10}{'slowest ms':>12}{'peak MiB':>10}  reasons")
    for kind, tally in outcome.tallies.items():
        reasons = ", ".join(f"{reason} {count}" for reason, count in tally.refused.most_common(6))
        counts = f"{kind:10}{tally.inputs:8}{tally.refused.total():9}{tally.accepted:10}"
        print(f"{counts}{tally.slowest_seconds * 1e3:12.1f}{tally.peak_kib / 1024:10.1f}  {reasons}")
    for failure in outcome.failures[:20]:
        print(f"\nFAILED seed {outcome.seed} --only {failure.number} ({failure.kind}): {failure.what}")
    kept = f"{outcome.growth_kib / 1024:.1f} MiB more in memory at the end"
    print(f"\n{len(outcome.failures)} failures, {kept}, {outcome.seconds:.1f} s, seed {outcome.seed}")
    return 1 if outcome.failures else 0
