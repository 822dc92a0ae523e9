"""Why a subject is in an experiment or is not, in words for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

from nearwise_rules.decide.experiments import ExperimentPlan, Standing, Step
from nearwise_rules.schedules.wall import Wall

if TYPE_CHECKING:
    from nearwise_rules.decide.release import Release


def told(plan: ExperimentPlan, standing: Standing, at: float, release: Release) -> Iterator[str]:
    """What settled where the subject stands, a phrase for each part that had a say."""
    step = standing.step
    if step in (Step.EARLY, Step.OVER):
        yield f"starts {_day(plan.start, release)}" if step is Step.EARLY else f"over since {_day(plan.end, release)}"
    elif step is Step.OVERRIDE:
        yield "QA override"
    elif step is Step.UNKEYED:
        yield f"buckets by {plan.by}, which is missing"
    elif standing.since is not None:
        day = _day(standing.since, release)
        sticky = step is not Step.ELSEWHERE
        yield f"sticky: assigned {day}" if sticky else f"layer {plan.entrance.layer}: in {standing.other} since {day}"
    else:
        yield _place(plan, standing, at, release)
        if step is not Step.OUTSIDE and plan.ramp:
            yield _ramp(plan, at, release)
    if step is Step.GAP:
        yield "no share for this subject"
    if step is Step.HELD:
        yield "in its holdout"


def _place(plan: ExperimentPlan, standing: Standing, at: float, release: Release) -> str:
    layer = plan.entrance.layer
    if layer is None:
        inside = "outside" if standing.step is Step.OUTSIDE else "within"
        return f"bucket {standing.bucket} is {inside} the {plan.entrance.size / 100:g} % that take part"
    owner = plan.key if standing.step is not Step.OUTSIDE else _owner(layer, standing.bucket, at, release)
    return f"layer {layer}: bucket {standing.bucket} belongs to {owner}"


def _owner(layer: str, bucket: int, at: float, release: Release) -> str:
    """The experiment that has a bucket of a layer at this time."""
    ranges = cast("list[tuple[str, int, int]]", release.experiments.document("layer", layer)["ranges"])
    for key, first, end in ranges:
        other = release.experiments.plan(key) if first <= bucket < end else None
        if other is not None and other.runs(at):
            return key
    return "nobody"


def _ramp(plan: ExperimentPlan, at: float, release: Release) -> str:
    later = next((since for since, _ in plan.ramp if since > at), None)
    until = "" if later is None else f" until {_day(later, release)}"
    return f"ramp: {(plan.reached(at) or 0) / 100:g} %{until}"


def _day(at: float, release: Release) -> str:
    """A time in the store's zone: its date, with the time of the day when it is not midnight."""
    moment = Wall(release.zone).shown(at)
    return moment.strftime("%Y-%m-%d" if not (moment.hour or moment.minute) else "%Y-%m-%d %H:%M")
