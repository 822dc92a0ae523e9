"""What a decision answered, in a form that is compared bit for bit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from nearwise_rules.bundle.canonical import canonical_json
from nearwise_rules.bundle.hashing import sha256
from nearwise_rules.replay.members import map_of, maybe_text, member, number, rows_of

if TYPE_CHECKING:
    from nearwise_rules.decide.decision import Decision
    from nearwise_rules.decide.items import Item
    from nearwise_rules.documents import Json

_DIGEST_CHARACTERS = 32


class AnsweredItem(NamedTuple):
    """One item of a placement, in its place."""

    offer: str
    score: float | None
    is_fallback: bool


class Answer(NamedTuple):
    """What is particular to a decision. `digest` is that of its value: 16 bytes of the SHA-256 of its canonical JSON.

    Without a variant the value is the caller's own, so there is no digest. `items` is None for a flag.
    """

    variant: str | None
    reason: str
    rule: str | None = None
    experiment: str | None = None
    propensity: float | None = None
    new: bool | None = None
    override: bool = False
    cell: Mapping[str, str] | None = None
    error: str | None = None
    items: tuple[AnsweredItem, ...] | None = None
    digest: str | None = None

    @staticmethod
    def of(decision: Decision) -> Answer:
        """The answer of a decision."""
        part, items = decision.participation, decision[1]
        return Answer(
            variant=decision.variant,
            reason=decision.reason.value,
            rule=decision.rule,
            experiment=decision.experiment,
            propensity=decision.propensity,
            new=decision.new,
            override=part is not None and part.override,
            cell=None if decision.cell is None else dict(decision.cell),
            error=None if decision.error_code is None else decision.error_code.value,
            items=tuple([_answered(item) for item in items]) if isinstance(items, tuple) else None,
            digest=None if decision.variant is None else digest_of(decision.value),
        )

    def to_members(self) -> dict[str, Json]:
        """The answer as a map, without what it has not."""
        members: dict[str, Json] = {
            "variant": self.variant,
            "reason": self.reason,
            "rule": self.rule,
            "experiment": self.experiment,
            "propensity": self.propensity,
            "new": self.new,
            "override": self.override or None,
            "cell": None if self.cell is None else dict(self.cell),
            "error": self.error,
            "items": None if self.items is None else [list(item) for item in self.items],
            "digest": self.digest,
        }
        return {name: value for name, value in members.items() if value is not None}

    @staticmethod
    def from_members(members: Mapping[str, object]) -> Answer:
        """The answer that `to_members` wrote.

        Raises:
            ValueError: it is none.
        """
        propensity, cell, items = members.get("propensity"), members.get("cell"), members.get("items")
        return Answer(
            variant=maybe_text(members, "variant"),
            reason=member(members, "reason", str),
            rule=maybe_text(members, "rule"),
            experiment=maybe_text(members, "experiment"),
            propensity=None if propensity is None else number(propensity, "propensity"),
            new=None if members.get("new") is None else member(members, "new", bool),
            override=member(members, "override", bool, False),
            cell=None if cell is None else {name: str(level) for name, level in map_of(members, "cell").items()},
            error=maybe_text(members, "error"),
            items=None if items is None else tuple([_item(row) for row in rows_of(items, "items", 3)]),
            digest=maybe_text(members, "digest"),
        )


def digest_of(value: Json) -> str:
    """The digest of a value in answers."""
    return sha256(canonical_json(value)).hexdigest()[:_DIGEST_CHARACTERS]


def _answered(item: Item) -> AnsweredItem:
    return AnsweredItem(item.key, item.score, item.is_fallback)


def _item(row: list[Json]) -> AnsweredItem:
    offer, score, is_fallback = row
    if not isinstance(offer, str) or not isinstance(is_fallback, bool):
        raise ValueError("an item is an offer, a score and whether it is a fallback")
    return AnsweredItem(offer, None if score is None else number(score, "score"), is_fallback)
