"""Flags: rules that pick one typed variant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from nearwise_rules.documents.settings import Holdout
from nearwise_rules.documents.values import CLOSED, Exposures, FlagType, Json


@dataclass(frozen=True)
class Prerequisite:
    """Another flag that must have given one of `variant` before this flag's rules are tried."""

    __pydantic_config__: ClassVar[dict[str, object]] = CLOSED
    flag: str
    variant: tuple[str, ...]


@dataclass(frozen=True)
class Rule:
    """One rule of a flag: when it holds it serves one variant or splits subjects between several.

    `split` maps variant to percent (two decimals at most, at most 100 in all; what is left falls through to the next
    rule). `by` names the attribute whose value is bucketed. `experiment` measures the split; with `factor` in its place
    the variants are the levels of that factor. `ranges` is *derived*: (variant, from, to) in basis points, of a split
    that no declared experiment lays out.
    """

    __pydantic_config__: ClassVar[dict[str, object]] = CLOSED
    name: str = ""
    when: Json = True
    serve: str | None = None
    split: Mapping[str, float] | None = None
    by: str = "subject"
    experiment: str | None = None
    factor: str | None = None
    ranges: tuple[tuple[str, int, int], ...] | None = None


@dataclass(frozen=True)
class Flag:
    """Rules that pick one typed variant. `neutral` answers for holdout, disabled and a failed prerequisite.

    Exposures of one subject and variant within the window `dedupe` are one.
    """

    __pydantic_config__: ClassVar[dict[str, object]] = CLOSED
    type: FlagType
    variants: Mapping[str, Json]
    default: str
    neutral: str | None = None
    enabled: bool = True
    requires: tuple[Prerequisite, ...] = ()
    holdout: Holdout | Literal[False] | None = None
    salt: str | None = None
    exposures: Exposures = "each"
    dedupe: str | None = None
    rules: tuple[Rule, ...] = ()
    description: str = ""
