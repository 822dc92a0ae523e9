"""Experiments, and the layers in which they exclude each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from nearwise_rules.documents.values import CLOSED


@dataclass(frozen=True)
class RampStep:
    """From `at` on (a date or a time in the store's zone) so many percent take part, at most the `share`."""

    __pydantic_config__: ClassVar[dict[str, object]] = CLOSED
    at: str
    share: float


@dataclass(frozen=True)
class LocalHoldout:
    """A share of an experiment's own subjects kept out on purpose; its salt is its own when none is given."""

    __pydantic_config__: ClassVar[dict[str, object]] = CLOSED
    percent: float
    salt: str | None = None


@dataclass(frozen=True)
class Layer:
    """Experiments of one layer exclude each other. `ranges` is *derived*: (experiment, from, to) in basis points.

    The ranges of one experiment stand in the order in which it got them; one without a share has the range 0 to 0.
    """

    __pydantic_config__: ClassVar[dict[str, object]] = CLOSED
    salt: str | None = None
    description: str = ""
    ranges: tuple[tuple[str, int, int], ...] | None = None


@dataclass(frozen=True)
class Experiment:
    """A split that is measured: who takes part, when, and what they are given.

    The variants are those of the rules' `split`, or the cells of `factors` (all of them, or those that `design`
    lists, equally often). `share` and `ramp` are percent of the layer, without a layer of everybody. `start` and `end`
    are dates, both inclusive, or times, the end exclusive, in the store's zone. `overrides` gives subjects a variant,
    or a cell, without counting them. `ranges` is *derived*: (variant or cell, from, to) in basis points.
    """

    __pydantic_config__: ClassVar[dict[str, object]] = CLOSED
    layer: str | None = None
    share: float = 100.0
    ramp: tuple[RampStep, ...] = ()
    by: str = "subject"
    sticky: bool = False
    start: str | None = None
    end: str | None = None
    salt: str | None = None
    overrides: Mapping[str, str | Mapping[str, str]] = field(default_factory=dict[str, "str | Mapping[str, str]"])
    holdout: LocalHoldout | None = None
    dedupe: str | None = None
    factors: Mapping[str, Mapping[str, float]] | None = None
    design: tuple[Mapping[str, str], ...] | None = None
    hypothesis: str = ""
    metrics: tuple[str, ...] = ()
    owner: str = ""
    description: str = ""
    ranges: tuple[tuple[str, int, int], ...] | None = None
