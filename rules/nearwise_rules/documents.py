"""The documents of a rule set: what an author writes and, with the derived fields filled in, what a bundle carries.

Authored files and bundle entries have one shape. Fields marked *derived* are filled by the build and not written by
people. The classes hold no behaviour: `rulesets` checks them, `decide` turns them into functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal, TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
JsonObject: TypeAlias = "Mapping[str, Json]"

AttributeType: TypeAlias = Literal["boolean", "string", "integer", "number", "datetime", "version", "list", "object"]
FlagType: TypeAlias = Literal["boolean", "string", "integer", "float", "object"]
Source: TypeAlias = Literal["context", "device", "time", "history", "trait", "signal"]
Privacy: TypeAlias = Literal["plain", "personal", "sensitive"]
Grace: TypeAlias = Literal["serve", "safe_only", "stop"]
Bucketing: TypeAlias = Literal["murmur3", "murmur3-cbor"]
Exposures: TypeAlias = Literal["each", "summary", "none"]

_CLOSED: dict[str, object] = {"extra": "forbid"}


@dataclass(frozen=True)
class Holdout:
    """A share of subjects kept out on purpose. `percent` 0-100 with up to two decimals."""

    __pydantic_config__: ClassVar[dict[str, object]] = _CLOSED
    percent: float
    salt: str = "holdout"


@dataclass(frozen=True)
class RuleSetSettings:
    """`nearwise.yaml`: what holds for the whole rule set."""

    __pydantic_config__: ClassVar[dict[str, object]] = _CLOSED
    name: str
    zone: str = "UTC"
    dialect: Literal["safe", "jsonlogic"] = "safe"
    bucketing: Bucketing = "murmur3"
    grace: Grace = "serve"
    holdout: Holdout | None = None


@dataclass(frozen=True)
class Attribute:
    """A declared, typed input. `of` types the items of a list; `range` is inclusive; `unit` is for people."""

    __pydantic_config__: ClassVar[dict[str, object]] = _CLOSED
    type: AttributeType
    of: AttributeType | None = None
    unit: str | None = None
    range: tuple[float | None, float | None] | None = None
    values: tuple[str | int | float | bool, ...] | None = None
    source: Source = "context"
    privacy: Privacy = "plain"
    purposes: tuple[str, ...] = ()
    description: str = ""


@dataclass(frozen=True)
class Segment:
    """A named condition that rules refer to by `{"segment": "key"}`."""

    __pydantic_config__: ClassVar[dict[str, object]] = _CLOSED
    when: Json
    description: str = ""


@dataclass(frozen=True)
class Prerequisite:
    """Another flag that must have given one of `variant` before this flag's rules are tried."""

    __pydantic_config__: ClassVar[dict[str, object]] = _CLOSED
    flag: str
    variant: tuple[str, ...]


@dataclass(frozen=True)
class Rule:
    """One rule of a flag: when it holds it serves one variant or splits subjects between several.

    `split` maps variant to percent (two decimals at most, at most 100 in all; what is left falls through to the next
    rule). `by` names the attribute whose value is bucketed. `ranges` is *derived*: (variant, from, to) in basis points.
    """

    __pydantic_config__: ClassVar[dict[str, object]] = _CLOSED
    name: str = ""
    when: Json = True
    serve: str | None = None
    split: Mapping[str, float] | None = None
    by: str = "subject"
    experiment: str | None = None
    ranges: tuple[tuple[str, int, int], ...] | None = None


@dataclass(frozen=True)
class Flag:
    """Rules that pick one typed variant. `neutral` answers for holdout, disabled and a failed prerequisite."""

    __pydantic_config__: ClassVar[dict[str, object]] = _CLOSED
    type: FlagType
    variants: Mapping[str, Json]
    default: str
    neutral: str | None = None
    enabled: bool = True
    requires: tuple[Prerequisite, ...] = ()
    holdout: Holdout | Literal[False] | None = None
    salt: str | None = None
    exposures: Exposures = "each"
    rules: tuple[Rule, ...] = ()
    description: str = ""


@dataclass(frozen=True)
class Expectation:
    """What a golden case demands; only the fields that are given are compared."""

    __pydantic_config__: ClassVar[dict[str, object]] = _CLOSED
    variant: str | None = None
    value: Json = None
    reason: str | None = None


@dataclass(frozen=True)
class Case:
    """A golden case: a context and the decision it must give. Runs in `check` and on a device before activation."""

    __pydantic_config__: ClassVar[dict[str, object]] = _CLOSED
    name: str
    flag: str
    expect: Expectation
    subject: str | None = None
    context: Mapping[str, Json] = field(default_factory=dict[str, Json])
    at: str | None = None
