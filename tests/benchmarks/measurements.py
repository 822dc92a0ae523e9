"""The measurements, one function a line of the issue's table or a group of them; each gives rows."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nearwise_rules import parse
from nearwise_rules.logic import compile_conditions, compile_expression, compiler
from tests.benchmarks import floor, processes, product
from tests.benchmarks.audiences import audience_rows
from tests.benchmarks.peers import PEERS
from tests.benchmarks.ranking import ranking_rows
from tests.benchmarks.rows import Row
from tests.benchmarks.sources import TYPES, condition
from tests.benchmarks.timing import Loop, Timing, interleave, read
from tests.benchmarks.workload import (
    SIX,
    SIX_TYPES,
    Flag,
    contexts,
    many_flags,
    neutral,
    one_flag,
    six_contexts,
    six_without,
)

OURS = "nearwise"


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How much time to spend. `seconds` is one reading; processes are started `starts` times each."""

    repetitions: int = 21
    seconds: float = 0.05
    starts: int = 15
    exposures: int = 4000
    flags: int = 1000
    audience_keys: int = 1_000_000
    offers: int = 1000
    rankings: int = 2000
    python: str = ""


def six_present(effort: Effort) -> list[Row]:
    """One rule of six conditions, every attribute present, beside the hand-written function and peers."""
    items = six_contexts(200)
    loops = {OURS: Loop(_six_call(), items)}
    loops |= {peer.name: Loop(peer.six(), items) for peer in PEERS if peer.six and peer.is_installed()}
    timings = interleave(loops, Loop(floor.six_indexed, items), repetitions=effort.repetitions, seconds=effort.seconds)
    what = "six conditions, all present"
    rows = _rows(what, timings, 1.5)
    if "datalogic-py" in timings:
        faster = timings["datalogic-py"].ratio / timings[OURS].ratio
        rows.append(Row(what, "datalogic-py / nearwise", f"{faster:.1f} x", "", None, ">= 4 x faster", faster >= 4))
    return rows


def six_missing(effort: Effort) -> list[Row]:
    """The same with one attribute missing, each of the seven in turn; the floor is the hand-written form for holes."""
    items = list(six_without(tuple(SIX_TYPES), 203))
    loops = {OURS: Loop(_six_call(), items)}
    timings = interleave(loops, Loop(floor.six_guarded, items), repetitions=effort.repetitions, seconds=effort.seconds)
    return _rows("six conditions, one missing", timings, 2.5)


def decisions(effort: Effort) -> list[Row]:
    """W2: a fresh context and a full decision, exposures off, beside peers."""
    flag = one_flag()[0]
    items = contexts(500)
    with _bundle(one_flag()) as folder:
        client = product.open_from_disk(str(folder))
        loops = {OURS: Loop(product.decider(client, flag.key), items)}
        loops |= {peer.name: Loop(peer.flag(flag), items) for peer in PEERS if peer.flag and peer.is_installed()}
        timings = interleave(loops, _w2_floor(), repetitions=effort.repetitions, seconds=effort.seconds)
        client.close()
    rows = _rows("W2, fresh context, full decision", timings, 2.0)
    others = {name: timing.ratio for name, timing in timings.items() if name != OURS}
    if others:
        best = min(others, key=lambda name: others[name])
        faster = others[best] / timings[OURS].ratio
        rows.append(
            Row(rows[0].what, f"{best} / nearwise", f"{faster:.1f} x", reach="ahead of each", reached=faster > 1)
        )
    return rows


