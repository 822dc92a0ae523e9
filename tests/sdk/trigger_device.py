"""Triggers over real files, driven by hand, and the rules that their tests share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nearwise.outbox.sealing import open_outbox
from nearwise.testing.rule_sets import packed_bundle, signer
from nearwise.triggers import Triggers
from nearwise_rules import Json, Release, Surroundings, Trust, open_bundle, public_key_text
from tests.sdk.conftest import Clock, unpacked

KEY = public_key_text(signer().public_key)
CART_LEFT: dict[str, Json] = {
    "on": "cart_updated",
    "unless": "purchase",
    "wait": "30m",
    "cooldown": "24h",
    "payload": {"basket": {"var": "event.properties.basket"}, "card": {"var": "card"}},
    "channel": "push",
}
NOW: dict[str, Json] = {"on": "basket", "when": {">": [{"var": "event.value"}, 50]}, "payload": {"text": "Wow"}}
RULES: dict[str, Json] = {
    "attributes": {"card": {"type": "string"}},
    "triggers": {
        "cart-left": CART_LEFT,
        "now": NOW,
        "seen": {"on": "exposure", "channel": {"var": "event.properties.variant"}},
    },
    "flags": {"offer": {"type": "string", "variants": {"tea": "Tea"}, "default": "tea"}},
}
MINUTE = 60.0


def release_of(rules: Mapping[str, Json] | None = None, granted: int = 0) -> Release:
    bundle = open_bundle(packed_bundle({**RULES, **(rules or {})}), Trust.pinned(KEY))
    return Release(bundle, surround=lambda _subject: Surroundings(granted=granted))


class Device:
    """Triggers over real files, driven by hand: `restart` is what a new process does with the files of a dead one."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.folder = folder
        self.clock = clock
        self.release = release_of()
        self.start()

    def start(self) -> None:
        self.outbox = open_outbox(str(self.folder / "outbox"), clock=self.clock)
        self.triggers = Triggers(str(self.folder), self.clock, lambda: self.outbox)
        self.triggers.wake = lambda: None
        self.triggers.use(self.release)

    def restart(self) -> None:
        self.triggers.close(1)
        self.outbox.close()
        self.start()

    def track(self, name: str, value: float | None = None, subject: object = "h-1", **properties: object) -> None:
        self.triggers.happened(subject, {"card": "c-9"}, name, value, properties)

    def reports(self) -> list[dict[str, Any]]:
        return [event for event in map(unpacked, self.outbox.waiting()) if event["type"] == "trigger"]
