"""The offers of one release and what holds for all of them: made on first use, shared by all placements."""

from __future__ import annotations

from collections.abc import Iterable
from json import loads
from typing import TYPE_CHECKING, cast

from nearwise_rules.content import Locales
from nearwise_rules.decide.gates import CapGate, tag_series
from nearwise_rules.decide.offers import OfferPlan
from nearwise_rules.decide.placements import PlacementPlan, PlacementResolver
from nearwise_rules.decide.reading import Reading
from nearwise_rules.decide.visits import Visit
from nearwise_rules.errors import BundleRefused, DocumentError, Refusal
from nearwise_rules.schedules import StoreCalendar, compile_schedule
from nearwise_rules.windows import Calendar

if TYPE_CHECKING:
    from nearwise_rules.decide.question import Question
    from nearwise_rules.decide.release import Release
    from nearwise_rules.documents import Json, JsonObject
    from nearwise_rules.schedules import Schedule

UNUSABLE = (DocumentError, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What making something of an entry that does not have its shape can raise."""

_MOST_READINGS = 256
"""So many combinations of placements are kept ready: an app that asks for ever other ones makes them anew."""


def check_settings(settings: JsonObject) -> None:
    """Refuse settings that no catalogue can be made of.

    Raises:
        BundleRefused: day parts, holidays or locales that this version cannot read.
    """
    try:
        StoreCalendar.of(settings)
        Locales.of(settings)
    except UNUSABLE as error:
        text = f"day parts, holidays or locales that cannot be used: {error}"
        raise BundleRefused(Refusal.UNSUPPORTED_FORMAT, text) from None


class Catalogue:
    """Offers, placements, the caps over several offers, the calendar of the store and the locales of its texts."""

    def __init__(self, release: Release) -> None:
        self._release = release
        # Offers and gates are compared by identity: of what two threads make at a time, both take the first.
        self._offers: dict[str, OfferPlan | None] = {}
        self._placements: dict[str, PlacementResolver | None] = {}
        self._readings: dict[tuple[str, ...], Reading] = {}
        self.calendar = Calendar(release.zone)
        self.store_calendar = StoreCalendar.of(release.settings)
        self.locales = Locales.of(release.settings)
        self.contact_caps = tuple(self._caps())

    def _caps(self) -> Iterable[tuple[str | None, CapGate]]:
        """Tag and gate of each cap. One that cannot be used lets nothing in: nobody knows whom it was to protect."""
        for key in self._release.bundle.keys("cap"):
            try:
                cap = cast("JsonObject", loads(self._release.bundle.entry("cap", key) or b"{}"))
                tag = None if cap.get("tag") is None else str(cap["tag"])
                named = " on all offers" if tag is None else f" on tag {tag}"
                made = tag, CapGate(cap, named, "" if tag is None else tag_series(tag))
            except UNUSABLE:
                made = None, CapGate({"limit": 0}, f" {key}, which cannot be used", "")
            yield made

    def schedule(self, document: Json) -> Schedule:
        """When something is open, in the store's zone, with the day parts and holidays of the rule set."""
        return compile_schedule(document, self.store_calendar)

    def offer(self, key: str) -> OfferPlan | None:
        """The offer of a key; None when the bundle has none of that key, or one that cannot be used."""
        if key not in self._offers:
            body = self._release.bundle.entry("offer", key)
            try:
                made = None if body is None else OfferPlan(key, cast("JsonObject", loads(body)), self._release)
            except UNUSABLE:
                made = None
            return self._offers.setdefault(key, made)
        return self._offers[key]

    def offers(self, keys: Iterable[str] | None = None) -> tuple[OfferPlan, ...]:
        """The usable offers of these keys in their order; all of them, by key, when None."""
        wanted = self._release.bundle.keys("offer") if keys is None else keys
        return tuple([offer for key in wanted if (offer := self.offer(key)) is not None])

    def placement(self, key: str) -> PlacementResolver | None:
        """The placement of a key; None when the bundle has none of that key, or one that cannot be used."""
        if key not in self._placements:
            body = self._release.bundle.entry("placement", key)
            try:
                plan = None if body is None else PlacementPlan(key, cast("JsonObject", loads(body)), self._release)
            except UNUSABLE:
                plan = None
            made = None if plan is None else PlacementResolver(plan, self._release)
            return self._placements.setdefault(key, made)
        return self._placements[key]

    def visit(self, keys: tuple[str, ...], question: Question) -> Visit:
        """What the placements of these keys share while they answer one question."""
        reading = self._readings.get(keys)
        if reading is None:
            plans = [found.plan.reads for key in keys if (found := self.placement(key)) is not None]
            if len(self._readings) >= _MOST_READINGS:
                self._readings = {}
            reading = self._readings[keys] = Reading(frozenset[str]().union(*plans), self._release)
        return Visit(self._release, question, reading, keys[0])

    def visit_after(self, taken: Iterable[str], key: str, question: Question) -> Visit:
        """The visit of one placement when earlier ones of the same call show these offers."""
        visit = self.visit((key,), question)
        visit.take(self.offers(taken))
        return visit
