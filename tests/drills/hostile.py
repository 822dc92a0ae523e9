"""The drill with hostile inputs: each is refused clearly, quickly and cheaply, and the good bundle still serves.

An input is made from the seed and its number alone, so that one failure can be repeated by itself.
"""

from __future__ import annotations

import random
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.drills.bundles import Forge
from tests.drills.centre import Centre
from tests.drills.client_judges import Polling
from tests.drills.judges import Device, Judge, Verdict, batch, rule
from tests.drills.server_judges import Caller
from tests.drills.watch import Hung, Watch, resident_kib

PEAK_LIMIT_KIB = 160 * 1024
"""What one input may ask for at most. The reader's limits allow 64 MiB of bundle, of inflated delta and of index."""

GROWTH_LIMIT_KIB = 64 * 1024
"""What the process may keep after all inputs, over what it had after the first hundred."""


Station = Callable[[random.Random], Judge]
"""Makes one hostile input of its kind, ready to be met."""


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

    def count(self, verdict: Verdict) -> None:
        """One more input that was met as it should be."""
        self.inputs += 1
        if verdict.refused:
            self.refused[verdict.reason] += 1
        else:
            self.accepted += 1


@dataclass
class Outcome:
    """The whole drill: a tally per kind, the failures, and the memory that stayed."""

    seed: int
    tallies: dict[str, Tally] = field(default_factory=dict[str, Tally])
    failures: list[Failure] = field(default_factory=list[Failure])
    growth_kib: int = 0
    seconds: float = 0.0

    def tally(self, kind: str) -> Tally:
        """The tally of a kind."""
        return self.tallies.setdefault(kind, Tally())


@contextmanager
def stations() -> Generator[tuple[dict[str, Station], list[Callable[[], bool]]]]:
    """Who meets the inputs of each kind, and who must go on serving: a device, a server, a client of a bad server."""
    forge = Forge.make()
    device = Device(forge)
    with tempfile.TemporaryDirectory(prefix="nearwise-hostile-") as folder, Centre.started(Path(folder)) as centre:
        caller = Caller(centre)
        makers: dict[str, Station] = {
            "bundle": device.bundle,
            "manifest": device.manifest,
            "rule": rule,
            "batch": batch,
            "delta": device.delta,
            "download": Polling(forge).download,
            "delivery": caller.deliver,
            "publication": caller.publish,
            "request": caller.stray,
        }
        yield makers, [device.still_serves, caller.is_well]
        caller.close()


def drill(seed: int, numbers: Iterable[int]) -> Outcome:
    """Feed every input to its judge, then ask who must go on serving."""
    started = time.perf_counter()
    watch, outcome = Watch(), Outcome(seed)
    settled_kib = 0
    with stations() as (makers, serving):
        for done, number in enumerate(numbers):
            kind = list(makers)[number % len(makers)]
            what = _meet(makers[kind](random.Random(f"{seed}:{number}")), watch, outcome.tally(kind))
            if not all(serves() for serves in serving):
                what += "\nthe good bundle no longer serves"
            if what:
                outcome.failures.append(Failure(number, kind, what))
            if done <= 100:
                settled_kib = resident_kib()
    outcome.growth_kib = max(0, resident_kib() - settled_kib)
    if outcome.growth_kib > GROWTH_LIMIT_KIB:
        outcome.failures.append(Failure(-1, "all", f"memory grew by {outcome.growth_kib} KiB"))
    outcome.seconds = time.perf_counter() - started
    return outcome


def _meet(judge: Judge, watch: Watch, tally: Tally, *, again: bool = False) -> str:
    """What is wrong with how one input was met; nothing when all is well."""
    try:
        reading = watch.run(lambda: tally.count(judge()), by_cpu=again)
    except Hung:
        if not again:
            return _meet(judge, watch, tally, again=True)
        return f"took over {watch.hang_seconds} s of computing:\n{traceback.format_exc(limit=-4)}"
    except Exception:  # noqa: BLE001  whatever it is, it is the finding
        return traceback.format_exc(limit=-4)
    tally.slowest_seconds = max(tally.slowest_seconds, reading.seconds)
    tally.peak_kib = max(tally.peak_kib, reading.peak_kib)
    return f"asked for {reading.peak_kib} KiB" if reading.peak_kib > PEAK_LIMIT_KIB else ""


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
