"""Building a rule set: texts in, entries and located problems out. Nothing here touches a disk or a network."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from nearwise_rules import (
    SETTINGS,
    Assembled,
    BuiltAudience,
    Bundle,
    Entry,
    FileProblem,
    JsonObject,
    RuleSetSettings,
    assemble,
    did_you_mean,
    is_rule_set_file,
    is_text_of_audience,
)
from nearwise_server.authoring.golden import failing_cases
from nearwise_server.authoring.located import Lines, LocatedProblem, Source
from nearwise_server.authoring.structure import check_structure, read_settings
from nearwise_server.authoring.texts import read_lines, read_source
from nearwise_server.authoring.typechecking import TypeChecker

_OF_KEY = frozenset({"unknown_operator"})
_UNKNOWN = frozenset(
    {"unknown_attribute", "unknown_segment", "unknown_flag", "unknown_audience", "unknown_experiment", "unknown_layer"}
)


@dataclass(frozen=True)
class Built:
    """A built rule set. Publish `entries` only when there are no `problems`."""

    entries: tuple[Entry, ...]
    problems: tuple[LocatedProblem, ...]
    settings: RuleSetSettings
    audiences: tuple[BuiltAudience, ...] = ()


def build_rule_set(
    files: Mapping[str, str],
    previous: Bundle | None = None,
    *,
    now: float | None = None,
    progress: Callable[[str, float], None] | None = None,
    demand: Mapping[str, Mapping[str, int]] | None = None,
) -> Built:
    """Check and build the texts of a rule set, by their path relative to its folder ("flags/a.yaml").

    Splits and layers keep the subjects they have in `previous` as far as their shares allow. `now` (Unix seconds,
    default: the clock) is what dates are held against, and the time of golden cases that name none. `progress` hears,
    while the filters of audiences are built, the key of one and which part of it is done. `demand` is what
    each device used of each offer with a budget. Problems come in the order of files and places; authors' mistakes
    never raise.
    """
    sources, problems = _read(files)
    documents = {file: source.document for file, source in sources.items()}
    at = time.time() if now is None else now
    assembled = assemble(documents, previous, progress, now=at, demand=demand)
    found = [*assembled.problems, *_check_settings(documents), *_check_types(documents, assembled)]
    shapes = [problem for file in documents for problem in check_structure(file, documents[file])]
    unread = {file.rsplit(".", 1)[0] for file in files if file not in sources}
    found = [problem for problem in _without_repeats(found, shapes) if not _is_consequence(problem, unread)]
    if not {"nearwise.yaml", "nearwise.yml", "nearwise.json"} & set(files):
        message = "is missing: the folder of a rule set has one, with at least 'name: ...'"
        problems.append(LocatedProblem("nearwise.yaml", 0, 0, "missing_file", message))
    found += failing_cases(assembled.entries, documents, found, {problem.file for problem in problems}, at)
    problems += [_located(sources[wrong.file], wrong) for wrong in found]
    ordered = sorted(set(problems), key=lambda wrong: (wrong.file, wrong.line, wrong.column, wrong.message))
    return Built(assembled.entries, tuple(ordered), read_settings(assembled.entries), assembled.audiences)


def _read(files: Mapping[str, str]) -> tuple[dict[str, Source | Lines], list[LocatedProblem]]:
    sources: dict[str, Source | Lines] = {}
    problems: list[LocatedProblem] = []
    for file in sorted(filter(is_rule_set_file, files)):
        source, wrong = (read_lines if is_text_of_audience(file) else read_source)(file, files[file])
        problems += wrong
        if source is not None:
            sources[file] = source
    return sources, problems


def _without_repeats(found: Iterable[FileProblem], shapes: Iterable[FileProblem]) -> list[FileProblem]:
    """One problem per place: what `assemble` says wins, except where the structure knows a wrong shape better."""
    shapes, found = list(shapes), list(found)
    finer = {(shape.file, place) for shape in shapes for place in _ways_to(shape.pointer)}
    kept = [problem for problem in found if problem.code != "shape" or (problem.file, problem.pointer) not in finer]
    told = {(problem.file, problem.pointer) for problem in kept}
    missing = {(problem.file, problem.pointer) for problem in kept if problem.code == "missing_field"}
    for shape in shapes:
        place = (shape.file, shape.pointer)
        if place not in (missing if shape.code == "missing_field" else told):
            kept.append(shape)
    return kept


def _ways_to(pointer: str) -> Iterator[str]:
    """A place and everything that it is in."""
    parts = pointer.split("/")
    return ("/".join(parts[:length]) for length in range(1, len(parts) + 1))


def _is_consequence(problem: FileProblem, unread: set[str]) -> bool:
    """Whether a name is unknown only because the file that defines it could not be read."""
    if problem.code not in _UNKNOWN:
        return False
    folder, name = problem.code.removeprefix("unknown_") + "s", problem.message.split("'")[1]
    return folder in unread or f"{folder}/{name}" in unread


def _check_settings(documents: Mapping[str, object]) -> Iterator[FileProblem]:
    """The zone of the settings must be one that this machine knows."""
    for file, document in documents.items():
        zone = cast("JsonObject", document).get("zone") if isinstance(document, dict) else None
        if file.startswith("nearwise.") and isinstance(zone, str) and not _is_zone(zone):
            guess = did_you_mean(zone, available_timezones())
            yield FileProblem(file, "/zone", "unknown_zone", f"unknown time zone '{zone}'{guess}")


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _check_types(documents: Mapping[str, object], assembled: Assembled) -> Iterator[FileProblem]:
    """The type check of every condition that parsed. The jsonlogic dialect converts: nothing to check there."""
    attributes: dict[str, JsonObject] = {}
    for file, document in documents.items():
        if file.startswith("attributes.") and isinstance(document, dict):
            attributes |= {name: value for name, value in document.items() if isinstance(value, dict)}  # pyright: ignore[reportUnknownVariableType]
    checker = TypeChecker(attributes)
    for file, pointer, expression, gives in assembled.conditions:
        if expression.dialect.value == "safe":
            for problem in checker.check(expression.root, gives):
                yield FileProblem(file, pointer + problem.pointer, problem.code, problem.message)


def _located(source: Source | Lines, problem: FileProblem) -> LocatedProblem:
    place = source.place(problem.pointer, of_key=problem.of_key or problem.code in _OF_KEY)
    return LocatedProblem(problem.file, place.line, place.column, problem.code, problem.message)


__all__ = ["SETTINGS", "Built", "build_rule_set"]
