"""One experiment's document: its dates and ramp, its factors, whom it treats by name, and the rules that use it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import cast

from nearwise_rules.documents import Experiment, Json, JsonObject, LocalHoldout, RampStep
from nearwise_rules.rulesets.conditions import check_known
from nearwise_rules.rulesets.drafts import Draft
from nearwise_rules.rulesets.factors import cells_of, check_cell, check_factors
from nearwise_rules.rulesets.flags import check_percent, check_variant
from nearwise_rules.rulesets.layers import run_of, share_of
from nearwise_rules.rulesets.parts import Part, field_names
from nearwise_rules.rulesets.spans import check_window
from nearwise_rules.rulesets.splits import Range, lay_out
from nearwise_rules.rulesets.trials import Trial
from nearwise_rules.schedules.reading import read_end, read_start
from nearwise_rules.schedules.wall import Wall


def check_experiment(key: str, part: Part, draft: Draft) -> None:
    """Report everything wrong with one experiment."""
    part.known_fields(field_names(Experiment))
    if not part.get("ranges").absent:
        part.get("ranges").problem("derived_field", "'ranges' is filled in by the build", of_key=True)
    layer = None if part.get("layer").absent else part.get("layer").text()
    if layer is not None:
        check_known(part.get("layer"), "layer", layer, draft.sources["layer"])
    if not part.get("share").absent:
        check_percent(part.get("share"))
    check_window(part.get("dedupe"))
    _check_by(part, draft)
    _check_dates(part, draft)
    _check_ramp(part, Wall(draft.zone))
    _check_holdout(part.get("holdout"))
    cells = check_factors(part)
    trials = draft.trials.get(key, ())
    _check_uses(key, part, trials, draft)
    variants = cells if cells is not None else _shares(trials)
    if variants:
        _check_overrides(part, variants)


def _check_by(part: Part, draft: Draft) -> None:
    by = None if part.get("by").absent else part.get("by").text()
    if by is None or by == "subject":
        return
    if not draft.conditions.is_declared(by):
        part.get("by").problem("unknown_attribute", draft.conditions.undeclared(by))
    if part.get("sticky").value is True:
        part.get("sticky").problem("sticky_by", f"what is remembered is a subject's: nothing is of '{by}'")


def _check_dates(part: Part, draft: Draft) -> None:
    wall = Wall(draft.zone)
    start, end = _read(part.get("start"), wall, read_start), _read(part.get("end"), wall, read_end)
    if start is not None and end is not None and end <= start:
        message = f"it ends ({part.get('end').value}) before it starts ({part.get('start').value})"
        part.get("end").problem("ends_before_start", message)


def _read(part: Part, wall: Wall, read: Callable[[str, Wall], float]) -> float | None:
    """The moment that a date or time says; None, and reported, when it is none."""
    text = None if part.absent else part.text()
    if text is None:
        return None
    try:
        return read(text, wall)
    except ValueError as error:
        part.problem("bad_time", str(error))
        return None


def _check_ramp(part: Part, wall: Wall) -> None:
    share, reached = share_of(part), float("-inf")
    for step in part.get("ramp").items() if not part.get("ramp").absent else ():
        step.known_fields(field_names(RampStep))
        step.needs(("at", "share"), "a step of a ramp")
        points = None if step.get("share").absent else check_percent(step.get("share"))
        if points is not None and share is not None and points > share:
            message = f"a step cannot take more than the share of the experiment, {share / 100:g} percent"
            step.get("share").problem("ramp_share", message)
        at = _read(step.get("at"), wall, read_start)
        if at is not None and at <= reached:
            step.get("at").problem("ramp_order", "the steps of a ramp stand in the order of their times")
        reached = max(reached if at is None else at, reached)


def _check_holdout(part: Part) -> None:
    if part.absent:
        return
    part.known_fields(field_names(LocalHoldout))
    part.needs(("percent",), "a holdout")
    if not part.get("percent").absent:
        check_percent(part.get("percent"))


def _check_overrides(part: Part, variants: Mapping[str, int]) -> None:
    overrides, factors = part.get("overrides"), part.get("factors")
    for given in overrides.members().values() if not overrides.absent else ():
        if factors.absent:
            check_variant(given, variants)
            continue
        name = check_cell(given, factors.members())
        if name is not None and name not in variants:
            given.problem("unknown_cell", f"the design does not have the cell {name}")


def _check_uses(key: str, part: Part, trials: Iterable[Trial], draft: Draft) -> None:
    """Hold the rules of an experiment against each other, and against the time."""
    used, shares = False, _shares(trials)
    runs = run_of(part, draft)
    over = runs is not None and draft.now is not None and runs[1] <= draft.now
    for rule, its in trials:
        used = True
        if over:
            message = f"'{key}' ended ({part.get('end').value}): this rule gives nothing any more"
            rule.get("experiment").problem("expired_experiment", message)
        if its and its != shares:
            first = ", ".join(f"{name} {points / 100:g}" for name, points in shares.items())
            message = f"experiment '{key}' is split into {first} elsewhere: its shares are the same in every rule"
            rule.get("split").problem("unlike_splits", f"{message} (flags that differ are factors)", of_key=True)
    kept_for_the_record = over or (draft.now is None and not part.get("end").absent)
    if not used and not kept_for_the_record:
        part.problem("unused_experiment", f"no rule names the experiment '{key}'")


def _shares(trials: Iterable[Trial]) -> Mapping[str, int]:
    """The shares of an experiment's variants: those of the first rule that splits."""
    return next((trial.shares for trial in trials if trial.shares), _NO_SHARES)


_NO_SHARES: Mapping[str, int] = {}


def built_experiment(key: str, document: JsonObject, last: JsonObject | None, draft: Draft) -> dict[str, Json]:
    """A checked experiment with the ranges of its variants or cells, carried over from its last entry."""
    shares = cells_of(document) if document.get("factors") else _shares(draft.trials.get(key, ()))
    had = [] if last is None or _hashed(key, last) != _hashed(key, document) else last.get("ranges") or []
    if not shares:  # nobody splits any more: what it was stays on the record
        return {**document, "ranges": cast("Json", had)}
    pieces = lay_out(shares, [Range(*piece) for piece in cast("list[tuple[str, int, int]]", had)])
    unshared = [[name, 0, 0] for name, points in shares.items() if not points]
    return {**document, "ranges": cast("Json", [*map(list, pieces), *unshared])}


def _hashed(key: str, document: JsonObject) -> tuple[Json, Json]:
    """What decides the bucket of a subject."""
    return document.get("salt") or key, document.get("by") or "subject"
