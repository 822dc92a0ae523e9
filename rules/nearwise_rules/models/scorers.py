"""What a model is to those who ask it, and how one is made of its document."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from nearwise_rules.documents import JsonObject


Sums: TypeAlias = "dict[Scorer, float]"
"""By scorer, what all candidates of a visit have in common."""


class Scorer(Protocol):
    """A compiled model. `mask`: the purposes it needs; `fallback`: its score without them, and where it has none."""

    mask: int
    fallback: float
    reads: tuple[str, ...]

    def score(self, data: Mapping[str, object], sums: Sums | None = None) -> float:
        """The score for these data: finite, whatever they hold.

        `sums` holds, by scorer, what is the same for data that differ in the candidate only.
        """
        ...


def compile_model(document: JsonObject, of_candidate: Callable[[str], bool]) -> Scorer:
    """Make a model of its document. `of_candidate` tells features that ask about the candidate beside `offer...`.

    Raises:
        ValueError, KeyError, TypeError: the document does not have the shape of a model.
    """
    made = _made(document, of_candidate)
    if not isfinite(made.fallback):
        raise ValueError("the fallback of a model is a finite number")
    return made


def _made(document: JsonObject, of_candidate: Callable[[str], bool]) -> Scorer:
    kind = document.get("kind")
    if kind == "linear":
        from nearwise_rules.models.linear import Linear

        return Linear(document, of_candidate)
    if kind == "neighbours":
        from nearwise_rules.models.neighbours import Neighbours

        return Neighbours(document)
    raise ValueError(f"a model of kind {kind!r} is not known to this version")