def exposures(effort: Effort) -> list[Row]:
    """W2 with every exposure kept, and what is left of them after SIGKILL 50 ms later."""
    items = contexts(effort.exposures, "visitor")
    ratios: list[float] = []
    own: list[float] = []
    beside = _w2_floor()
    read(beside, 20)
    for _ in range(effort.repetitions):
        with _bundle(one_flag()) as folder:
            client = product.open_recording(str(folder))
            record = product.recorder(client, "typical")
            record(items[0])
            base = read(beside, 20)
            own.append(read(Loop(record, items), 1))
            ratios.append(own[-1] / base)
            client.close()
    ratio = sorted(ratios)[len(ratios) // 2]
    what = "W2, every exposure kept"
    timed = Row(what, OURS, f"{min(own) * 1e6:.2f} us", "", ratio, "<= 6 x", ratio <= 6)
    return [timed, _survival(1000)]


def _survival(count: int) -> Row:
    with _bundle(one_flag()) as folder:
        status = processes.killed_after_recording(folder, count)
        assert status == -9, status
        client = product.open_recording(str(folder))
        left = client.status.queued
        client.close()
    return Row("  left after kill -9, 50 ms later", OURS, f"{left} of {count}", reach="all", reached=left >= count)


def starts(effort: Effort) -> list[Row]:
    """From the spawn of a process to its first decision out of a thousand flags on disk, no network."""
    with _bundle(many_flags(effort.flags)) as folder:
        pair = processes.start(folder, repetitions=effort.starts, python=effort.python)
    beside = f"{pair.floor:.1f} ms"
    reached = pair.ratio <= 1.2
    return [
        Row("start to first decision of 1,000", OURS, f"{pair.own:.1f} ms", beside, pair.ratio, "<= 1.2 x", reached)
    ]


def imports(effort: Effort) -> list[Row]:
    """`import nearwise` in a bare interpreter, beside what it needs of the standard library.

    35 ms were to be reached on a machine where the latter takes 19: the ratio holds on any.
    """
    pair = processes.imports(repetitions=effort.starts, python=effort.python)
    figure, beside = f"{pair.own:.1f} ms", f"{pair.floor:.1f} ms (stdlib)"
    return [Row("import nearwise", OURS, figure, beside, pair.ratio, "<= 35/19 x", pair.ratio <= 35 / 19)]


def memory(effort: Effort) -> list[Row]:
    """Resident memory that a thousand loaded flags, fifty of them used, add after the import."""
    with _bundle(many_flags(effort.flags)) as folder:
        pair = processes.memory(folder, repetitions=3, python=effort.python)
    figure, beside = f"{pair.own:.1f} MiB", f"{pair.floor:.1f} MiB"
    return [Row("memory of 1,000 flags, 50 used", OURS, figure, beside, pair.ratio, "<= 5 MiB", pair.own <= 5)]


def size(_effort: Effort) -> list[Row]:
    """What an installation puts on the disk."""
    found = processes.installed()
    figure = f"{found.bytes / 1e6:.1f} MB, {len(found.dependencies)} dependencies"
    own = f"{found.own_bytes / 1e6:.1f} MB own"
    return [Row("installed size", OURS, figure, own, None, "<= 25 MB", found.bytes <= 25e6)]


def compiling(effort: Effort) -> list[Row]:
    """Compiling on first use: the rule of six conditions, and a rule of W2 as a fifth of its flag; parsing beside it.

    Rules that differ in constants only share their code: both the first rule of a shape and later ones are shown.
    """
    forget: Callable[[], None] = vars(compiler)["_shape"].cache_clear
    six = parse(SIX, types=SIX_TYPES)
    documents = [{"and": [condition(one) for one in rule.when]} for rule in one_flag()[0].rules]
    flag = [parse(document, types=TYPES) for document in documents]
    loops = {
        "compile, six conditions, new shape": Loop(lambda _: compile_expression(six), range(1), forget),
        "compile, six conditions, known shape": Loop(lambda _: compile_expression(six), range(10)),
        "compile, a fifth of W2, new shape": Loop(lambda _: compile_conditions(flag), range(1), forget),
        "compile, a fifth of W2, known shape": Loop(lambda _: compile_conditions(flag), range(10)),
        "parse, six conditions": Loop(lambda _: parse(SIX, types=SIX_TYPES), range(10)),
        "parse, a fifth of W2": Loop(lambda _: [parse(each, types=TYPES) for each in documents], range(10)),
    }
    rows: list[Row] = []
    for name, loop in loops.items():
        rules = len(flag) if "W2" in name else 1
        best = min(read(loop, 1) for _ in range(effort.repetitions)) * 1e6 / rules
        is_compiling = name.startswith("compile")
        reach = "<= 300 us" if is_compiling else ""
        rows.append(Row(name, OURS, f"{best:.0f} us", reach=reach, reached=best <= 300 if is_compiling else None))
    return rows


def audience(effort: Effort) -> list[Row]:
    """An audience of a million keys: what it weighs, how fast it answers, how long its build takes."""
    return audience_rows(effort.audience_keys, repetitions=effort.repetitions, seconds=effort.seconds)


def ranking(effort: Effort) -> list[Row]:
    """A thousand offers in six placements of one call and in one, by history, caps, schedules and suppression."""
    return ranking_rows(
        candidates=effort.offers, calls=effort.rankings, starts=effort.starts, python=effort.python or sys.executable
    )


GROUPS = {
    "six": six_present,
    "missing": six_missing,
    "decisions": decisions,
    "exposures": exposures,
    "start": starts,
    "import": imports,
    "memory": memory,
    "size": size,
    "compile": compiling,
    "audience": audience,
    "ranking": ranking,
}


def _six_call() -> Any:
    return compile_expression(parse(SIX, types=SIX_TYPES))


def _w2_floor() -> Loop:
    flags = floor.prepare(json.loads(json.dumps(neutral(one_flag()))))

    def decide(attributes: dict[str, Any]) -> str:
        return flags["typical"](attributes)

    return Loop(decide, contexts(500))


@contextmanager
def _bundle(flags: tuple[Flag, ...]) -> Generator[Path]:
    """A folder with the bundle of these flags, and the same flags in the neutral form for the floor."""
    with tempfile.TemporaryDirectory(prefix="nearwise-bench-") as name:
        folder = Path(name)
        product.write_bundle(folder, flags)
        (folder / "flags.json").write_text(json.dumps(neutral(flags), separators=(",", ":")))
        yield folder


def _rows(what: str, timings: dict[str, Timing], reach: float) -> list[Row]:
    rows: list[Row] = []
    for name, timing in timings.items():
        beside = f"{timing.best_us / timing.ratio:.2f} us"
        mine = name == OURS
        verdict = timing.ratio <= reach if mine else None
        wanted = f"<= {reach} x" if mine else ""
        rows.append(Row(what, name, f"{timing.best_us:.2f} us", beside, timing.ratio, wanted, verdict))
    return rows
