"""Audiences on the author's machine: built with a bar, and sent to a centre as filters. No key leaves the machine."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from pathlib import Path

from rich.markup import escape

from nearwise_rules import AudienceFilter, BuiltAudience, Bundle, is_text_of_audience
from nearwise_server.authoring import Built, build_rule_set, read_source
from nearwise_server.cli import screen

_SENT = ("description", "purposes")
"""What of an audience's document a centre is told: the rest is in the filter."""


def build_with_progress(files: Mapping[str, str], previous: Bundle | None = None) -> Built:
    """Check and build a rule set; a bar shows how far large audiences are, when somebody watches."""
    with _bar() as told:
        return build_rule_set(files, previous, progress=told)


@contextmanager
def _bar() -> Generator[Callable[[str, float], None]]:
    from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn

    columns = (TextColumn("audience {task.description}"), BarColumn(), TaskProgressColumn())
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=screen.err, transient=True, disable=not screen.err.is_terminal) as bar:

        def told(key: str, part: float) -> None:
            if key not in tasks:
                tasks[key] = bar.add_task(escape(key), total=1.0)
            bar.update(tasks[key], completed=part)

        yield told


def sent_files(files: Mapping[str, str], audiences: Iterable[BuiltAudience]) -> dict[str, str]:
    """The files of a rule set for a centre: filters in the place of lists, and no key in the documents beside them."""
    sent = {
        file: _without_keys(file, text) if Path(file).parent.name == "audiences" else text
        for file, text in files.items()
        if not is_text_of_audience(file)
    }
    return sent | {f"audiences/{audience.key}.filter": audience.filter.to_text() for audience in audiences}


def _without_keys(file: str, text: str) -> str:
    source, _ = read_source(file, text)
    document = None if source is None else source.document
    if not isinstance(document, dict) or not document.keys() - set(_SENT):
        return text
    kept = {name: document[name] for name in _SENT if name in document}
    return json.dumps(kept, ensure_ascii=False) + "\n"


def facts_of(audience: BuiltAudience) -> dict[str, object]:
    """What `check` says of an audience, as JSON."""
    made = audience.filter
    return {
        "key": audience.key,
        "keys": made.keys,
        "repeated": audience.repeated,
        "exceptions": made.exceptions,
        "bytes": made.size_bytes,
        "false_positives": made.false_positives,
    }


def show_audiences(audiences: Iterable[BuiltAudience]) -> None:
    """A line for each audience."""
    for audience in audiences:
        made = audience.filter
        parts = [
            screen.plural(made.keys, "key") + (f" ({audience.repeated:,} repeated)" if audience.repeated else ""),
            screen.plural(made.exceptions, "exception") if made.exceptions else "",
            f"{made.size_bytes:,} bytes",
            _chance(made),
        ]
        screen.out.print(f"  audience {escape(audience.key)}   {', '.join(part for part in parts if part)}")


def _chance(made: AudienceFilter) -> str:
    share = made.false_positives
    return f"admits 1 unknown subject in {1 / share:.0f}" if share else "exact"
