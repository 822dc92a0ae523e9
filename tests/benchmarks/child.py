"""What the timed processes run, one function each; every function prints one JSON value for its parent.

Imports stand inside the functions: what a process imports is part of what is measured.
"""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def start_floor(folder: str) -> None:
    """Load 1,000 neutral flags, prepare the hand-written functions, decide one."""
    import json

    from tests.benchmarks.floor import prepare

    with open(folder + "/flags.json") as file:
        flags = prepare(json.load(file))
    variant = flags["flag-0500"](_context())
    print(json.dumps([time.monotonic(), variant]))


def start_nearwise(folder: str) -> None:
    """Open a client on the bundle in `folder`, verified, without a network; decide one flag."""
    from tests.benchmarks.product import open_from_disk

    client = open_from_disk(folder)
    variant = client.context("user-0", _context()).decide("flag-0500", default="none").variant
    now = time.monotonic()
    import json

    print(json.dumps([now, variant]), flush=True)
    client.close()


def import_time(modules: Sequence[str]) -> None:
    """Milliseconds to import the modules into a bare interpreter."""
    from importlib import import_module

    start = time.perf_counter()
    for module in modules:
        import_module(module)
    print((time.perf_counter() - start) * 1e3)


def memory_floor(folder: str) -> None:
    """KiB of resident memory added by 1,000 loaded flags of which 50 were used."""
    import gc
    import json

    from tests.benchmarks.floor import prepare

    before = _resident()
    with open(folder + "/flags.json") as file:
        flags = prepare(json.load(file))
    for number in range(0, 1000, 20):
        flags[f"flag-{number:04d}"](_context())
    gc.collect()
    print(_resident() - before)


def memory_nearwise(folder: str) -> None:
    """The same of this product, from after its import."""
    import gc

    from tests.benchmarks.product import open_from_disk

    before = _resident()
    client = open_from_disk(folder)
    context = client.context("user-0", _context())
    for number in range(0, 1000, 20):
        assert context.decide(f"flag-{number:04d}", default="none").variant != "none"
    gc.collect()
    print(_resident() - before, flush=True)
    client.close()


def record_and_die(folder: str, count: int, pause_seconds: float) -> None:
    """Record `count` exposures, wait, and end by SIGKILL, as a till does whose power button is a plug."""
    import os
    import signal

    from tests.benchmarks.product import open_recording

    client = open_recording(folder)
    for number in range(count):
        client.context(f"visitor-{number}", _context()).decide("typical", default="off").shown()
    time.sleep(pause_seconds)
    os.kill(os.getpid(), signal.SIGKILL)


def first_ranking(folder: str) -> None:
    """Milliseconds of the first decision for six placements, from an open client on."""
    import json
    from pathlib import Path

    from tests.benchmarks import offers, ranking

    client = ranking.open_shop(Path(folder), clock := [offers.MONDAY])
    start = time.perf_counter()
    keys = ranking.asking(client, clock, offers.placements())(30.0, offers.MONDAY)
    print(json.dumps([(time.perf_counter() - start) * 1e3, keys]), flush=True)
    client.close()


def first_by_hand(folder: str) -> None:
    """The same of the hand-written loop: its offers and what the customer bought are read, then it ranks."""
    import json
    from pathlib import Path

    from tests.benchmarks import offers, ranking

    start = time.perf_counter()
    keys = ranking.by_hand(Path(folder), offers.placements())(30.0, offers.MONDAY)
    print(json.dumps([(time.perf_counter() - start) * 1e3, keys]))


def _context() -> dict[str, object]:
    context: dict[str, object] = {"key": "user-0", "country": "DE", "plan": "pro", "device": "ios"}
    context.update(app_version="3.12.4", age=34, visits=57)
    return context


def _resident() -> int:
    import resource

    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() // 1024
