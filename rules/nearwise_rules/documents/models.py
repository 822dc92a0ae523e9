"""Models: small scorers that a device evaluates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from nearwise_rules.documents.values import CLOSED


@dataclass(frozen=True)
class Feature:
    """What one attribute adds: `weight` x (number - `mean`) / `scale`, or the weight of its text among `values`.

    `missing` is added when the attribute has no value, or one that is not among `values`.
    """

    __pydantic_config__: ClassVar[dict[str, object]] = CLOSED
    weight: float | None = None
    mean: float = 0.0
    scale: float = 1.0
    values: Mapping[str, float] | None = None
    missing: float = 0.0


@dataclass(frozen=True)
class Model:
    """A scorer. `linear`: intercept plus features, through `link`. `neighbours`: what goes with what is known.

    A `neighbours` model reads the list attribute `reads`, adds up for each item what its members give it, and scores
    an offer by its property `match`. Without the consent that `purposes` ask for, the score is `fallback`.
    """

    __pydantic_config__: ClassVar[dict[str, object]] = CLOSED
    kind: Literal["linear", "neighbours"]
    intercept: float = 0.0
    features: Mapping[str, Feature] = field(default_factory=dict[str, Feature])
    link: Literal["identity", "logistic"] = "logistic"
    reads: str | None = None
    match: str | None = None
    neighbours: Mapping[str, Mapping[str, float]] | None = None
    most: int = 20
    fallback: float = 0.0
    purposes: tuple[str, ...] = ()
    version: str = ""
    description: str = ""
