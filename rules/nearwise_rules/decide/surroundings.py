"""What a device knows of a subject beside the context: consent, history, signals and traits. Given, never looked up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from nearwise_rules.decide.splits import bucket_key

if TYPE_CHECKING:
    from nearwise_rules.history import History

DEVICE = ""
"""The owner of what a device remembers of itself, whoever stands in front of it."""

ANONYMOUS = "~"
"""The owner of what a device remembers of a subject that nobody named."""


class Signal(NamedTuple):
    """A value that the device collected: since when it holds, and from when on it no longer does (Unix seconds)."""

    value: object
    at: float
    expires: float = float("inf")


class Surroundings(NamedTuple):
    """What is known beside the context. `granted` is the bit mask of the purposes that the subject consents to."""

    granted: int = 0
    history: History | None = None
    signals: Mapping[str, Signal] = MappingProxyType({})
    traits: Mapping[str, object] = MappingProxyType({})
    device: str = ""


Surround: TypeAlias = "Callable[[object], Surroundings]"
"""Gives the surroundings of a subject; called only by questions that read them, and never blocks."""

NOTHING_KNOWN = Surroundings()


def nothing_known(_subject: object) -> Surroundings:
    """Surroundings of a device that knows only the context."""
    return NOTHING_KNOWN


class Shared:
    """Surroundings that are looked at once for all questions of one call about one subject."""

    __slots__ = ("_known", "_surround")

    def __init__(self, surround: Surround) -> None:
        self._surround = surround
        self._known: Surroundings | None = None

    def __call__(self, subject: object) -> Surroundings:
        if self._known is None:
            self._known = self._surround(subject)
        return self._known


def owner_of(subject: object) -> str:
    """Under which key history, consent and traits of a subject are kept."""
    return bucket_key(subject) or ANONYMOUS


def place_of(slot: str, per: str, subject: object) -> str:
    """Under which name a slot holds what it decided: on the device one for each subject."""
    return slot if per == "subject" else f"{slot}/{owner_of(subject).replace('~', '~0').replace('/', '~1')}"
