"""Placements: slots that show one or more ranked offers, and the policies that rank them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from nearwise_rules.documents.flags import Prerequisite, Rule
from nearwise_rules.documents.offers import Cap
from nearwise_rules.documents.settings import Holdout
from nearwise_rules.documents.values import CLOSED, Exposures, Json

FALLBACK = "fallback"
"""The policy that every placement has: it shows the fallback and nothing else."""


@dataclass(frozen=True)
class Candidates:
    """Which offers are considered: those with any of the tags, those listed, those that a recommendation names."""

    __pydantic_config__: ClassVar[dict[str, object]] = CLOSED
    tags: tuple[str, ...] = ()
    offers: tuple[str, ...] = ()
    model: str | None = None


@dataclass(frozen=True)
class AtMost:
    """A constraint on what is shown together: at most so many items with a tag."""

    __pydantic_config__: ClassVar[dict[str, object]] = CLOSED
    tag: str
    items: int


@dataclass(frozen=True)
class Score:
    """The parts of the decision formula that a policy uses.

    `true` takes the part from the offer; a number or a rule is used for every candidate (a rule may read `offer.*`).
    A part that is not named is left out. `model` is short for `probability: { model: key }`.
    """

    __pydantic_config__: ClassVar[dict[str, object]] = CLOSED
    model: str | None = None
    probability: Json = None
    value: Json = None
    cost: Json = None
    uplift: Json = None
    margin: Json = None
    discount: Json = None
    context: Json = None
    lever: Json = None


@dataclass(frozen=True)
class Policy:
    """How a placement ranks: by score, as listed, or at random (by a hash, so that it can be repeated)."""

    __pydantic_config__: ClassVar[dict[str, object]] = CLOSED
    score: Score | None = None
    order: Literal["score", "listed", "random"] = "score"
    description: str = ""


@dataclass(frozen=True)
class Placement:
    """A slot. Its rules pick a policy as a flag's rules pick a variant; `fallback` is a policy that is always there.

    `default` answers where no rule holds; `neutral` where a holdout, a failed prerequisite or `enabled: false` does.
    `blank`: it may
    stay empty; else a slot that can be left empty is a problem. `content` names the fields that every candidate must
    have, and their types.
    """

    __pydantic_config__: ClassVar[dict[str, object]] = CLOSED
    candidates: Candidates
    policies: Mapping[str, Policy]
    size: int = 1
    at_most: tuple[AtMost, ...] = ()
    fallback: tuple[str, ...] = ()
    blank: bool = False
    content: Mapping[str, str] | None = None
    default: str | None = None
    neutral: str | None = None
    enabled: bool = True
    requires: tuple[Prerequisite, ...] = ()
    holdout: Holdout | Literal[False] | None = None
    salt: str | None = None
    exposures: Exposures = "each"
    dedupe: str | None = None
    caps: tuple[Cap, ...] = ()
    rules: tuple[Rule, ...] = ()
    description: str = ""
