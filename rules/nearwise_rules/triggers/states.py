"""What a device remembers of one trigger and one subject: a small value that never changes, and its form as text."""

from __future__ import annotations

from collections.abc import Mapping
from json import dumps, loads
from math import isfinite
from typing import TYPE_CHECKING, NamedTuple, cast

if TYPE_CHECKING:
    from nearwise_rules.documents import Json

_FORMAT = 1
_PARTS = 6


class Waiting(NamedTuple):
    """An action on its way: since when, when it is due (Unix seconds), and what of its event and context it needs."""

    since: float
    due_at: float
    captured: Mapping[str, Json]


class TriggerState(NamedTuple):
    """One trigger and one subject. A new state has an `origin` that no other state ever had.

    `sequence` is the number of the next action: with the origin it names the action, so that one that is repeated
    after a crash has the name it had. `matches` and `fired` are the times that `times`, `cooldown` and `limit` need.
    """

    subject: str
    origin: str
    sequence: int = 0
    matches: tuple[float, ...] = ()
    fired: tuple[float, ...] = ()
    waiting: Waiting | None = None

    def to_text(self) -> str:
        """The state as JSON, without its subject."""
        waiting = None if self.waiting is None else list(self.waiting)
        return dumps([_FORMAT, self.origin, self.sequence, self.matches, self.fired, waiting], separators=(",", ":"))

    @classmethod
    def from_text(cls, subject: str, text: str) -> TriggerState:
        """The state of a subject, read again.

        Raises:
            ValueError: the text is damaged, or of a later format.
        """
        read: object = loads(text)
        parts = cast("list[object]", read) if isinstance(read, list) else []
        if len(parts) != _PARTS or parts[0] != _FORMAT:
            raise ValueError("not the state of a trigger")
        _, origin, sequence, matches, fired, waiting = parts
        if not isinstance(origin, str) or type(sequence) is not int:
            raise ValueError("a state without its name")
        return cls(subject, origin, sequence, _times(matches), _times(fired), _waiting(waiting))


def _times(given: object) -> tuple[float, ...]:
    return tuple([_time(each) for each in _list(given)])


def _time(given: object) -> float:
    if isinstance(given, int | float) and not isinstance(given, bool) and isfinite(given):
        return float(given)
    raise ValueError("not a time")


def _waiting(given: object) -> Waiting | None:
    if given is None:
        return None
    since, due_at, captured = _list(given)
    if not isinstance(captured, dict):
        raise ValueError("not what a wait keeps")
    return Waiting(_time(since), _time(due_at), cast("Mapping[str, Json]", captured))


def _list(given: object) -> list[object]:
    if isinstance(given, list):
        return cast("list[object]", given)
    raise ValueError("not a list")
