"""The drill with SIGKILL: a till dies at random moments; every sale it was told is safe reaches the server once.

A real till process tracks sales and says, after each `track` has returned, which sale is safe (`till`). It is killed
while it starts, sells, sends or closes, sometimes without a network, and is started again on the same storage. At the
end one more till drains the outbox, and the server's events are held against what was said.
"""

from __future__ import annotations

import os
import random
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.drills.centre import Centre

ROOT = Path(__file__).resolve().parents[2]
NOWHERE = "http://127.0.0.1:9"
PER_ROUND = 1_000_000
"""Sales of round n are numbered from n times this."""


@dataclass
class Outcome:
    """What was said to be safe, and what the server has of it."""

    seed: int
    kills: int = 0
    moments: Counter[str] = field(default_factory=Counter[str])
    safe: set[int] = field(default_factory=set[int])
    stored: Counter[int] = field(default_factory=Counter[int])
    queued: int = 0
    seconds: float = 0.0

    @property
    def missing(self) -> list[int]:
        """Sales for which `track` had returned that the server has not."""
        return sorted(self.safe - self.stored.keys())

    @property
    def doubled(self) -> list[int]:
        """Sales that the server has more than once."""
        return sorted(number for number, times in self.stored.items() if times > 1)


def drill(seed: int, count: int) -> Outcome:
    """Kill a till `count` times, drain it, and compare."""
    started = time.perf_counter()
    rng, outcome = random.Random(seed), Outcome(seed)
    with tempfile.TemporaryDirectory(prefix="nearwise-kills-") as folder, Centre.started(Path(folder)) as centre:
        storage = str(Path(folder) / "till-07")
        for number in range(1, count + 1):
            url = NOWHERE if rng.random() < 0.2 else centre.url
            moment = rng.choice(("starting", "selling", "selling", "selling", "closing"))
            outcome.safe.update(_one_life([url, centre.device_key, storage, str(number * PER_ROUND)], moment, rng))
            outcome.moments[moment] += 1
            outcome.kills += 1
        last = _till([centre.url, centre.device_key, storage, "drain"])
        drained = subprocess.run(last, cwd=ROOT, env=_environment(), check=True, stdout=subprocess.PIPE)
        outcome.queued = int(drained.stdout)
        outcome.stored = Counter(centre.sales())
    outcome.seconds = time.perf_counter() - started
    return outcome


def _one_life(arguments: Sequence[str], moment: str, rng: random.Random) -> set[int]:
    """Start a till, kill it at some moment, and return the sales it was told are safe."""
    till = subprocess.Popen(
        _till(arguments), cwd=ROOT, env=_environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert till.stdin is not None
    assert till.stdout is not None
    said = b""
    if moment == "starting":
        time.sleep(rng.random() * 0.4)
    else:
        select.select([till.stdout], [], [], 20)
        time.sleep(rng.random() * 0.4)
    if moment == "closing":
        till.stdin.close()
        time.sleep(rng.random() * 0.05)
    till.send_signal(signal.SIGKILL)
    said = till.stdout.read()
    status = till.wait()
    till.stdin.close()
    till.stdout.close()
    if status not in (-signal.SIGKILL, 0):
        raise AssertionError(f"the till ended by itself with {status}")
    whole = len(said) // 8 * 8
    return {int.from_bytes(said[start : start + 8], "big") for start in range(0, whole, 8)}


def _till(arguments: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "tests.drills.till", *arguments]


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def report(outcome: Outcome) -> int:
    """Print the comparison; 1 when a sale is missing or doubled."""
    moments = ", ".join(f"{name} {times}" for name, times in outcome.moments.items())
    unsaid = len(outcome.stored.keys() - outcome.safe)
    print(f"killed {outcome.kills} times ({moments}), {outcome.seconds:.0f} s, seed {outcome.seed}")
    print(f"sales whose track had returned: {len(outcome.safe)}; stored: {len(outcome.stored)} ({unsaid} died between)")
    print(f"missing: {len(outcome.missing)} {outcome.missing[:5]}  stored twice: {len(outcome.doubled)}", end=" ")
    print(f"{outcome.doubled[:5]}  left in the outbox: {outcome.queued}")
    return 1 if outcome.missing or outcome.doubled or outcome.queued else 0
