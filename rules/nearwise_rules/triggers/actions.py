"""Actions: what a trigger calls for, and why it sometimes calls for nothing."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from nearwise_rules.decide.surroundings import ANONYMOUS

if TYPE_CHECKING:
    from nearwise_rules.documents import Json
    from nearwise_rules.triggers.states import TriggerState


class Action(NamedTuple):
    """Something to do for a subject (None: one that nobody named), due at Unix seconds `at`."""

    id: str
    """Names this action on any machine: the server knows a repeated one by it."""
    trigger: str
    subject: str | None
    payload: Mapping[str, Json]
    channel: str | None
    at: float


class Dropped(StrEnum):
    """Why an action that was waited for, or was due, is not handed out."""

    COOLDOWN = "cooldown"
    LIMIT = "limit"
    EXPIRED = "expired"
    WHEN_DUE = "when_due"
    CONSENT = "consent"
    DISABLED = "disabled"
    REMOVED = "removed"
    BUNDLE_EXPIRED = "bundle_expired"
    BAD_CHANNEL = "bad_channel"
    BAD_PAYLOAD = "bad_payload"
    CROWDED = "crowded"


def action_id(trigger: str, state: TriggerState) -> str:
    """The name of the next action of a state: 32 hex digits that tell nobody its subject."""
    from hashlib import sha256

    named = f"nearwise.action\0{trigger}\0{state.subject}\0{state.origin}\0{state.sequence}"
    return sha256(named.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def named_subject(owner: str) -> str | None:
    """The subject whose things are kept under this key; None for those of a subject that nobody named."""
    return None if owner == ANONYMOUS else owner
