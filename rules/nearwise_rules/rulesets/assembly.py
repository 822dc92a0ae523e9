"""Assembling a rule set: documents in, checked entries out, with every problem that the documents alone can show."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from json import loads
from typing import TYPE_CHECKING, cast, get_args

from nearwise_rules.bundle import Entry
from nearwise_rules.documents import Bucketing, Grace, Json, JsonObject, RuleSetSettings
from nearwise_rules.errors import DocumentError
from nearwise_rules.logic import Dialect
from nearwise_rules.rulesets.attributes import attribute_types, check_attributes
from nearwise_rules.rulesets.audiences import BuiltAudience, Progress, built_audiences
from nearwise_rules.rulesets.budgets import built_offer
from nearwise_rules.rulesets.carrying import built_flag, built_placement
from nearwise_rules.rulesets.cases import check_case
from nearwise_rules.rulesets.conditions import PROVIDED, Condition, Conditions, check_known
from nearwise_rules.rulesets.content import check_locales
from nearwise_rules.rulesets.drafts import Demand, Draft
from nearwise_rules.rulesets.experiments import built_experiment, check_experiment
from nearwise_rules.rulesets.files import Sources, sort_files
from nearwise_rules.rulesets.flags import check_flag, check_holdout, check_recording
from nearwise_rules.rulesets.history import check_history
from nearwise_rules.rulesets.layers import built_layer, check_layer
from nearwise_rules.rulesets.models import check_model
from nearwise_rules.rulesets.offers import check_contact_cap, check_offer
from nearwise_rules.rulesets.parts import FileProblem, Part, field_names
from nearwise_rules.rulesets.placements import check_placement
from nearwise_rules.rulesets.purposes import check_event, check_policies
from nearwise_rules.rulesets.references import References
from nearwise_rules.rulesets.retention import check_retention
from nearwise_rules.rulesets.schedules import check_calendar
from nearwise_rules.rulesets.segments import check_segment
from nearwise_rules.rulesets.trials import trials_of
from nearwise_rules.rulesets.triggers import check_trigger

if TYPE_CHECKING:
    from nearwise_rules.bundle import Bundle

SETTINGS = "rule-set"
"""The key of the one entry of kind `settings`."""


MAX_PROBLEMS = 1_000
"""How many problems are told at once; a rule set with more is stopped there."""


class _EnoughError(Exception):
    """There are more problems than anybody reads. Never leaves this module."""


@dataclass(frozen=True)
class Assembled:
    """The entries without problems, sorted by kind and key; every problem; every condition that parsed.

    `audiences` say of what their entries were built.
    """

    entries: tuple[Entry, ...]
    problems: tuple[FileProblem, ...]
    conditions: tuple[Condition, ...]
    audiences: tuple[BuiltAudience, ...] = ()


@dataclass(frozen=True)
class Occasion:
    """What a rule set is assembled for: the bundle before it, the time (Unix seconds), who hears of long work.

    The ranges of splits and layers are carried over from `previous`, so that only subjects of shrinking shares move.
    With `now` what is over is a problem too. `progress` hears how far filters of audiences are built. `demand` is what
    each device used of each offer with a budget: offer -> device -> count.
    """

    previous: Bundle | None = None
    now: float | None = None
    progress: Progress | None = None
    demand: Demand = field(default_factory=dict[str, "Mapping[str, int]"])


def assemble(
    files: Mapping[str, Json],
    previous: Bundle | None = None,
    progress: Progress | None = None,
    *,
    now: float | None = None,
    demand: Demand | None = None,
) -> Assembled:
    """Check the documents of a rule set (path within it -> JSON document) and build their entries; see `Occasion`.

    Lists of keys (audiences/*.txt) are texts. Authors' mistakes never raise; a set without problems can be published.
    """
    problems: list[FileProblem] = []
    try:
        return _assemble(files, Occasion(previous, now, progress, demand or {}), problems)
    except _EnoughError:
        message = f"more than {MAX_PROBLEMS} problems; what comes after was not checked"
        return Assembled((), (*problems, FileProblem(problems[-1].file, "", "too_many_problems", message)), ())


def _assemble(files: Mapping[str, Json], occasion: Occasion, problems: list[FileProblem]) -> Assembled:
    def report(problem: FileProblem) -> None:
        if len(problems) >= MAX_PROBLEMS:
            raise _EnoughError
        problems.append(problem)

    sources = sort_files(files, report)
    settings = _settings(sources, problems)
    past = occasion.previous if _buckets_alike(settings, occasion.previous) else None
    draft = _draft(sources, settings, replace(occasion, previous=past))
    conditions = _check(draft)
    entries: list[Entry] = []
    for kind, key, part, document in _documents(draft, _Broken(problems)):
        try:
            entries.append(Entry.of(kind, key, document))
        except (DocumentError, ValueError, TypeError) as error:
            part.problem("not_json", f"cannot be written as JSON: {error}")
    audiences = tuple(built_audiences(sources, occasion.progress))
    entries += [audience.entry for audience in audiences]
    ordered = sorted(entries, key=lambda entry: (entry.kind, entry.key))
    return Assembled(tuple(ordered), tuple(problems), conditions, audiences)


def _settings(sources: Sources, problems: list[FileProblem]) -> dict[str, Json]:
    """The settings' document; a part that cannot be used is left out, so that the rest can be checked."""
    defaults: dict[str, Json] = {"name": "rules"}
    if sources.settings is None:
        return defaults
    part = sources.settings
    part.known_fields(field_names(RuleSetSettings))
    check_holdout(part.get("holdout"))
    check_calendar(part)
    check_locales(part)
    check_policies(part)
    check_recording(part.get("recording"))
    part.get("dialect").choice(dialect.value for dialect in Dialect)
    part.get("bucketing").choice(get_args(Bucketing))
    part.get("grace").choice(get_args(Grace))
    given = {key: member.value for key, member in part.members().items() if not member.absent}
    wrong = {problem.pointer.split("/")[1] for problem in problems if problem.file == part.file and problem.pointer}
    return defaults | {key: value for key, value in given.items() if key not in wrong}


def _draft(sources: Sources, settings: JsonObject, occasion: Occasion) -> Draft:
    # What declares no type, or a wrong one, is told at its declaration only: until then anything may be in it.
    types = dict.fromkeys(sources["attribute"], "object") | attribute_types(sources["attribute"])
    conditions = Conditions(Dialect(str(settings.get("dialect", "safe"))), types)
    return Draft(
        settings=settings,
        sources=sources,
        conditions=conditions,
        references=References(),
        trials=trials_of(sources),
        previous=occasion.previous,
        now=occasion.now,
        demand=occasion.demand,
    )


def _check(draft: Draft) -> tuple[Condition, ...]:
    """Hold everything in the rule set against everything else in it."""
    sources = draft.sources
    check_attributes(sources["attribute"])
    for kind, check in CHECKS.items():
        for key, part in sources[kind].items():
            check(key, part, draft)
    check_retention(draft)
    for target, part in [mention for mentions in draft.references.mentions.values() for mention in mentions]:
        check_known(part, target[0], target[1], sources[target[0]])
    if not draft.references.report_circles():
        for kind in ("flag", "trigger"):
            draft.references.report_long_chains(kind, sources[kind])
    for key, part in sources["case"].items():
        check_case(key, part, draft)
    return tuple(draft.conditions.parsed)


CHECKS: Mapping[str, Callable[[str, Part, Draft], None]] = {
    "attribute": check_history,
    "segment": check_segment,
    "flag": check_flag,
    "model": check_model,
    "offer": check_offer,
    "cap": check_contact_cap,
    "placement": check_placement,
    "event": check_event,
    "experiment": check_experiment,
    "layer": check_layer,
    "trigger": check_trigger,
}
"""How the documents of a kind are checked, in this order. Attributes come before, golden cases after."""


class _Broken:
    """The parts of a rule set that have a problem in them or around them."""

    def __init__(self, problems: Iterable[FileProblem]) -> None:
        self._pointers: dict[str, list[str]] = {}
        for problem in problems:
            self._pointers.setdefault(problem.file, []).append(problem.pointer)

    def __contains__(self, part: Part) -> bool:
        inside = part.pointer + "/"
        return any(f"{place}/".startswith(inside) or not place for place in self._pointers.get(part.file, ()))


def _documents(draft: Draft, broken: _Broken) -> Iterator[tuple[str, str, Part, Json]]:
    """Kind, key and document of everything without problems."""
    settings_part = draft.sources.settings or Part("nearwise.yaml", "", None, lambda _: None)
    yield "settings", SETTINGS, settings_part, dict(draft.settings)
    for kind, parts in draft.sources.kinds.items():
        build = BUILDS.get(kind)
        for key, part in parts.items():
            if kind == "audience" or part in broken:
                continue  # audiences are no JSON: they are built apart
            document, last = cast("JsonObject", part.value), draft.last(kind, key) or None
            yield kind, key, part, part.value if build is None else build(key, document, last, draft)


BUILDS: Mapping[str, Callable[[str, JsonObject, JsonObject | None, Draft], Json]] = {
    "flag": built_flag,
    "placement": built_placement,
    "offer": built_offer,
    "experiment": built_experiment,
    "layer": built_layer,
}
"""How the entry of a kind is made: of its key, its document, its last entry where subjects may be kept, the draft."""


def _buckets_alike(settings: JsonObject, previous: Bundle | None) -> bool:
    """Whether the bundle before hashed subjects in the same way."""
    before = _loaded(previous, "settings", SETTINGS) or {}
    return before.get("bucketing", "murmur3") == settings.get("bucketing", "murmur3")


def _loaded(bundle: Bundle | None, kind: str, key: str) -> JsonObject | None:
    body = None if bundle is None else bundle.entry(kind, key)
    return None if body is None else cast("JsonObject", loads(body))


__all__ = ["PROVIDED", "SETTINGS", "Assembled", "assemble"]
