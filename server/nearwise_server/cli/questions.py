"""One question to a rule set, put together from the command line, and its explained answer."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from json import loads
from pathlib import Path
from zoneinfo import ZoneInfo

from nearwise_rules import PROVIDED, PURPOSES, Entry, Explanation, Json, Release, did_you_mean, explain
from nearwise_server.authoring import Built, TextLimits, provisional_bundle, read_source
from nearwise_server.authoring.yaml_text import resolve
from nearwise_server.cli.errors import CommandFailed


@dataclass(frozen=True)
class Question:
    """What is asked. `at` is an ISO 8601 time, in `zone` when it names none; None is now.

    `known` is what the device knows of the subject, as golden cases tell it: `consent`, `history`, `signals`, `traits`.
    """

    flag: str
    subject: str | None
    context: dict[str, Json]
    at: str | None
    zone: str
    known: Mapping[str, Json] = field(default_factory=dict[str, Json])

    @property
    def consent(self) -> tuple[str, ...]:
        """The purposes that the subject grants."""
        given = self.known.get("consent")
        return tuple(map(str, given)) if isinstance(given, list) else ()


def ask(entries: Sequence[Entry], question: Question, now: float) -> Explanation:
    """Decide as a device does, and say why.

    Raises:
        CommandFailed: there is no such flag, placement or purpose, or the time cannot be read.
    """
    for name in set(question.consent).difference(PURPOSES):
        raise CommandFailed(f"unknown purpose '{name}'{did_you_mean(name, PURPOSES)}")
    release = Release(provisional_bundle(entries, now))
    known = (*release.flag_keys, *release.placement_keys)
    if question.flag not in known:
        raise CommandFailed(f"unknown flag or placement '{question.flag}'{did_you_mean(question.flag, known)}")
    try:
        at = now if question.at is None else _instant(question.at, question.zone)
    except ValueError as error:
        raise CommandFailed(f"'{question.at}' is not a time such as 2026-11-23T08:10") from error
    knowing = release.knowing(question.known, at)
    return explain(knowing, question.flag, question.context, question.subject, at)


def undeclared(entries: Sequence[Entry], context: Mapping[str, Json]) -> Iterator[str]:
    """A sentence for each name in a context that the rule set does not declare, and so never reads."""
    bodies = {entry.key: loads(entry.body) for entry in entries if entry.kind == "attribute"}
    kinds = {**PROVIDED, **{name: str(body["type"]) for name, body in bodies.items()}}
    for name in _names(context, kinds):
        if name not in kinds:
            yield f"unknown attribute '{name}'{did_you_mean(name, kinds)}"


def withheld(built: Built, question: Question) -> Iterator[str]:
    """A sentence for each attribute in the context that rules do not see without a consent that is not given."""
    policy = built.settings.consent
    granted = {*question.consent, *(policy.granted if policy is not None else ())}
    needed = {
        entry.key: tuple(map(str, loads(entry.body).get("purposes", ())))
        for entry in built.entries
        if entry.kind == "attribute"
    }
    for name in _names(question.context, dict.fromkeys(needed, "")):
        lacking = [purpose for purpose in needed.get(name, ()) if purpose not in granted]
        if lacking:
            yield f"'{name}' is missing to rules without --consent {','.join(lacking)}"


def _names(context: Mapping[str, Json], kinds: Mapping[str, str], prefix: str = "") -> Iterator[str]:
    """The dotted names of the values in a context, down to those that are declared."""
    for key, value in context.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and name not in kinds:
            yield from _names(value, kinds, f"{name}.")
        else:
            yield name


def _instant(text: str, zone: str) -> float:
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=ZoneInfo(zone))).timestamp()


def read_context(file: Path | None, values: Iterable[str]) -> dict[str, Json]:
    """The attribute values of a file (JSON or YAML; `-` is stdin), then those of `NAME=VALUE`.

    Raises:
        CommandFailed: one of them cannot be read.
    """
    context = {} if file is None else _read_file(file)
    for text in values:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise CommandFailed(f"'{text}' is not NAME=VALUE")
        _put(context, name, read_value(value, "--set"))
    return context


def read_known(file: Path | None, consent: str) -> dict[str, Json]:
    """What a file tells of the subject (members of a golden case), and the purposes of `consent` ("profile,measure").

    Raises:
        CommandFailed: the file cannot be read, or tells something that no golden case does.
    """
    known = {} if file is None else _read_file(file)
    for name in known.keys() - set(KNOWN):
        raise CommandFailed(f"{file}: unknown field '{name}'{did_you_mean(name, KNOWN)}")
    granted = [name.strip() for name in consent.split(",") if name.strip()]
    before = known.get("consent")
    return {**known, "consent": [*(before if isinstance(before, list) else ()), *granted]}


KNOWN = ("consent", "history", "signals", "traits")


def _read_file(file: Path) -> dict[str, Json]:
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise CommandFailed(f"{file}: {error.strerror}") from error
    source, problems = read_source(str(file), text, TextLimits())
    if source is None or problems:
        raise CommandFailed(str(problems[0]))
    document = source.document
    if not isinstance(document, dict):
        raise CommandFailed(f"{file} does not hold a map of attribute values")
    return document


def read_value(text: str, place: str) -> Json:
    """A value as YAML writes it: 25, true, gold, [a, b].

    Raises:
        CommandFailed: it cannot be read.
    """
    if not text.startswith(("[", "{", '"', "'")):
        return resolve(text)
    source, problems = read_source(place, text)
    if source is None or problems:
        raise CommandFailed(f"'{text}': {problems[0].message}")
    return source.document


def _put(context: dict[str, Json], name: str, value: Json) -> None:
    *parents, last = name.split(".")
    for parent in parents:
        below = context.setdefault(parent, {})
        if not isinstance(below, dict):
            raise CommandFailed(f"'{name}' lies inside a value that is no map")
        context = below
    context[last] = value
