"""Offers: content with eligibility, schedule, value, caps and what holds them back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal, TypeAlias

from nearwise_rules.documents.values import CLOSED, Json

Owner: TypeAlias = Literal["subject", "device"]


@dataclass(frozen=True)
class Cap:
    """At most `limit` times `count` (an event; `exposure` and `decision` are built in) within `window`, per owner."""

    __pydantic_config__: ClassVar[dict[str, object]] = CLOSED
    limit: int
    per: Owner = "subject"
    window: str = "ever"
    count: str = "exposure"


@dataclass(frozen=True)
class ContactCap:
    """A cap of `caps.yaml`: over all offers with `tag` together; without a tag over all offers."""

    __pydantic_config__: ClassVar[dict[str, object]] = CLOSED
    limit: int
    tag: str | None = None
    per: Owner = "subject"
    window: str = "ever"
    count: str = "exposure"
    description: str = ""


@dataclass(frozen=True)
class Suppression:
    """Not for a time after an event: one whose properties are as `where` says, or `match` those of the offer."""

    __pydantic_config__: ClassVar[dict[str, object]] = CLOSED
    after: str
    window: str
    where: Mapping[str, str | int | float | bool] = field(default_factory=dict[str, "str | int | float | bool"])
    match: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cooldown:
    """A pause of `pause` once the subject answered this offer `times` times with `after` within `window`."""

    __pydantic_config__: ClassVar[dict[str, object]] = CLOSED
    times: int
    pause: str
    after: str = "rejection"
    window: str = "ever"


@dataclass(frozen=True)
class Budget:
    """At most `total` times `count` on all devices together within `window` (`ever`, `day`, `week`, `month`).

    `hard`: each device has a quota; the quotas never make more than the total. `smooth`: a share of the subjects,
    adjusted with each bundle, and a cap per device. `devices`: how many there are at most, known or not.
    `quotas`, `quota` and `throttle` are *derived*.
    """

    __pydantic_config__: ClassVar[dict[str, object]] = CLOSED
    total: int
    mode: Literal["hard", "smooth"] = "hard"
    count: str = "exposure"
    window: Literal["ever", "day", "week", "month"] = "ever"
    devices: int | None = None
    quotas: Mapping[str, int] | None = None
    quota: int | None = None
    throttle: float | None = None


@dataclass(frozen=True)
class Offer:
    """A piece of content that placements rank.

    `value`, `cost`, `probability`, `margin`, `discount` and `uplift` are money and chances; `context` and `lever` are
    percent to add. Each is a number or a rule that gives one (`{"model": "key"}` is a rule too).
    """

    __pydantic_config__: ClassVar[dict[str, object]] = CLOSED
    content: Mapping[str, Json]
    otherwise: Mapping[str, Json] = field(default_factory=dict[str, Json])
    tags: tuple[str, ...] = ()
    properties: Mapping[str, Json] = field(default_factory=dict[str, Json])
    eligible: Json = True
    when: Json = None
    value: Json = None
    cost: Json = None
    probability: Json = None
    uplift: Json = None
    margin: Json = None
    discount: Json = None
    context: Json = None
    lever: Json = None
    caps: tuple[Cap, ...] = ()
    suppress: tuple[Suppression, ...] = ()
    cooldown: Cooldown | None = None
    budget: Budget | None = None
    purposes: tuple[str, ...] = ()
    enabled: bool = True
    description: str = ""
