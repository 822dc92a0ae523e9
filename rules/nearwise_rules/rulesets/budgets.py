"""Budgets over many devices, divided when a bundle is built, because no device can ask another while it decides.

`hard`: a quota for each device, in proportion to its past demand. Quotas only ever grow, so that a device that still
has an older bundle never holds more than the newest accounts for: together they never make more than the total.
`smooth`: a share of the subjects (see `throttle`) and a cap per device, both adjusted with each bundle.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from nearwise_rules.documents import Json, JsonObject
    from nearwise_rules.rulesets.drafts import Draft

DEVICE_SLACK = 2.0
"""A device's cap in smooth mode: so many times what it is expected to need."""


def built_offer(key: str, document: JsonObject, previous: JsonObject | None, draft: Draft) -> Json:
    """A checked offer with its budget divided; `previous` is its last built document."""
    budget = document.get("budget")
    if not isinstance(budget, dict):
        return dict(document)
    last = (previous or {}).get("budget")
    before = last if isinstance(last, dict) and _is_same(budget, last) else {}
    demand = draft.demand.get(key, {})
    divided = _hard(budget, before, demand) if budget.get("mode", "hard") == "hard" else _smooth(budget, before, demand)
    return {**document, "budget": {**budget, **divided}}


def _is_same(budget: JsonObject, last: JsonObject) -> bool:
    """Whether a budget goes on: a new total or number of devices does not begin another, a new mode or event does."""
    names = {"mode": "hard", "count": "exposure", "window": "ever"}
    return all(budget.get(name, usual) == last.get(name, usual) for name, usual in names.items())


def _hard(budget: JsonObject, before: JsonObject, demand: Mapping[str, int]) -> dict[str, Json]:
    devices = max(cast("int", budget.get("devices") or 0), cast("int", before.get("devices") or 0))
    quotas, quota = divide(
        cast("int", budget["total"]),
        demand,
        Quotas(cast("dict[str, int]", before.get("quotas") or {}), cast("int", before.get("quota") or 0)),
        devices,
    )
    promised: dict[str, Json] = {"devices": devices} if devices else {}  # a part once set aside may be in use
    return {**promised, "quotas": dict(sorted(quotas.items())), "quota": quota}


class Quotas(tuple["Mapping[str, int]", int]):
    """Who has which quota, and what every other device has."""

    def __new__(cls, quotas: Mapping[str, int], quota: int = 0) -> Quotas:
        return super().__new__(cls, (quotas, quota))


def divide(total: int, demand: Mapping[str, int], before: Quotas, devices: int | None = None) -> Quotas:
    """Quotas that together never exceed the total.

    Args:
        total: what all devices may use together.
        demand: how much each known device used in the past.
        before: the quotas of the last bundle: nobody's shrinks, as he may not hear of it.
        devices: how many devices there are at most; those that are not known yet share equally what is set aside for
            them. Without it they have nothing.
    """
    held, other = before
    known = sorted({*demand, *held})
    floors = {device: held.get(device, other) for device in known}
    unseen = max((devices or 0) - len(known), 0)
    free = total - sum(floors.values()) - other * unseen
    if free <= 0:
        return Quotas(floors, other)
    reserved = free * unseen // (len(known) + unseen) if known or unseen else 0
    quotas = {device: floors[device] + more for device, more in _in_proportion(free - reserved, known, demand).items()}
    return Quotas(quotas, other + (reserved // unseen if unseen else 0))


def _in_proportion(amount: int, known: list[str], demand: Mapping[str, int]) -> dict[str, int]:
    """Whole parts of an amount in proportion to demand, each device counted once more than it used (Laplace)."""
    weights = {device: demand.get(device, 0) + 1 for device in known}
    whole = sum(weights.values())
    return {device: amount * weight // whole for device, weight in weights.items()}


def _smooth(budget: JsonObject, before: JsonObject, demand: Mapping[str, int]) -> dict[str, Json]:
    total, used, last = cast("int", budget["total"]), sum(demand.values()), cast("float", before.get("throttle") or 1.0)
    is_spent = budget.get("window", "ever") == "ever" and used >= total
    share = 0.0 if is_spent else throttle(total, used, last)
    known = max(len(demand), 1)
    caps: dict[str, Json] = {
        device: max(1, round(DEVICE_SLACK * total * used / max(sum(demand.values()), 1)))
        for device, used in sorted(demand.items())
    }
    devices = cast("int | None", budget.get("devices")) or known
    return {"throttle": share, "quotas": caps, "quota": max(1, round(DEVICE_SLACK * total / max(devices, 1)))}


def throttle(total: int, used: int, last: float) -> float:
    """The share (0 to 1) of the subjects that the budget lets in, to four decimals.

    Args:
        total: what all devices may use in the window.
        used: what they used in the last window, under the share `last`.
        last: the share that was let in then.
    """
    wanted = used / max(last, 0.0001)
    return 1.0 if wanted <= total else round(total / wanted, 4)
