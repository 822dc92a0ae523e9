"""The terms on which a bundle uses what it knows: what is granted to everybody, and what each event needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from json import loads
from typing import TYPE_CHECKING, NamedTuple, cast

from nearwise_rules.consent import UNKNOWN_PURPOSE, purposes_mask
from nearwise_rules.decide.surroundings import Surroundings
from nearwise_rules.windows import parse_duration

if TYPE_CHECKING:
    from nearwise_rules.bundle import Bundle
    from nearwise_rules.documents import Join, JsonObject

_EVERY_OTHER = "*"
_RECORDED, _ANALYSE = "decision", purposes_mask(["analyse"])


class EventTerms(NamedTuple):
    """What an event needs to be stored: a mask of purposes. `retention_seconds`: how long it is remembered."""

    mask: int = 0
    retention_seconds: float = float("inf")


class Terms:
    """What a bundle says about consent; events are read when they are first asked for.

    `granted` is the mask of purposes that everybody grants until he objects. `policy` names what subjects agree to.
    `recorded`: so many basis points of the decisions are to be recorded.
    """

    __slots__ = ("_bundle", "_events", "_surroundings", "granted", "honours_gpc", "join", "policy", "recorded")

    def __init__(self, bundle: Bundle, settings: JsonObject) -> None:
        consent, anonymous = _map(settings.get("consent")), _map(settings.get("anonymous"))
        policy = consent.get("policy")
        self.policy = policy if isinstance(policy, str) else None
        self.granted = purposes_mask(cast("list[str]", consent.get("granted") or ())) & ~UNKNOWN_PURPOSE
        self.honours_gpc = consent.get("gpc") is not False
        self.join = cast("Join", anonymous.get("join", "consented"))
        self.recorded = round(cast("float", _map(settings.get("recording")).get("percent") or 0) * 100)
        self._bundle = bundle
        self._events: dict[str, EventTerms] = {}
        self._surroundings = Surroundings(granted=self.granted)

    def event(self, name: str) -> EventTerms:
        """The terms of an event: its own, else those of `*`, else none; `decision` then needs `analyse` in any case."""
        found = self._events.get(name)
        if found is None:
            own = self._bundle.entry("event", name)
            found = _event_terms(_map(loads(own or self._bundle.entry("event", _EVERY_OTHER) or b"{}")))
            if own is None and name == _RECORDED:
                found = found._replace(mask=found.mask | _ANALYSE)
            if len(self._events) < _EVENTS_KEPT:
                self._events[name] = found
        return found

    def retention(self, event: str) -> float:
        """The seconds for which an event is remembered."""
        return self.event(event).retention_seconds

    @property
    def forgetting(self) -> Callable[[str], float] | None:
        """The same as a function; None when everything is remembered for ever."""
        limited = any(self.retention(name) < float("inf") for name in self._bundle.keys("event"))
        return self.retention if limited else None

    def surround(self, _subject: object) -> Surroundings:
        """The surroundings of a subject of whom nothing is known but what everybody grants."""
        return self._surroundings


_EVENTS_KEPT = 1000
"""Names of events come from apps: no more of them are remembered."""


def _event_terms(document: JsonObject) -> EventTerms:
    mask, retention = purposes_mask(cast("list[str]", document.get("purposes") or ())), document.get("retention")
    return EventTerms(mask, parse_duration(retention)) if isinstance(retention, str) else EventTerms(mask)


def _map(value: object) -> JsonObject:
    return cast("JsonObject", value) if isinstance(value, Mapping) else {}
