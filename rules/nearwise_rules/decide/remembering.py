"""What a device must remember for one release to decide: the needs of its history attributes, caps and pauses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from json import loads
from typing import TYPE_CHECKING, cast

from nearwise_rules.consent import purposes_mask
from nearwise_rules.decide.catalogue import UNUSABLE
from nearwise_rules.history import HistoryPlan

if TYPE_CHECKING:
    from nearwise_rules.decide.release import Release
    from nearwise_rules.documents import JsonObject

ITEM_EVENTS = ("exposure", "decision")
"""The events that placements make by themselves, with these properties: offer, placement, tag, flag, variant."""


def history_plan(release: Release) -> HistoryPlan:
    """Everything that a release reads of history. A part of the bundle that cannot be used needs nothing."""
    plan = HistoryPlan()
    for name in release.attributes:
        with suppress(*UNUSABLE):
            declared = release.attributes.declared(name)
            if declared is not None and declared.measure is not None:
                plan.serve(declared.measure, declared.mask)
    need_gates(plan, release, release.bundle.keys("placement"), release.bundle.keys("offer"))
    for kind, properties in _SHOWN.items():
        if any(_is_deduped(document, release) for document in _documents(release, kind, release.bundle.keys(kind))):
            plan.need("exposure", properties)
    return plan


def need_gates(plan: HistoryPlan, release: Release, placements: Iterable[str], offers: Iterable[str]) -> None:
    """What the caps of these placements, all gates of these offers, and the caps over several offers ask for."""
    for cap in _documents(release, "cap", release.bundle.keys("cap")):
        _need_cap(plan, cap, () if cap.get("tag") is None else ("tag",))
    for placement in _documents(release, "placement", placements):
        for cap in _members(placement, "caps"):
            _need_cap(plan, cap, ("placement",))
    for offer in _documents(release, "offer", offers):
        with suppress(*UNUSABLE):
            _need_offer(plan, offer)


_SHOWN = {"flag": ("flag", "variant"), "placement": ("flag", "offer", "variant")}
"""What tells exposures apart that are recorded once within a window."""


def _is_deduped(document: JsonObject, release: Release) -> bool:
    """Whether a flag or a placement, or an experiment of one of its rules, names such a window."""
    experiments = [str(rule.get("experiment")) for rule in _members(document, "rules")]
    measured = [release.experiments.document("experiment", key) for key in experiments]
    return any(each.get("dedupe") is not None for each in (document, *measured))


def _need_offer(plan: HistoryPlan, offer: JsonObject) -> None:
    mask = purposes_mask(cast("list[str]", offer.get("purposes") or ()))
    for cap in _members(offer, "caps"):
        _need_cap(plan, cap, ("offer",))
    for suppression in _members(offer, "suppress"):
        where = cast("JsonObject", suppression.get("where") or {})
        match = cast("list[str]", suppression.get("match") or ())
        plan.need(str(suppression.get("after")), {*where, *match}, mask=mask)
    cooldown, budget = offer.get("cooldown"), offer.get("budget")
    if isinstance(cooldown, dict):
        plan.need(str(cooldown.get("after", "rejection")), ("offer",))
    if isinstance(budget, dict):
        plan.need(str(budget.get("count", "exposure")), ("offer",), per="device")


def _need_cap(plan: HistoryPlan, cap: JsonObject, properties: tuple[str, ...]) -> None:
    plan.need(str(cap.get("count", "exposure")), properties, per=str(cap.get("per", "subject")))


def _documents(release: Release, kind: str, keys: Iterable[str]) -> Iterator[JsonObject]:
    for key in keys:
        document: object = loads(release.bundle.entry(kind, key) or b"{}")
        if isinstance(document, dict):
            yield cast("JsonObject", document)


def _members(document: JsonObject, name: str) -> Iterator[JsonObject]:
    listed = document.get(name)
    for member in listed if isinstance(listed, list) else ():
        if isinstance(member, dict):
            yield member
