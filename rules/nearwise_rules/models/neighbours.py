"""Item-to-item recommendations: what goes with the items that are known of a subject."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING, cast

from nearwise_rules.consent import purposes_mask
from nearwise_rules.logic.values import at_path

if TYPE_CHECKING:
    from nearwise_rules.documents import JsonObject
    from nearwise_rules.models.scorers import Sums

MAX_KNOWN = 200
"""So many known items are added up; the rest of a longer list is left alone."""


class Neighbours:
    """Scores an item by the sum of what the known items give it; the contributions explain the score."""

    __slots__ = ("_neighbours", "_path", "_wanted", "fallback", "mask", "most", "reads")

    def __init__(self, document: JsonObject) -> None:
        reads, match = str(document["reads"]), str(document["match"])
        self._wanted = ("offer", "properties", *match.split("."))
        self.reads: tuple[str, ...] = (reads, ".".join(self._wanted))
        self.mask = purposes_mask(cast("list[str]", document.get("purposes") or ()))
        self.fallback = float(cast("float", document.get("fallback") or 0.0))
        self.most = int(cast("int", document.get("most") or 20))
        self._path = tuple(reads.split("."))
        self._neighbours = {
            item: {other: float(cast("float", weight)) for other, weight in others.items()}
            for item, others in cast("dict[str, JsonObject]", document["neighbours"]).items()
        }

    def score(self, data: Mapping[str, object], sums: Sums | None = None) -> float:  # noqa: ARG002
        """The score of the candidate in these data (`offer`)."""
        item = at_path(data, self._wanted)
        if not isinstance(item, str):
            return self.fallback
        total = sum([self._neighbours.get(known, {}).get(item, 0.0) for known in self._known(data)])
        return total if isfinite(total) else self.fallback

    def ranked(self, data: Mapping[str, object]) -> tuple[str, ...]:
        """The `most` items that go best with what is known, best first, ties by name; known items are left out."""
        known, scores = self._known(data), dict[str, float]()
        for item in known:
            for other, weight in self._neighbours.get(item, {}).items():
                scores[other] = scores.get(other, 0.0) + weight
        fresh = [(-score, item) for item, score in scores.items() if item not in known and score > 0]
        return tuple([item for _, item in sorted(fresh)[: self.most]])

    def because(self, data: Mapping[str, object]) -> tuple[tuple[str, float], ...]:
        """What each known item adds to the candidate's score, largest first: they sum to the score."""
        item = at_path(data, self._wanted)
        given = [(known, self._neighbours.get(known, {}).get(str(item), 0.0)) for known in self._known(data)]
        return tuple(sorted([each for each in given if each[1]], key=lambda each: (-each[1], each[0])))

    def item_of(self, properties: Mapping[str, object]) -> str | None:
        """The item that an offer with these properties is about."""
        item = at_path(properties, self._wanted[2:])
        return item if isinstance(item, str) else None

    def _known(self, data: Mapping[str, object]) -> tuple[str, ...]:
        value = at_path(data, self._path)
        if not isinstance(value, list | tuple):
            return ()
        items = [item for item in cast("Sequence[object]", value)[:MAX_KNOWN] if isinstance(item, str)]
        return tuple(dict.fromkeys(items))
