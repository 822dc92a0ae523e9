"""Triggers: event patterns that call for an action."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from nearwise_rules.documents.values import CLOSED, Json


@dataclass(frozen=True)
class Unless:
    """An event of the same subject that ends a wait, when its condition holds."""

    __pydantic_config__: ClassVar[dict[str, object]] = CLOSED
    event: str
    where: Json = True


@dataclass(frozen=True)
class Within:
    """So many times within a window of time: `7d` looks back, `week` is the calendar's."""

    __pydantic_config__: ClassVar[dict[str, object]] = CLOSED
    count: int
    window: str


@dataclass(frozen=True)
class Trigger:
    """An action that is due once after an event, `wait` after the last that matches, unless another event comes first.

    `times`: only from so many matching events within a window on. `cooldown` and `limit` hold actions for the same
    subject apart. `payload` is filled, and `channel` chosen, when the action is due; `when_due` can still call it off.
    What could not become due or be taken for `expires` is dropped.
    """

    __pydantic_config__: ClassVar[dict[str, object]] = CLOSED
    on: str
    when: Json = True
    unless: str | Unless | tuple[str | Unless, ...] = ()
    wait: str | None = None
    times: Within | None = None
    cooldown: str | None = None
    limit: Within | None = None
    when_due: Json = True
    payload: Mapping[str, Json] = field(default_factory=dict[str, Json])
    channel: Json = None
    expires: str = "24h"
    purposes: tuple[str, ...] = ()
    enabled: bool = True
    description: str = ""
