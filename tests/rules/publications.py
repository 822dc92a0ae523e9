"""Rule sets as they are published one after the other, and a device that remembers what it assigned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from json import loads
from typing import Any

from nearwise_rules import Bundle, Decision, Release, assemble
from nearwise_rules.decide.surroundings import Surroundings
from nearwise_rules.documents import Json
from nearwise_rules.history import Assignment, Ledger
from nearwise_rules.windows import Calendar
from tests.rules.conftest import ISSUED, opened

SUBJECTS = tuple(f"h-{number}" for number in range(2_000))


def flag(*rules: Mapping[str, Any], variants: Iterable[str] = ("a", "b", "c", "off"), **fields: Any) -> dict[str, Any]:
    """A flag of texts whose value is the name of its variant."""
    return {
        "type": "string",
        "variants": {name: name for name in variants},
        "default": "off",
        "rules": [dict(rule) for rule in rules],
        **fields,
    }


def trial(experiment: str = "e", a: float = 50, b: float = 50, **fields: Any) -> dict[str, Any]:
    """A rule that splits in two by an experiment."""
    return {"experiment": experiment, "split": {"a": a, "b": b}, **fields}


def files_of(
    experiments: Mapping[str, Any],
    flags: Mapping[str, Any] | None = None,
    layers: Mapping[str, Any] | None = None,
    **settings: Any,
) -> dict[str, Json]:
    """A rule set of these documents; without `flags` each experiment has a flag of its key that splits in two."""
    flags = {key: flag(trial(key)) for key in experiments} if flags is None else flags
    files: dict[str, Json] = {"nearwise.json": {"name": "shop", **settings}, "layers.json": dict(layers or {})}
    files |= {f"experiments/{key}.json": document for key, document in experiments.items()}
    return files | {f"flags/{key}.json": document for key, document in flags.items()}


def published(files: Mapping[str, Json], previous: Bundle | None = None) -> Bundle:
    """The bundle of a rule set that has no problems."""
    assembled = assemble(files, previous)
    assert assembled.problems == ()
    return opened({(entry.kind, entry.key): loads(entry.body) for entry in assembled.entries})


class Device:
    """Decides by bundles and remembers assignments, as an SDK does; restarting it reads its ledgers from bytes."""

    def __init__(self) -> None:
        self.ledgers: dict[str, Ledger] = {}
        self.release: Release | None = None

    def recall(self, owner: str) -> Ledger:
        return self.ledgers.setdefault(owner, Ledger(Calendar()))

    def activate(self, bundle: Bundle) -> None:
        self.release = Release(bundle, surround=lambda _subject: Surroundings(history=self))

    def restart(self) -> None:
        written = {owner: ledger.to_bytes() for owner, ledger in self.ledgers.items()}
        self.ledgers = {owner: Ledger.from_bytes(data, Calendar()) for owner, data in written.items()}

    def decide(self, key: str, subject: str, at: float = ISSUED, **data: object) -> Decision:
        assert self.release is not None
        decision = self.release.decide(key, data, subject, at)
        for each in decision.assignments:
            assignment = Assignment(each.variant, each.propensity or 0.0, at)
            self.recall(subject).assign(each.experiment, assignment)
        return decision
