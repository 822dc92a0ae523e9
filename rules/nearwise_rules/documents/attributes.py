"""What rules may read, and named conditions over it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nearwise_rules.documents.history import HistoryMeasure
from nearwise_rules.documents.values import CLOSED, AttributeType, Json, Privacy, Source


@dataclass(frozen=True)
class Attribute:
    """A declared, typed input. `of` types the items of a list; `range` is inclusive; `unit` is for people.

    `history`: what the device's memory answers for it; without one the app gives the value itself.
    """

    __pydantic_config__: ClassVar[dict[str, object]] = CLOSED
    type: AttributeType
    of: AttributeType | None = None
    unit: str | None = None
    range: tuple[float | None, float | None] | None = None
    values: tuple[str | int | float | bool, ...] | None = None
    source: Source = "context"
    privacy: Privacy = "plain"
    purposes: tuple[str, ...] = ()
    history: HistoryMeasure | None = None
    description: str = ""


@dataclass(frozen=True)
class Segment:
    """A named condition that rules refer to by `{"segment": "key"}`."""

    __pydantic_config__: ClassVar[dict[str, object]] = CLOSED
    when: Json
    description: str = ""
