"""Which offers a placement considers: by tag, by list, and those that a recommendation model names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from nearwise_rules.models.neighbours import Neighbours

if TYPE_CHECKING:
    from nearwise_rules.decide.offers import OfferPlan
    from nearwise_rules.decide.release import Release
    from nearwise_rules.decide.visits import Visit
    from nearwise_rules.documents import JsonObject


class Candidates:
    """The candidates of one placement. `offers`: all that can ever be; with a model, a visit has only some of them."""

    __slots__ = ("_by_item", "_key", "_listed", "_model", "offers", "reads")

    def __init__(self, document: JsonObject, release: Release) -> None:
        tags, listed = (
            set(cast("list[str]", document.get("tags") or ())),
            cast("list[str]", document.get("offers") or ()),
        )
        first = release.catalogue.offers(listed)
        tagged = [offer for offer in release.catalogue.offers() if tags & set(offer.tags)] if tags else []
        self._listed = dict.fromkeys([*first, *tagged])
        self._key = str(document.get("model"))
        model = release.model(self._key) if document.get("model") is not None else None
        self._model = model if isinstance(model, Neighbours) else None
        self._by_item: dict[str, list[OfferPlan]] = {}
        for offer in release.catalogue.offers() if self._model is not None else ():
            item = self._model.item_of(offer.properties) if self._model is not None else None
            if item is not None:
                self._by_item.setdefault(item, []).append(offer)
        recommended = [offer for offers in self._by_item.values() for offer in offers]
        self.offers = tuple(dict.fromkeys([*first, *tagged, *recommended]))
        self.reads = frozenset[str]() if self._model is None else frozenset(self._model.reads)

    def named(self, visit: Visit) -> Mapping[OfferPlan, None] | None:
        """The candidates of this visit in their order: those listed, by tag, recommended; None when it is all."""
        model = self._model
        if model is None:
            return None
        if model.mask & ~visit.granted:
            return self._listed
        items = model.ranked(visit.data)
        recommended = [offer for item in items for offer in self._by_item.get(item, ())]
        return dict.fromkeys([*self._listed, *recommended])
