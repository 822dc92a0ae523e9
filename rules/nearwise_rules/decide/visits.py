"""A visit: one question to one or more placements, and what they share: data, ledgers, what is shown already."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from nearwise_rules.decide.reading import remembered
from nearwise_rules.decide.splits import bucket_key
from nearwise_rules.decide.surroundings import place_of
from nearwise_rules.logic.values import at_path

if TYPE_CHECKING:
    from nearwise_rules.decide.attributes import Declared
    from nearwise_rules.decide.gates import CapGate
    from nearwise_rules.decide.offers import OfferPlan
    from nearwise_rules.decide.parts import Part
    from nearwise_rules.decide.question import Question
    from nearwise_rules.decide.reading import Reading
    from nearwise_rules.decide.release import Release
    from nearwise_rules.history import Ledger
    from nearwise_rules.logic import Run


class Visit:
    """What the placements of one call share. Made for the call and never kept."""

    __slots__ = (
        "at",
        "data",
        "device",
        "eligible",
        "granted",
        "ledgers",
        "locale",
        "memo",
        "pending",
        "question",
        "release",
        "run",
        "used",
    )

    def __init__(self, release: Release, question: Question, reading: Reading, key: str) -> None:
        self.release = release
        self.question = question
        self.at = question.at
        self.data: Mapping[str, object] = reading.data(question, key)
        self.run: Run = release.run(key, question)
        known = question.surroundings
        self.granted = known.granted
        self.device = known.device
        self.ledgers: tuple[Ledger | None, Ledger | None] = (question.ledger(), question.ledger("device"))
        self.eligible: dict[OfferPlan, bool] = {}
        self.memo: dict[Part, float | None] = {}
        self.pending: dict[CapGate, int] = {}
        self.used: set[str] = set()
        locale = self.look_up("device.locale")
        self.locale = locale if isinstance(locale, str) else None

    def shared_value(self, part: Part) -> float | None:
        """The value of a part that is the same for all candidates, worked out once in a visit."""
        memo = self.memo
        if part not in memo:
            memo[part] = part.value(self.data, self.run)
        return memo[part]

    def look_up(self, name: str) -> object:
        """The value of an attribute by its dotted name; None where there is none."""
        return at_path(self.data, name.split("."))

    def take(self, offers: Iterable[OfferPlan]) -> None:
        """Note what a placement shows, so that the next ones of this call neither repeat it nor exceed a cap by it."""
        for offer in offers:
            self.used.add(offer.key)
            for gate in offer.shared:
                self.pending[gate] = self.pending.get(gate, 0) + 1

    @property
    def subject_key(self) -> str | None:
        """What is hashed for the subject; None for a subject that cannot be hashed."""
        return bucket_key(self.question.subject)

    def place(self, slot: str, per: str) -> str:
        """Whose reservations are this visit's own: the slot's, on the device only those for this subject."""
        return place_of(slot, per, self.question.subject)

    def ledger(self, per: str) -> Ledger | None:
        """What is remembered of the subject, or of the device."""
        return self.ledgers[per == "device"]

    def data_of(self, offer: OfferPlan, attributes: tuple[Declared, ...]) -> Mapping[str, object]:
        """The data with a candidate in it, and the history attributes that ask about the candidate, unless the
        caller gave them.
        """
        data = {**self.data, "offer": offer.described}
        for each in attributes:
            if each.mask & ~self.granted or at_path(data, each.path) is not None:
                continue
            value = remembered(each, data, self.question)
            if value is not None:
                data = nested(data, each.path, value)
        return data


def nested(data: Mapping[str, object], path: tuple[str, ...], value: object) -> dict[str, object]:
    """A copy of the data with a value at a path."""
    first, *rest = path
    if not rest:
        return {**data, first: value}
    below = data.get(first)
    inner: Mapping[str, object] = below if isinstance(below, Mapping) else {}  # pyright: ignore[reportUnknownVariableType]
    return {**data, first: nested(inner, tuple(rest), value)}
