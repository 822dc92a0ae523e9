"""What holds for a whole rule set: `nearwise.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from nearwise_rules.documents.locales import LocaleSettings
from nearwise_rules.documents.schedules import DayPart
from nearwise_rules.documents.values import CLOSED, Bucketing, Grace, Join


@dataclass(frozen=True)
class Holdout:
    """A share of subjects kept out on purpose. `percent` 0-100 with up to two decimals."""

    __pydantic_config__: ClassVar[dict[str, object]] = CLOSED
    percent: float
    salt: str = "holdout"


@dataclass(frozen=True)
class ConsentPolicy:
    """What subjects are asked. `policy` names the text they agree to and is recorded with each consent.

    `granted` are purposes with another legal basis than consent: everybody's until he objects. `gpc`: whoever sends
    Global Privacy Control does not share.
    """

    __pydantic_config__: ClassVar[dict[str, object]] = CLOSED
    policy: str | None = None
    granted: tuple[str, ...] = ()
    gpc: bool = True


@dataclass(frozen=True)
class AnonymousPolicy:
    """Whether what a device remembers of someone unnamed becomes his at sign-in: `consented` asks for `profile`."""

    __pydantic_config__: ClassVar[dict[str, object]] = CLOSED
    join: Join = "consented"


@dataclass(frozen=True)
class RecordingPolicy:
    """Which share of the decisions is recorded with what they could read. `percent` with up to two decimals."""

    __pydantic_config__: ClassVar[dict[str, object]] = CLOSED
    percent: float


@dataclass(frozen=True)
class RuleSetSettings:
    """`nearwise.yaml`: what holds for the whole rule set. `holidays` are `YYYY-MM-DD`, or `MM-DD` in every year."""

    __pydantic_config__: ClassVar[dict[str, object]] = CLOSED
    name: str
    zone: str = "UTC"
    dialect: Literal["safe", "jsonlogic"] = "safe"
    bucketing: Bucketing = "murmur3"
    grace: Grace = "serve"
    holdout: Holdout | None = None
    locales: LocaleSettings | None = None
    day_parts: Mapping[str, DayPart] = field(default_factory=dict[str, DayPart])
    holidays: tuple[str, ...] = ()
    consent: ConsentPolicy | None = None
    anonymous: AnonymousPolicy | None = None
    recording: RecordingPolicy | None = None
