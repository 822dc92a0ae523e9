"""Items: what a placement shows, one offer at one position of one decision. Values that never change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from nearwise_rules.decide.decision import Outcome
    from nearwise_rules.decide.offers import OfferPlan
    from nearwise_rules.documents import Json


class Origin(NamedTuple):
    """The decision that items come from: its outcome, its clock, its subject and its owner."""

    outcome: Outcome
    at: float
    subject: object
    owner: object


class Shown(NamedTuple):
    """What is particular to one item: its score (None for a fallback), its place, whether it fills an empty slot."""

    score: float | None
    position: int
    is_fallback: bool


class Item(tuple["OfferPlan", "dict[str, Json]", Shown, Origin, "list[object]"]):
    """One offer that a placement shows.

    A tuple underneath: (offer, content, shown, origin, marks). `marks` is a list that belongs to the caller that asked
    (the SDK notes there what has been reported).
    """

    __slots__ = ()

    @property
    def offer(self) -> OfferPlan:
        """The offer, as its release has it."""
        return self[0]

    @property
    def key(self) -> str:
        """The key of the offer."""
        return self[0].key

    @property
    def value(self) -> dict[str, Json]:
        """The content of the offer in the locale of the question: field -> text, number, boolean or asset."""
        return {name: dict(value) if isinstance(value, dict) else value for name, value in self[1].items()}

    @property
    def score(self) -> float | None:
        """What it was ranked by, in money; None for a fallback and for policies that do not score."""
        return self[2].score

    @property
    def position(self) -> int:
        """Its place in the placement, from 0."""
        return self[2].position

    @property
    def is_fallback(self) -> bool:
        """Whether it is shown because nothing could be ranked."""
        return self[2].is_fallback

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags of the offer."""
        return self[0].tags

    @property
    def properties(self) -> Mapping[str, Json]:
        """What the offer advertises."""
        return self[0].properties

    @property
    def placement(self) -> str:
        """The key of the placement."""
        return self[3].outcome.flag

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.key!r}, score={self.score}, position={self.position})"
