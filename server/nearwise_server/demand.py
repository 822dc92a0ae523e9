"""What each device used of the offers that have a budget, counted from the events: how the next bundle divides them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from json import loads
from typing import NamedTuple, cast

from nearwise_rules import Entry, Event, JsonObject
from nearwise_server.events import counting_events, ledger_after
from nearwise_server.store import Database

_DAY_MS = 86_400_000
_LOOKED_BACK_MS = {"day": _DAY_MS, "week": 7 * _DAY_MS, "month": 30 * _DAY_MS}
"""For a budget that begins again, the last so many milliseconds are what demand is taken from."""

Demand = Mapping[str, Mapping[str, int]]
"""Offer -> device -> how often."""


class Counted(NamedTuple):
    """What a budget counts, and since when (Unix milliseconds)."""

    event: str
    since_ms: int


def budgets_of(entries: Iterable[Entry], now_ms: int) -> dict[str, Counted]:
    """The offers with a budget."""
    found: dict[str, Counted] = {}
    for entry in entries:
        budget = cast("JsonObject", loads(entry.body)).get("budget") if entry.kind == "offer" else None
        if isinstance(budget, dict):
            looked_back = _LOOKED_BACK_MS.get(str(budget.get("window", "ever")))
            since_ms = 0 if looked_back is None else now_ms - looked_back
            found[entry.key] = Counted(str(budget.get("count", "exposure")), since_ms)
    return found


def demand_of(database: Database, environment: str, budgets: Mapping[str, Counted]) -> Demand:
    """How often each device used each of these offers. Reads the whole ledger: called when a rule set has budgets."""
    used: dict[str, dict[str, int]] = {offer: {} for offer in budgets}
    for batch in ledger_after(database, environment, 0):
        for _, event in counting_events(batch):
            offer = _offer_of(event)
            counted = budgets.get(offer or "")
            if offer is not None and counted is not None and _is_counted(event, counted):
                used[offer][batch.device] = used[offer].get(batch.device, 0) + 1
    return used


def _is_counted(event: Event, counted: Counted) -> bool:
    name = event.fields.get("name") if event.type == "track" else event.type
    return name == counted.event and event.at >= counted.since_ms and event.fields.get("fallback") is not True


def _offer_of(event: Event) -> str | None:
    if event.type == "track":
        properties = event.fields.get("properties")
        offer = cast("Mapping[str, object]", properties).get("offer") if isinstance(properties, Mapping) else None
    else:
        offer = event.fields.get("offer")
    return offer if isinstance(offer, str) else None
