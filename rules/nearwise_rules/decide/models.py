"""The models of one release: made on first use, asked with the consent of the subject."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from json import loads
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from nearwise_rules.decide.question import Question
    from nearwise_rules.decide.release import Release
    from nearwise_rules.models import Scorer, Sums


class Models:
    """Safe from any thread."""

    __slots__ = ("_made", "_release")

    def __init__(self, release: Release) -> None:
        self._release = release
        self._made: dict[str, Scorer | None] = {}

    def model(self, key: str) -> Scorer | None:
        """The model of a key; None when the bundle has none of that key, or one that cannot be used."""
        if key not in self._made:
            body, made = self._release.bundle.entry("model", key), None
            if body is not None:
                from nearwise_rules.models import compile_model

                with suppress(ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
                    made = compile_model(loads(body), self._asks_of_candidate)
            self._made[key] = made
        return self._made[key]

    def _asks_of_candidate(self, name: str) -> bool:
        return any(each.asks_of_candidate for each in self._release.attributes.touched(frozenset([name])))

    def score(self, key: str, data: object, question: Question, sums: Sums) -> float | None:
        """What a model says of these data; its fallback without the consent that it needs. None: no such model.

        `sums` is for data that differ in the candidate only; see `Scorer.score`.
        """
        model = self.model(key)
        if model is None:
            return None
        if model.mask & ~question.surroundings.granted or not isinstance(data, Mapping):
            return model.fallback
        return model.score(cast("Mapping[str, object]", data), sums)
