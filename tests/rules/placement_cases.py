"""Rule sets with offers for tests, and a release of them with what a device knows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from nearwise.testing.rule_sets import packed_bundle, signer
from nearwise_rules import (
    Assignment,
    Bundle,
    Calendar,
    Decision,
    Ledger,
    Release,
    Signal,
    Surroundings,
    Trust,
    open_bundle,
    purposes_mask,
)

MONDAY = 1_795_420_800.0
"""2026-11-23T08:00:00Z."""

ATTRIBUTES: dict[str, Any] = {
    "basket.total": {"type": "number", "range": [0, 10_000]},
    "device.locale": {"type": "string", "source": "device"},
    "visits": {"type": "integer"},
}


class Remembered:
    """History from memory: one ledger for each owner."""

    def __init__(self, zone: str = "UTC") -> None:
        self.calendar = Calendar(zone)
        self.ledgers: dict[str, Ledger] = {}

    def recall(self, owner: str) -> Ledger:
        if owner not in self.ledgers:
            self.ledgers[owner] = Ledger(self.calendar)
        return self.ledgers[owner]

    def assign(self, owner: str, experiment: str, assignment: Assignment) -> None:
        self.recall(owner).assign(experiment, assignment)


def rule_set(offers: Mapping[str, Any], placements: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """The files of a rule set with these offers and placements; `more` by path (`__` for `/`)."""
    return {
        "nearwise.json": {"name": "shop", **more.pop("settings", {})},
        "attributes.json": {**ATTRIBUTES, **more.pop("attributes", {})},
        **{f"offers/{key}.json": {"content": {"title": key}, **offer} for key, offer in offers.items()},
        **{f"placements/{key}.json": {"blank": True, **placement} for key, placement in placements.items()},
        **{f"{path.replace('__', '/')}.json": document for path, document in more.items()},
    }


class Shop:
    """A release of a rule set, and what its device knows."""

    def __init__(
        self,
        files: Mapping[str, Any],
        *,
        consent: Iterable[str] = (),
        device: str = "till-1",
        previous: Bundle | None = None,
    ) -> None:
        packed = packed_bundle(files, previous=previous)
        bundle = open_bundle(packed, Trust(keys={signer().key_id: signer().public_key}))
        self.history = Remembered()
        self.granted = purposes_mask(consent)
        self.signals: dict[str, Signal] = {}
        self.traits: dict[str, object] = {}
        self.device = device
        self.release = Release(bundle, Decision, self.surround)

    def surround(self, _subject: object) -> Surroundings:
        return Surroundings(self.granted, self.history, self.signals, self.traits, self.device)

    def decide(self, key: str, subject: object = "h-1", at: float = MONDAY, **data: object) -> Decision:
        return self.release.decide(key, data, subject, at)

    def happened(self, event: str, at: float, value: float = 0.0, owner: str = "h-1", **properties: object) -> None:
        """Record an event for the subject and for the device, as the SDK does."""
        plan = self.release.remembers
        for per, name in (("subject", owner), ("device", "")):
            plan.view(per, self.granted).record(self.history.recall(name), event, properties, value, at)
