"""What the rules of one key can look at: the data, signals, traits, history and assignments that its decisions read.

Everything that could be asked, not what one decision asked: rules stop at the first answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from json import loads
from typing import TYPE_CHECKING, TypeAlias, cast

from nearwise_rules.decide.ambient import AMBIENT, SINCE
from nearwise_rules.decide.flags import Choice, FlagPlan, FlagResolver
from nearwise_rules.decide.gates import offer_series
from nearwise_rules.decide.remembering import need_gates
from nearwise_rules.decide.trials import Trial
from nearwise_rules.history import HistoryPlan, Need, series_key
from nearwise_rules.history.keys import key_parts, name_part, summed_key

if TYPE_CHECKING:
    from nearwise_rules.decide.attributes import Declared
    from nearwise_rules.decide.offers import OfferPlan
    from nearwise_rules.decide.parts import Part
    from nearwise_rules.decide.placements import PlacementPlan
    from nearwise_rules.decide.release import Release
    from nearwise_rules.documents import JsonObject
    from nearwise_rules.logic import Expression

Wanted: TypeAlias = "Mapping[str, Wanted | None]"
"""The parts of a map that can be read: under each name the parts below it, None for all of it."""

_Shape: TypeAlias = "tuple[str, frozenset[str]]"
"""An event, and the names in the keys under which it is filed."""


def sight_of(release: Release, key: str) -> Sight:
    """What the rules of a flag or a placement can look at, worked out once."""
    found = release.sights.get(key)
    if found is None:
        found = release.sights[key] = Sight(key, release)
    return found


class Sight:
    """What one key of a release can look at. Never changes.

    `wanted`: the data, None for all of them. `attributes`: those whose value can depend on consent or on what is known
    beside the data. `ages`: signals of which the age is read. `experiments`: those whose assignments count.
    `names_device`: whether a budget tells devices apart.
    """

    __slots__ = (
        "_gated", "_kept", "_measured", "_own", "ages", "attributes", "experiments", "names", "names_device", "wanted",
    )  # fmt: skip

    def __init__(self, key: str, release: Release) -> None:
        survey = _Survey(release)
        survey.look_at(key)
        self.attributes: tuple[Declared, ...] = release.attributes.touched(survey.names)
        reads = [name for each in self.attributes if each.measure is not None for name in each.measure.reads]
        outside = (*survey.provided(), *(survey.candidates() if survey.offers else ()))
        self.names = frozenset({*survey.names, *reads}.difference(outside))
        self.wanted = _wanted(self.names)
        self.ages = tuple(sorted(name.removeprefix(SINCE) for name in self.names if name.startswith(SINCE)))
        self.experiments = frozenset(survey.experiments)
        self._measured, self._gated = HistoryPlan(), HistoryPlan()
        for each in self.attributes:
            if each.measure is not None:
                self._measured.serve(each.measure, each.mask)
        keys, caps = [offer.key for offer in survey.offers], release.catalogue.contact_caps
        if survey.placements:
            need_gates(self._gated, release, survey.placements, keys)
        self._own = {
            frozenset({name_part("offer")}): frozenset(map(offer_series, keys)),
            frozenset({name_part("placement")}): frozenset(series_key({"placement": key}) for key in survey.placements),
            frozenset({name_part("tag")}): frozenset(gate.key for tag, gate in caps if tag is not None),
        }
        self.names_device = any(_has_quotas(release, key) for key in keys)
        self._kept: dict[tuple[str, int], tuple[frozenset[_Shape], frozenset[_Shape]]] = {}

    def remembers(self, per: str, granted: int) -> Callable[[str, str], bool]:
        """Tells of which event and key of a ledger something can be asked under a consent.

        Of what is filed by offer, placement or tag, only that of the candidates, the placement itself, the capped tags.
        """
        shapes = self._kept.get((per, granted))
        if shapes is None:
            shapes = (_shapes(self._measured.view(per, granted)), _shapes(self._gated.view(per, granted)))
            self._kept[(per, granted)] = shapes
        (measured, gated), own = shapes, self._own

        def is_asked(event: str, key: str) -> bool:
            names = frozenset(key_parts(key))
            if (event, names) in measured:
                return True
            return (event, names) in gated and key in own.get(names, (key,))

        return is_asked

    def beyond(self, other: Sight) -> tuple[str, ...]:
        """What this looks at and the other does not: attributes, and `history of EVENT` for caps and pauses."""
        missing = sorted(name or "the whole context" for name in self.names if not other.sees(name))
        asked, known = self._asked(), other._asked()
        return (*missing, *sorted({f"history of {need.event}" for need in asked - known}))

    @property
    def given(self) -> tuple[str, ...]:
        """The attributes that somebody has to give: not the subject, the locale, the age of a signal or history."""
        remembered = {each.name for each in self.attributes if each.measure is not None}
        named = [name for name in self.names if name and not name.startswith(("subject", SINCE))]
        return tuple(sorted({*named} - remembered - {"device.locale"}))

    def sees(self, name: str) -> bool:
        """Whether an attribute is among what is looked at, or lies in it."""
        parts = name.split(".")
        return "" in self.names or any(".".join(parts[:size]) in self.names for size in range(1, len(parts) + 1))

    def _asked(self) -> set[Need]:
        return {need._replace(mask=0) for need in self._gated.needs}


class _Survey:
    """Goes through everything that can have a say in the decisions of a key, its prerequisites included."""

    def __init__(self, release: Release) -> None:
        self._release = release
        self._flags: set[str] = set()
        self.names: set[str] = set()
        self.experiments: set[str] = set()
        self.placements: list[str] = []
        self.offers: dict[OfferPlan, None] = {}

    def look_at(self, key: str) -> None:
        """Take in a flag or a placement."""
        placement = self._release.catalogue.placement(key)
        if placement is None:
            self._flag(key)
        else:
            self._placement(placement.plan)

    def provided(self) -> Iterator[str]:
        """The names that a question gives itself, whatever is in the data."""
        firsts = [name for name in AMBIENT if name != "subject"]
        return (name for name in self.names if name.split(".", 1)[0] in firsts)

    def candidates(self) -> Iterator[str]:
        """The names that are about a candidate."""
        return (name for name in self.names if name.split(".", 1)[0] == "offer")

    def _flag(self, key: str) -> None:
        if key in self._flags:
            return
        self._flags.add(key)
        resolver = self._release.resolver(key)
        if isinstance(resolver, FlagResolver):
            self._rules(resolver.plan)

    def _rules(self, plan: FlagPlan) -> None:
        for condition in plan.conditions:
            self._expression(condition)
        for served in plan.served:
            if isinstance(served, Choice) and served.by != "subject":
                self.names.add(served.by)
            if isinstance(served, Trial):
                self.experiments.update(served.plan.heeded)
        for flag, _ in plan.requires:
            self._flag(flag)

    def _placement(self, plan: PlacementPlan) -> None:
        self.placements.append(plan.key)
        self.offers.update(dict.fromkeys((*plan.offers, *plan.fallback)))
        self.names.update(plan.reads)
        self._rules(plan.resolver.plan)
        for offer in self.offers:
            if offer.condition is not None:
                self._expression(offer.condition.expression)
            self._parts(offer.parts.values())
        for policy in plan.policies.values():
            self._parts(policy.parts.values())

    def _parts(self, parts: Iterable[Part]) -> None:
        for part in parts:
            if part.formula is not None:
                self._expression(part.formula.expression)

    def _expression(self, expression: Expression) -> None:
        self.names.update(self._release.reads(expression))
        for each in self._with_segments(expression):
            for flag in each.flags:
                self._flag(flag)

    def _with_segments(self, expression: Expression) -> Iterator[Expression]:
        seen, waiting = set[str](), [expression]
        while waiting:
            current = waiting.pop()
            yield current
            for key in set(current.segments) - seen:
                seen.add(key)
                inner = self._release.segment(key)
                waiting.extend(() if inner is None else (inner,))


def _wanted(names: frozenset[str]) -> Wanted | None:
    """The tree of dotted names; None when everything is read."""
    return None if "" in names else _tree([tuple(name.split(".")) for name in sorted(names)])


def _tree(paths: Iterable[tuple[str, ...]]) -> Wanted:
    below: dict[str, list[tuple[str, ...]]] = {}
    for first, *rest in paths:
        below.setdefault(first, []).append(tuple(rest))
    return {first: None if () in rests else _tree(rests) for first, rests in below.items()}


def _shapes(plan: HistoryPlan) -> frozenset[_Shape]:
    return frozenset((need.event, frozenset(_names(need))) for need in plan.needs)


def _names(need: Need) -> Iterator[str]:
    """The names in the keys that a need is filed under, as keys write them."""
    yield from map(name_part, need.properties)
    if need.of is not None:
        yield from key_parts(summed_key("", need.of))


def _has_quotas(release: Release, offer: str) -> bool:
    document = cast("JsonObject", loads(release.bundle.entry("offer", offer) or b"{}"))
    return isinstance(document.get("budget"), dict)
