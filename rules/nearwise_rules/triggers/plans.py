"""From a trigger's entry to its plan: conditions parsed, times in seconds, and what a wait has to keep."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Collection, Iterable, Mapping, MutableMapping
from typing import TYPE_CHECKING, cast

from nearwise_rules.consent import purposes_mask
from nearwise_rules.decide.ambient import AMBIENT, SINCE
from nearwise_rules.decide.flags import FlagResolver, Split
from nearwise_rules.decide.reading import Reading
from nearwise_rules.logic import Expression, parse
from nearwise_rules.triggers.payloads import Channel, reads_in, template_of
from nearwise_rules.windows import Calendar, Window, parse_duration, parse_window

if TYPE_CHECKING:
    from nearwise_rules.decide.release import Release
    from nearwise_rules.documents import Json, JsonObject

EVENT_TYPES: Mapping[str, str] = {"event.name": "string", "event.value": "number", "event.properties": "object"}
"""What the conditions and the payload of a trigger can read of the event, and its type."""

EXPIRES = "24h"


class Often:
    """So many times within a window."""

    __slots__ = ("count", "window")

    def __init__(self, document: JsonObject) -> None:
        self.count = max(1, int(cast("int", document["count"])))
        self.window: Window = parse_window(str(document["window"]))


class TriggerPlan:
    """One trigger of one release, ready to be asked. Durations are in seconds; `cancels` are events and conditions."""

    __slots__ = (
        "calendar",
        "cancels",
        "channel",
        "cooldown",
        "enabled",
        "expires",
        "kept",
        "key",
        "limit",
        "mask",
        "on",
        "payload",
        "reading",
        "release",
        "times",
        "wait",
        "when",
        "when_due",
    )

    def __init__(self, key: str, entry: JsonObject, release: Release) -> None:
        """Make the plan.

        Raises:
            DocumentError: a condition does not parse.
            KeyError, TypeError, ValueError, AttributeError: the entry does not have the shape of a trigger.
        """
        types = ChainMap(dict(EVENT_TYPES), cast("MutableMapping[str, str]", release.attributes))

        def read(rule: Json) -> Expression:
            return parse(rule, dialect=release.dialect, types=types)

        self.key = key
        self.release = release
        self.calendar = Calendar(release.zone)
        self.on = str(entry["on"])
        self.enabled = entry.get("enabled", True) is True
        self.when = read(entry.get("when", True))
        self.cancels = tuple([(event, read(where)) for event, where in cancelling(entry.get("unless"))])
        self.wait = _seconds(entry.get("wait"))
        self.times = _often(entry.get("times"))
        self.cooldown = _seconds(entry.get("cooldown"))
        self.limit = _often(entry.get("limit"))
        self.when_due = read(entry.get("when_due", True))
        self.payload = template_of(cast("Json", entry.get("payload") or {}), read)
        self.channel = Channel(entry.get("channel"), read, release)
        self.expires = _seconds(entry.get("expires") or EXPIRES)
        self.mask = purposes_mask(cast("list[str]", entry.get("purposes") or ()))
        late = (self.when_due, *reads_in(self.payload), *self.channel.rules)
        asked = (self.when, *(where for _, where in self.cancels), *late)
        self.reading = Reading([name for rule in asked for name in release.reads(rule)], release)
        self.kept = frozenset(filter(_is_kept, needed(late, release)))

    @property
    def events(self) -> tuple[str, ...]:
        """The events that this trigger listens to."""
        return (self.on, *(event for event, _ in self.cancels))


def cancelling(unless: Json) -> list[tuple[str, Json]]:
    """The events that cancel a wait, each with its condition: `unless` is one or a list, each a name or a map."""
    given = unless if isinstance(unless, list) else [] if unless is None else [unless]
    return [
        (str(each["event"]), each.get("where", True)) if isinstance(each, dict) else (str(each), True) for each in given
    ]


def needed(rules: Iterable[Expression], release: Release) -> frozenset[str]:
    """The attributes that these rules can read, through segments, models, flags and what history is asked about too."""
    names, seen, waiting = set[str](), set[tuple[str, str]](), list(rules)
    while waiting:
        current = waiting.pop()
        names.update(release.reads(current))
        for key in _fresh("segment", current.segments, seen):
            inner = release.segment(key)
            waiting.extend(() if inner is None else (inner,))
        flags = _fresh("flag", current.flags, seen)
        while flags:
            resolver = release.resolver(flags.pop())
            if isinstance(resolver, FlagResolver):
                plan = resolver.plan
                waiting.extend(plan.conditions)
                names.update(served.by for served in plan.served if isinstance(served, Split))
                flags += _fresh("flag", [flag for flag, _ in plan.requires], seen)
    measures = [each.measure for each in release.attributes.touched(names) if each.measure is not None]
    return frozenset(names).union(*(measure.reads for measure in measures))


def _fresh(kind: str, keys: Collection[str], seen: set[tuple[str, str]]) -> list[str]:
    fresh = [key for key in keys if (kind, key) not in seen]
    seen.update((kind, key) for key in fresh)
    return fresh


def _is_kept(name: str) -> bool:
    """Whether a wait keeps the value: not of what is looked up again when the action is due."""
    return name.split(".", 1)[0] not in AMBIENT and not name.startswith(SINCE)


def _seconds(given: Json) -> float:
    return 0.0 if given is None else parse_duration(str(given))


def _often(given: Json) -> Often | None:
    return None if given is None else Often(cast("JsonObject", given))
