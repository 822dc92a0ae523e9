"""What a history attribute asks of the device's memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal, TypeAlias

from nearwise_rules.documents.values import CLOSED

Unit: TypeAlias = Literal["days", "hours", "minutes", "seconds"]


@dataclass(frozen=True)
class AttributeValue:
    """The value that an attribute has when the measure is read."""

    __pydantic_config__: ClassVar[dict[str, object]] = CLOSED
    var: str


@dataclass(frozen=True)
class HistoryMeasure:
    """Exactly one of `count`, `sum`, `first`, `last`, `since_first` and `since_last` names an event.

    `where`: only occurrences whose properties have these values. `of`: the property that is added up; the event's own
    value when not given. `distinct`: count days, hours, or values of a property instead of occurrences. `unit` is that
    of the time since.
    """

    __pydantic_config__: ClassVar[dict[str, object]] = CLOSED
    count: str | None = None
    sum: str | None = None
    first: str | None = None
    last: str | None = None
    since_first: str | None = None
    since_last: str | None = None
    of: str | None = None
    where: Mapping[str, str | int | float | bool | AttributeValue] = field(
        default_factory=dict[str, "str | int | float | bool | AttributeValue"]
    )
    distinct: str | None = None
    window: str = "ever"
    unit: Unit = "days"
    per: Literal["subject", "device"] = "subject"
