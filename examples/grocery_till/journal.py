"""What the events at the server say of coupons and purchases, household by household."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

WITHIN_SECONDS = 14 * 86_400.0


class Event(NamedTuple):
    """An event as the server has it; `at` in Unix seconds."""

    device: str
    type: str
    at: float
    subject: str
    fields: Mapping[str, Any]


class Coupon(NamedTuple):
    """A coupon that was printed, or would have been."""

    till: str
    household: str
    at: float
    offer: str
    tags: tuple[str, ...]
    is_redeemable: bool | None
    """Its household bought the category in a later basket within 14 days; None when these are not over yet."""


class Journal:
    """Reads events once: coupons by policy ("ghost": what held-out households would have got), and who was seen."""

    def __init__(self, events: Iterable[Event], rules: Path, last: float) -> None:
        """`last` is when the data end."""
        self._offers = {path.stem: yaml.safe_load(path.read_text()) for path in (rules / "offers").glob("*.yaml")}
        self._last = last
        self._bought: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
        self.coupons: defaultdict[str, list[Coupon]] = defaultdict(list)
        self.held_out: set[str] = set()
        self.seen: set[str] = set()
        ordered = sorted(events, key=lambda event: event.at)
        for event in ordered:
            if event.fields.get("name") == "purchase":
                for category in event.fields["properties"]["category"]:
                    self._bought[event.subject, category].append(event.at)
        for event in ordered:
            self._read(event)

    def _read(self, event: Event) -> None:
        fields = event.fields
        if fields.get("name") == "ghost":
            self.coupons["ghost"].append(self._coupon(event, fields["properties"]["offer"]))
        if event.type != "exposure":
            return
        self.seen.add(event.subject)
        if fields["reason"] == "HOLDOUT":
            self.held_out.add(event.subject)
        elif not fields.get("fallback"):
            self.coupons[fields["variant"]].append(self._coupon(event, fields["offer"]))

    def _coupon(self, event: Event, key: str) -> Coupon:
        offer, redeemable = self._offers[key], None
        if event.at + WITHIN_SECONDS <= self._last:
            times = self._bought[event.subject, offer["properties"]["category"]]
            redeemable = bisect_right(times, event.at + WITHIN_SECONDS) > bisect_right(times, event.at)
        return Coupon(event.device, event.subject, event.at, key, tuple(offer["tags"]), redeemable)
