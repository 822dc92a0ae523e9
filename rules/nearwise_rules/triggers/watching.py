"""The triggers of one release, each compiled when the first event comes that it listens to."""

from __future__ import annotations

from collections.abc import Mapping
from json import loads
from typing import TYPE_CHECKING, cast

from nearwise_rules.errors import DocumentError
from nearwise_rules.logic import Diagnostic
from nearwise_rules.triggers.machine import Heard, TriggerEvent, hear
from nearwise_rules.triggers.plans import TriggerPlan, cancelling

if TYPE_CHECKING:
    from nearwise_rules.decide.release import Release
    from nearwise_rules.documents import JsonObject

BROKEN = "BROKEN_TRIGGER"


class Triggers:
    """What listens to which event. Safe from any thread."""

    def __init__(self, release: Release) -> None:
        self._release = release
        self._keys: dict[str, list[str]] = {}
        self._plans: dict[str, TriggerPlan | None] = {}
        for key in release.bundle.keys("trigger"):
            for event in self._events(key):
                self._keys.setdefault(event, []).append(key)
        self.events = frozenset(self._keys)

    def plan(self, key: str) -> TriggerPlan | None:
        """The trigger of a key; None when there is none, or one that this version cannot read."""
        if key not in self._plans:
            try:
                self._plans[key] = TriggerPlan(key, self._entry(key), self._release)
            except (DocumentError, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
                self._plans[key] = None
        return self._plans[key]

    def heard(
        self, event: TriggerEvent, data: Mapping[str, object], subject: object, at: float
    ) -> tuple[tuple[str, Heard], ...]:
        """What an event means to each trigger that listens to it, by key. Never raises for what the data hold.

        `data` is the context that the event came with.
        """
        found: list[tuple[str, Heard]] = []
        for key in self._keys.get(event.name, ()):
            plan = self.plan(key)
            if plan is None:
                found.append((key, Heard(at, diagnostics=(Diagnostic(BROKEN, key, "this version cannot read it"),))))
                continue
            try:
                question = self._release.question({**data, "event": event.fields()}, subject, at)
                heard = hear(plan, event, question)
            except Exception as error:  # noqa: BLE001  the caller's values can raise anything; the till goes on
                note = Diagnostic("GENERAL", key, f"{type(error).__name__} while looking at '{event.name}'")
                heard = Heard(at, diagnostics=(note,))
            if heard is not None:
                found.append((key, heard))
        return tuple(found)

    def _events(self, key: str) -> frozenset[str]:
        try:
            entry = self._entry(key)
            return frozenset([str(entry["on"]), *(event for event, _ in cancelling(entry.get("unless")))])
        except (AttributeError, LookupError, RecursionError, TypeError, ValueError):
            return frozenset()

    def _entry(self, key: str) -> JsonObject:
        return cast("JsonObject", loads(self._release.bundle.entry("trigger", key) or b"{}"))
