"""One offer, ready to be a candidate: its conditions, its gates, the parts of its score, its content."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, cast

from nearwise_rules.consent import purposes_mask
from nearwise_rules.content import compile_content
from nearwise_rules.decide.gates import (
    BudgetGate,
    CapGate,
    CooldownGate,
    Gate,
    SuppressionGate,
    offer_series,
)
from nearwise_rules.decide.parts import PARTS, Formula, Part, asks_of_candidate, reads_candidate
from nearwise_rules.history import series_key
from nearwise_rules.logic import parse
from nearwise_rules.logic.tree import Literal
from nearwise_rules.logic.values import truthy
from nearwise_rules.schedules import Opening

if TYPE_CHECKING:
    from nearwise_rules.decide.release import Release
    from nearwise_rules.decide.visits import Visit
    from nearwise_rules.documents import Json, JsonObject


class OfferPlan:
    """An offer of one release, shared by all its placements. Compared by identity."""

    __slots__ = (
        "_attributes",
        "_eligible",
        "_never",
        "_of_candidate",
        "_opening",
        "_release",
        "claims",
        "content",
        "described",
        "gates",
        "held",
        "key",
        "mask",
        "parts",
        "properties",
        "reads",
        "schedule",
        "shared",
        "tags",
    )

    def __init__(self, key: str, entry: JsonObject, release: Release) -> None:
        self.key = key
        self._release = release
        self.tags = tuple(dict.fromkeys(cast("list[str]", entry.get("tags") or ())))
        self.properties = cast("Mapping[str, Json]", entry.get("properties") or {})
        self.described: dict[str, Json] = {
            "key": key,
            "tags": list(self.tags),
            "properties": dict(self.properties),
            "value": entry.get("value") if isinstance(entry.get("value"), int | float) else None,
        }
        self.mask = purposes_mask(cast("list[str]", entry.get("purposes") or ()))
        self.parts = {name: Part(name, entry[name], release) for name in PARTS if entry.get(name) is not None}
        when = entry.get("when")
        self.schedule = None if when is None else release.catalogue.schedule(when)
        self._opening = (float("inf"), Opening(True, float("-inf")))
        self.content = compile_content(entry, release.catalogue.locales)
        self.gates: tuple[Gate, ...] = tuple(_gates(self, entry, release))
        self.shared = tuple([gate for tag, gate in release.catalogue.contact_caps if tag is None or tag in self.tags])
        self.claims: tuple[object, ...] = (*self.tags, *self.shared)
        self.held = tuple(_held((*self.gates, *self.shared)))
        self._plan_eligibility(entry)
        self.reads = frozenset[str]().union(
            *[part.reads for part in self.parts.values()], self._reads(), self.content.reads
        )

    def _plan_eligibility(self, entry: JsonObject) -> None:
        release = self._release
        expression = parse(entry.get("eligible", True), dialect=release.dialect, types=release.attributes)
        constant = isinstance(expression.root, Literal) and truthy(expression.root.value)
        self._never = entry.get("enabled") is False
        self._eligible = None if constant else Formula(expression)
        self._attributes = asks_of_candidate(self._reads(), release)
        self._of_candidate = bool(self._attributes) or reads_candidate(self._reads())

    def _reads(self) -> frozenset[str]:
        return frozenset() if self._eligible is None else self._release.reads(self._eligible.expression)

    @property
    def condition(self) -> Formula | None:
        """Its eligibility; None when everybody is eligible."""
        return self._eligible

    @property
    def is_disabled(self) -> bool:
        """Whether its author switched it off."""
        return self._never

    def is_open(self, at: float) -> bool:
        """Whether its schedule lets it be shown at this time."""
        if self.schedule is None:
            return True
        since, opening = self._opening
        if not since <= at < opening.until:
            opening = self.schedule.at(at)
            self._opening = (at, opening)
        return opening.open

    def is_eligible(self, visit: Visit) -> bool:
        """Whether its condition holds, asked once in a visit."""
        if self._eligible is None:
            return True
        known = visit.eligible.get(self)
        if known is None:
            known = visit.eligible[self] = truthy(self._eligible.value(self.data(visit), visit.run))
        return known

    def data(self, visit: Visit) -> Mapping[str, object]:
        """The data that its condition sees."""
        return visit.data_of(self, self._attributes) if self._of_candidate else visit.data

    def is_held_back(self, visit: Visit, slot: str) -> bool:
        """Whether a gate of its own keeps it back in this slot."""
        for gate in self.gates:  # noqa: SIM110  a generator would cost as much as the gates
            if gate.blocks(visit, slot):
                return True
        return False


def _gates(plan: OfferPlan, entry: JsonObject, release: Release) -> Iterator[Gate]:
    series = offer_series(plan.key)
    for suppression in cast("list[JsonObject]", entry.get("suppress") or ()):
        yield from _suppressions(suppression, plan.properties)
    if isinstance(entry.get("cooldown"), dict):
        yield CooldownGate(cast("JsonObject", entry["cooldown"]), series)
    for cap in cast("list[JsonObject]", entry.get("caps") or ()):
        yield CapGate(cap, "", series)
    if isinstance(entry.get("budget"), dict):
        yield BudgetGate(cast("JsonObject", entry["budget"]), plan.key, series, release.bucketing)


def _suppressions(suppression: JsonObject, properties: Mapping[str, Json]) -> Iterator[Gate]:
    """One gate for each value of the property that is matched; an offer without the property is not suppressed."""
    where = dict(cast("JsonObject", suppression.get("where") or {}))
    match = cast("list[str]", suppression.get("match") or ())
    if any(properties.get(name) is None for name in match):
        return
    for chosen in _combinations(match, properties):
        wanted = {**where, **chosen}
        words = f" with {', '.join(f'{name} {value}' for name, value in wanted.items())}" if wanted else ""
        yield SuppressionGate(suppression, series_key(wanted) if wanted else "", words)


def _combinations(names: list[str], properties: Mapping[str, Json]) -> Iterator[dict[str, Json]]:
    if not names:
        yield {}
        return
    first, *rest = names
    value = properties.get(first)
    for each in value if isinstance(value, list) else [value]:
        for further in _combinations(rest, properties):
            yield {first: each, **further}


def _held(gates: Iterable[Gate]) -> Iterator[tuple[str, str]]:
    """(owner, series) of the exposures that a decision reserves until it is shown."""
    for gate in gates:
        if isinstance(gate, CapGate) and gate.event == "exposure":
            yield gate.per, gate.key
        elif isinstance(gate, BudgetGate) and gate.counts_exposures:
            yield "device", gate.key
