"""Declared events: what each needs to be stored, and how long it is remembered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nearwise_rules.documents.values import CLOSED


@dataclass(frozen=True)
class EventDeclaration:
    """An event by its name; `*` speaks for every event that is not declared by its own.

    Without the consent that `purposes` ask for, the event is not stored. History looks back no further than
    `retention` (`90d`).
    """

    __pydantic_config__: ClassVar[dict[str, object]] = CLOSED
    purposes: tuple[str, ...] = ()
    retention: str | None = None
    description: str = ""
