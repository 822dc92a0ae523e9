"""A context: who is asked for and what is known, ready for any number of decisions. It never changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from nearwise.decisions import Decision, Item
    from nearwise_rules import Explanation, Json


class Decide(Protocol):
    """What decides: a release, or what stands in for one. Never raises."""

    def __call__(
        self, flag: str, data: Mapping[str, object], subject: object, at: float, default: Json, owner: object, /
    ) -> Decision: ...


class DecideMany(Protocol):
    """What decides several at once. Never raises."""

    def __call__(
        self,
        keys: Sequence[str],
        data: Mapping[str, object],
        subject: object,
        at: float,
        owner: Callable[[], object],
        /,
    ) -> list[Decision]: ...


class Track(Protocol):
    """What records an event; `data` is the context that it came with."""

    def __call__(
        self,
        subject: object,
        name: str,
        value: object,
        properties: Mapping[str, object],
        data: Mapping[str, object] = ...,
        /,
    ) -> None: ...


class Explain(Protocol):
    """What explains. Never raises for what the data hold."""

    def __call__(self, flag: str, data: Mapping[str, object], subject: object, at: float, /) -> Explanation: ...


def _unrecorded(decision: Decision) -> None: ...


def _item_unrecorded(item: Item) -> None: ...


class Desk:
    """What a client lends to its contexts. Replacing `decide` and `decide_many` lets a new bundle decide."""

    __slots__ = ("clock", "decide", "decide_many", "explain", "record", "record_item", "track")

    def __init__(
        self,
        decide: Decide,
        decide_many: DecideMany,
        explain: Explain,
        track: Track,
        clock: Callable[[], float],
    ) -> None:
        self.decide = decide
        self.decide_many = decide_many
        self.explain = explain
        self.clock = clock
        self.record: Callable[[Decision], None] = _unrecorded
        self.record_item: Callable[[Item], None] = _item_unrecorded
        self.track = track


class Context(tuple["Desk", object, "Mapping[str, object]"]):
    """The attributes of one visit. Make it with `client.context(...)`; use it from any thread.

    A tuple underneath, so that it is made in one step and never changes: (desk, subject, data).
    """

    __slots__ = ()

    @property
    def subject(self) -> object:
        """Who is asked for."""
        return self[1]

    @property
    def data(self) -> Mapping[str, object]:
        """What is known, as it was given."""
        return self[2]

    def decide(self, flag: str, default: Json = None) -> Decision:
        """Decide one flag or placement. Never raises, never blocks; `default` is the value when nothing can be decided.

        The decision on a placement is iterated for its items.
        """
        desk, subject, data = self
        return desk.decide(flag, data, subject, desk.clock(), default, [desk])

    def decide_many(self, keys: Sequence[str]) -> list[Decision]:
        """Decide several placements and flags at once, in this order: no offer stands in two of the placements."""
        desk, subject, data = self
        return desk.decide_many([keys] if isinstance(keys, str) else keys, data, subject, desk.clock(), lambda: [desk])

    def flag(self, flag: str, default: Json = None) -> Json:
        """The value that `decide` gives."""
        return self.decide(flag, default).value

    def explain(self, flag: str) -> Explanation:
        """Decide one flag and say why: each rule, what decided it, what would have to change. Slow: for people."""
        desk, subject, data = self
        return desk.explain(flag, data, subject, desk.clock())

    def track(self, name: str, /, value: float | None = None, **properties: object) -> None:
        """Record that something happened: a purchase, a redemption. It is on disk when this returns.

        Args:
            name: what happened.
            value: a number that reports can add up, in the unit of the metric.
            properties: what else is to be known: null, booleans, numbers, strings, lists and maps of these. Dates and
                times become ISO texts, enums their values, decimals numbers.

        Raises:
            EventRefused: the name, the value or a property cannot be recorded.
            StorageFailed: the disk refused; when its sync failed, the event is in the log and may still be sent.
            ClientClosed: the client was closed.
        """
        desk, subject, data = self
        desk.track(subject, name, value, properties, data)

    def __repr__(self) -> str:
        return f"Context(subject={self.subject!r}, {self.data!r})"
