"""Experiments, ready to assign: where a subject stands in one, whichever flag asks.

`ExperimentPlan.standing` is the whole semantics, in this order: override, dates, what is remembered, layer, ramp,
variant, holdout. It reads what the device remembers and writes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, cast

from nearwise_rules.decide.cells import cell_name
from nearwise_rules.decide.splits import BASIS_POINTS, HoldoutGate, Shares, bucket_key, bucket_of
from nearwise_rules.schedules.reading import read_start
from nearwise_rules.schedules.runs import read_run
from nearwise_rules.schedules.wall import Wall

if TYPE_CHECKING:
    from nearwise_rules.decide.question import Question
    from nearwise_rules.decide.release import Release
    from nearwise_rules.documents import JsonObject
    from nearwise_rules.history import Assignment, Ledger

    Ranges = list[tuple[str, int, int]]


class Step(StrEnum):
    """What settled where a subject stands."""

    OVERRIDE = "override"
    EARLY = "early"
    OVER = "over"
    UNKEYED = "unkeyed"
    STICKY = "sticky"
    ELSEWHERE = "elsewhere"
    OUTSIDE = "outside"
    RAMP = "ramp"
    GAP = "gap"
    HELD = "held"
    ASSIGNED = "assigned"


class Standing(NamedTuple):
    """Where a subject stands in an experiment. Without a `variant` it takes no part.

    `bucket` is its basis point in the layer; `other` the experiment that has it instead; `since` when the one that is
    remembered was assigned.
    """

    step: Step
    variant: str | None = None
    propensity: float | None = None
    new: bool | None = None
    bucket: int = 0
    other: str = ""
    since: float | None = None


class Entrance:
    """Which basis points of a layer belong to an experiment, in the order in which it got them."""

    __slots__ = ("_places", "layer", "salt", "size")

    def __init__(self, layer: str | None, salt: str, pieces: list[tuple[int, int]]) -> None:
        self.layer = layer
        self.salt = salt
        places: list[tuple[int, int, int]] = []
        reached = 0
        for first, end in pieces:
            if end > first:
                places.append((reached - first, first, end))
                reached += end - first
        self.size = reached
        self._places = Shares(places)

    def place(self, bucket: int) -> int | None:
        """How many basis points the experiment had before this one; None when it is not its own."""
        offset = self._places.at(bucket)
        return None if offset is None else bucket + offset


class ExperimentPlan:
    """One experiment of a release, built once from its entry and that of its layer."""

    __slots__ = (
        "_bucketing",
        "_experiments",
        "by",
        "dedupe",
        "end",
        "entrance",
        "heeded",
        "holdout",
        "key",
        "overrides",
        "propensities",
        "ramp",
        "salt",
        "shares",
        "start",
        "sticky",
    )

    def __init__(self, key: str, entry: JsonObject, release: Release) -> None:
        self._experiments = release.experiments
        self._bucketing = release.bucketing
        self.key = key
        self.by = str(entry.get("by") or "subject")
        self.salt = str(entry.get("salt") or key)
        self.sticky = entry.get("sticky") is True
        self.dedupe = cast("str | None", entry.get("dedupe"))
        wall = Wall(release.zone)
        self.start, self.end = read_run(entry, wall)
        steps = cast("list[JsonObject]", entry.get("ramp") or [])
        self.ramp = tuple([(read_start(str(step["at"]), wall), _points(step["share"])) for step in steps])
        self.overrides = {
            subject: given if isinstance(given, str) else cell_name(cast("Mapping[str, str]", given))
            for subject, given in cast("JsonObject", entry.get("overrides") or {}).items()
        }
        holdout = cast("JsonObject | None", entry.get("holdout"))
        self.holdout = None
        if holdout is not None:
            salt = str(holdout.get("salt") or f"{self.salt}/holdout")
            self.holdout = HoldoutGate(cast("float", holdout["percent"]), salt)
        self._divide(cast("Ranges", entry["ranges"]))
        self._place(entry)

    def _divide(self, ranges: Ranges) -> None:
        """Which variant each basis point of those who take part has, and the propensity of each."""
        widths: dict[str, int] = {}
        for variant, first, end in ranges:
            widths[variant] = widths.get(variant, 0) + end - first
        self.propensities = {variant: width / BASIS_POINTS for variant, width in widths.items()}
        self.shares = Shares([(variant, first, end) for variant, first, end in ranges if end > first])

    def _place(self, entry: JsonObject) -> None:
        """Its part of its layer, and the sticky experiments that it has to heed there, itself among them."""
        name = cast("str | None", entry.get("layer"))
        if name is None:
            pieces = [(0, _points(entry.get("share", 100)))]
            self.entrance = Entrance(None, f"{self.salt}/share", pieces)
            self.heeded: tuple[str, ...] = (self.key,) if self.sticky else ()
            return
        layer = self._experiments.document("layer", name)
        ranges = cast("Ranges", layer["ranges"])
        pieces = [(first, end) for owner, first, end in ranges if owner == self.key]
        self.entrance = Entrance(name, str(layer.get("salt") or f"layer/{name}"), pieces)
        members = dict.fromkeys([self.key, *(owner for owner, _, _ in ranges)])
        self.heeded = tuple(
            [key for key in members if self._experiments.document("experiment", key).get("sticky") is True]
        )

    def standing(self, question: Question, unit: object) -> Standing:
        """Where the subject of a question stands; `unit` is the value that is bucketed."""
        forced = self.overrides.get(bucket_key(question.subject) or "") if self.overrides else None
        if forced is not None:
            return Standing(Step.OVERRIDE, forced)
        if not self.runs(question.at):
            return Standing(Step.EARLY if question.at < self.start else Step.OVER)
        key = bucket_key(unit)
        if key is None:
            return Standing(Step.UNKEYED)
        standing = self._remembered(question) or self._fresh(key, question)
        holdout = self.holdout
        if holdout is None or standing.variant is None or not holdout.keeps_out(self._bucketing, key):
            return standing
        return standing._replace(step=Step.HELD, new=None)

    def runs(self, at: float) -> bool:
        """Whether the experiment runs at this time."""
        return self.start <= at < self.end

    def reached(self, at: float) -> int | None:
        """So many basis points take part by the ramp; None without one."""
        if not self.ramp:
            return None
        return next((points for since, points in reversed(self.ramp) if since <= at), 0)

    def _remembered(self, question: Question) -> Standing | None:
        """The subject's own assignment, or that of another experiment of the layer: the oldest that still holds."""
        ledger = question.ledger() if self.heeded else None
        if ledger is None:
            return None
        plans = [plan for key in self.heeded if (plan := self._experiments.plan(key)) is not None]
        given = [(plan, plan.recalled(ledger)) for plan in plans if plan.runs(question.at)]
        found = [(each.at, plan.key, each) for plan, each in given if each is not None]
        if not found:
            return None
        since, key, oldest = min(found, key=lambda each: each[:2])
        if key != self.key:
            return Standing(Step.ELSEWHERE, other=key, since=since)
        return Standing(Step.STICKY, oldest.variant, oldest.propensity, False, since=since)

    def recalled(self, ledger: Ledger) -> Assignment | None:
        """What the subject was given before, when there is still such a variant."""
        given = ledger.assigned(self.key)
        return given if given is not None and given.variant in self.propensities else None

    def _fresh(self, key: str, question: Question) -> Standing:
        """What the hash gives: a place in the layer, a step of the ramp, a variant."""
        bucket = bucket_of(self._bucketing, self.entrance.salt, key)
        place = self.entrance.place(bucket)
        if place is None:
            return Standing(Step.OUTSIDE, bucket=bucket)
        reached = self.reached(question.at)
        if reached is not None and place >= reached:
            return Standing(Step.RAMP, bucket=bucket)
        variant = self.shares.at(bucket_of(self._bucketing, self.salt, key))
        if variant is None:
            return Standing(Step.GAP, bucket=bucket)
        new = True if self.sticky and question.ledger() is not None else None
        return Standing(Step.ASSIGNED, variant, self.propensities[variant], new, bucket)


def _points(percent: object) -> int:
    return round(cast("float", percent) * 100)
