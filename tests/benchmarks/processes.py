"""Measurements that need a process of their own: start, import, memory, and what survives SIGKILL."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
STANDARD_LIBRARY = ("dataclasses", "json", "threading", "enum", "pathlib")


@dataclass(frozen=True, slots=True)
class Pair:
    """Two processes measured in turn: the best of each, in their own unit, and the median ratio of neighbours."""

    own: float
    floor: float
    ratio: float


def run(code: str, *, python: str = sys.executable, timeout_seconds: float = 60.0) -> Any:
    """The JSON that a child prints last; `code` calls one function of `child`."""
    command = [python, "-c", f"from tests.benchmarks import child; child.{code}"]
    done = subprocess.run(
        command, env=_environment(), cwd=ROOT, capture_output=True, text=True, timeout=timeout_seconds, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def start(folder: Path, *, repetitions: int, python: str = sys.executable) -> Pair:
    """Milliseconds from the spawn of a process to its first decision out of 1,000 flags on disk."""
    own: list[float] = []
    floor: list[float] = []
    for _ in range(repetitions + 1):
        for name, taken in (("start_floor", floor), ("start_nearwise", own)):
            spawned = time.monotonic()
            decided, variant = run(f"{name}({str(folder)!r})", python=python)
            assert variant in {"s0", "s1", "s2", "s3"}, variant
            taken.append((decided - spawned) * 1e3)
    return _pair(own[1:], floor[1:])


def imports(*, repetitions: int, python: str = sys.executable) -> Pair:
    """Milliseconds of `import nearwise`; the floor is the standard library's share alone."""
    own: list[float] = []
    floor: list[float] = []
    for _ in range(repetitions + 1):
        floor.append(run(f"import_time({STANDARD_LIBRARY!r})", python=python))
        own.append(run("import_time(['nearwise'])", python=python))
    return _pair(own[1:], floor[1:])


def memory(folder: Path, *, repetitions: int, python: str = sys.executable) -> Pair:
    """MiB of resident memory that 1,000 loaded flags, 50 of them used, add."""
    own = [run(f"memory_nearwise({str(folder)!r})", python=python) / 1024 for _ in range(repetitions)]
    floor = [run(f"memory_floor({str(folder)!r})", python=python) / 1024 for _ in range(repetitions)]
    return Pair(statistics.median(own), statistics.median(floor), statistics.median(own) / statistics.median(floor))


def killed_after_recording(folder: Path, count: int, *, pause_seconds: float = 0.05) -> int:
    """The exit status of a process that recorded `count` exposures and was killed: -9."""
    code = f"from tests.benchmarks import child; child.record_and_die({str(folder)!r}, {count}, {pause_seconds})"
    return subprocess.run(
        [sys.executable, "-c", code], env=_environment(), cwd=ROOT, check=False, timeout=60
    ).returncode


@dataclass(frozen=True, slots=True)
class Installed:
    """Bytes of the product and of everything it requires (without .pyc), and the names of the latter."""

    own_bytes: int
    bytes: int
    dependencies: tuple[str, ...]


def installed(distribution: str = "nearwise") -> Installed:
    """What `pip install nearwise` puts on a device: the three packages and the closure of its requirements."""
    required = _closure(distribution)
    own = sum(_folder_bytes(ROOT / room) for room in ("rules", "sdk", "server"))
    return Installed(own, own + sum(map(_distribution_bytes, required)), tuple(sorted(required)))


def _closure(distribution: str) -> set[str]:
    found: set[str] = set()
    waiting = [distribution]
    while waiting:
        for requirement in importlib.metadata.requires(waiting.pop()) or []:
            name, _, marker = requirement.partition(";")
            plain = re.split(r"[^A-Za-z0-9._-]", name.strip(), maxsplit=1)[0].lower()
            if "extra" not in marker and _applies(marker) and plain not in found:
                found.add(plain)
                waiting.append(plain)
    return found


def _applies(marker: str) -> bool:
    """Enough of PEP 508 for the few markers that occur: an older Python or another system does not apply here."""
    older = re.search(r"python_version\s*<\s*['\"]3\.(\d+)", marker)
    if older:
        return sys.version_info[1] < int(older[1])
    return "win32" not in marker and "Windows" not in marker


def _distribution_bytes(name: str) -> int:
    distribution = importlib.metadata.distribution(name)
    files = (distribution.locate_file(file) for file in distribution.files or [] if file.suffix != ".pyc")
    return sum(os.path.getsize(str(file)) for file in files if os.path.isfile(str(file)))


def _folder_bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file() and file.suffix != ".pyc")


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def _pair(own: list[float], floor: list[float]) -> Pair:
    ratios = [mine / beside for mine, beside in zip(own, floor, strict=True)]
    return Pair(min(own), min(floor), statistics.median(ratios))
