"""The commands about recorded decisions: fetch them from a centre, repeat them, hold a draft against them."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from nearwise_rules import BundleRefused, Release, inspect_bundle
from nearwise_server.cli import screen
from nearwise_server.cli.audiences import build_with_progress
from nearwise_server.cli.centre import CentreClient
from nearwise_server.cli.centre_commands import DEFAULT_URL, AsJson, Key, Url, centre_with
from nearwise_server.cli.errors import REFUSED, CommandFailed, HasProblems
from nearwise_server.cli.folders import read_folder
from nearwise_server.cli.replay_screen import repeated_json, show_repeated, show_simulated, simulated_json
from nearwise_server.replaying import (
    Job,
    Repeat,
    Simulate,
    all_repeated,
    all_simulated,
    pieces_of,
    roots_in,
    run_pieces,
)
from nearwise_server.scopes import Scope

T = TypeVar("T")
Part = TypeVar("Part")
Processes = Annotated[int, typer.Option(min=1, help="How many work at a time.", show_default="one for each processor")]

_PROCESSORS = os.cpu_count() or 1


def fetch_records(
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")] = Path("records.jsonl"),
    url: Url = DEFAULT_URL,
    key: Key = "",
) -> None:
    """Download the decisions that devices have recorded, one JSON object a line.

    A rule set asks for them: `recording: { percent: 1 }` in nearwise.yaml. It needs a read key.
    """
    with centre_with(url, key, Scope.READ) as centre:
        count = _fetch(centre, output)
    screen.out.print(f"{output}   {screen.plural(count, 'decision')}", markup=False)


def replay(
    records: Annotated[Path | None, typer.Argument(help="Recorded decisions.", show_default="the centre's")] = None,
    bundles: Annotated[list[Path] | None, typer.Option("--bundle", help="A bundle file that decided.")] = None,
    url: Url = DEFAULT_URL,
    key: Key = "",
    shown: Annotated[int, typer.Option(min=0, help="How many that differ are described.")] = 3,
    processes: Processes = _PROCESSORS,
    as_json: AsJson = False,
) -> None:
    """Repeat recorded decisions on this machine, and tell which come out otherwise: with 1, when one does.

    The bundles are files, or with --key those that the centre published.
    """
    with _records(records, url, key) as path:
        files = [_read(file) for file in bundles or ()]
        if key and not files:
            with centre_with(url, key, Scope.READ) as centre:
                published = map(centre.content, sorted(_reading(path, roots_in)))
                files = [content for content in published if content is not None]
        if not files:
            raise CommandFailed(
                "no bundle: name the files that decided with --bundle, or a centre with --url and --key"
            )
        found = all_repeated(_work(Repeat(str(path), tuple(files), shown), path, processes), shown)
    if as_json:
        screen.show_json(repeated_json(found))
    else:
        show_repeated(found)
    if found.different:
        raise CommandFailed("", REFUSED)
    if not found.decisions:
        raise CommandFailed("none of these decisions could be repeated")


def simulate(
    folder: Annotated[Path, typer.Argument(help="The folder of the draft.")],
    records: Annotated[Path, typer.Argument(help="Recorded decisions.")],
    bundle: Annotated[
        Path | None, typer.Option(help="The bundle file to compare with, instead of what was recorded.")
    ] = None,
    examples: Annotated[int, typer.Option(min=0, max=3, help="So many changes of each key are explained.")] = 1,
    processes: Processes = _PROCESSORS,
    as_json: AsJson = False,
) -> None:
    """Hold a draft rule set against recorded decisions, and show what it would change.

    Golden cases that the draft fails are printed to stderr and do not keep it from being tried.
    With --bundle, splits keep the subjects that they have in it, as they do when the draft is published.
    """
    current, now = None if bundle is None else _read(bundle), time.time()
    files = read_folder(folder)
    try:
        previous = None if current is None else inspect_bundle(current)
    except BundleRefused as refused:
        raise CommandFailed(f"{bundle}: {refused}") from refused
    built = build_with_progress(files, previous)
    if any(problem.code != "failed_case" for problem in built.problems):
        screen.show_problems(built.problems, len(files))
        raise HasProblems
    if built.problems:
        screen.show_problems(built.problems, len(files), screen.err)
    job = Simulate(str(records), built.entries, now, current)
    found = all_simulated(_work(job, records, processes))
    if not found.decisions:
        raise CommandFailed(f"{records} holds no recorded decision")
    release = None if previous is None else Release(previous)
    if as_json:
        screen.show_json(simulated_json(found, job.draft_release, release, examples))
    else:
        show_simulated(found, job.draft_release, release, examples)


@contextmanager
def _records(records: Path | None, url: str, key: str) -> Generator[Path]:
    """The file of recorded decisions; without one, what the centre has, for as long as it is needed."""
    if records is not None:
        yield records
        return
    with tempfile.TemporaryDirectory(prefix="nearwise-") as folder, centre_with(url, key, Scope.READ) as centre:
        path = Path(folder) / "records.jsonl"
        _fetch(centre, path)
        yield path


def _fetch(centre: CentreClient, path: Path) -> int:
    """Write the centre's recorded decisions into a file; how many there are."""
    count = 0
    try:
        with path.open("w", encoding="utf-8") as file, _bar() as bar:
            task = bar.add_task("", total=None)
            for event in centre.events():
                if event.get("type") == "decision":
                    file.write(json.dumps(event.get("record"), separators=(",", ":")) + "\n")
                    count += 1
                    bar.update(task, description=screen.plural(count, "decision"))
    except OSError as error:
        raise CommandFailed(f"{path}: {error.strerror}") from error
    return count


def _work(job: Job[Part], path: Path, processes: int) -> list[Part]:
    """What a job makes of all pieces of a file, with a bar for those who watch."""
    pieces = _reading(path, pieces_of)
    found: list[Part] = []
    with _bar() as bar:
        task = bar.add_task(path.name, total=pieces[-1].end if pieces else 0)
        for piece, part in zip(pieces, run_pieces(job, pieces, processes), strict=True):
            found.append(part)
            bar.update(task, completed=piece.end)
    return found


def _bar() -> Progress:
    """A bar in a terminal, nothing elsewhere."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    return Progress(*columns, console=screen.err, transient=True, disable=not screen.err.is_terminal)


def _read(path: Path) -> bytes:
    return _reading(path, lambda name: Path(name).read_bytes())


def _reading(path: Path, read: Callable[[str], T]) -> T:
    """What reading a file gives; that it cannot be read ends the command."""
    try:
        return read(str(path))
    except OSError as error:
        raise CommandFailed(f"{path}: {error.strerror}") from error
