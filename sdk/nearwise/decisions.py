"""Decisions as the SDK gives them: those of the rules, and what can be done with them on a device.

The owner of such a decision is a list with the desk to which its exposure goes; recording takes the desk out. The items
of a placement have a list of their own each, in which they note what was reported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from nearwise_rules import Decision as RulesDecision
from nearwise_rules import ErrorCode, Outcome, Reason
from nearwise_rules import Item as RulesItem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nearwise.context import Desk
    from nearwise_rules import Json


class Item(RulesItem):
    """One offer in a placement, on the device that shows it. Immutable."""

    __slots__ = ()

    def shown(self) -> None:
        """Record the exposure: the customer has seen this. Once, however often it is called; never raises."""
        marks, desk = self[4], _desk_of(self[3].owner)
        if desk is None or marks:
            return
        mine = object()
        marks.append(mine)
        if marks[0] is mine:  # of two threads, the first alone reports
            desk.record_item(self)

    def clicked(self) -> None:
        """Record that the customer chose this: an event `click` with the offer and the placement.

        Raises:
            StorageFailed: the disk refused.
            ClientClosed: the client was closed.
        """
        self._track("click")

    def rejected(self) -> None:
        """Record that the customer turned this down: an event `rejection`, for cooldowns. Raises as `clicked` does."""
        self._track("rejection")

    def _track(self, name: str) -> None:
        origin = self[3]
        desk = _desk_of(origin.owner)
        if desk is not None:
            properties = {"offer": self.key, "placement": self.placement, "tag": list(self.tags)}
            desk.track(origin.subject, name, None, properties)


class Decision(RulesDecision):
    """The answer to one question, on the device that shows it. Immutable."""

    __slots__ = ()

    item_kind: ClassVar[type[RulesItem]] = Item

    if TYPE_CHECKING:  # what `item_kind` means for type checkers

        def __iter__(self) -> Iterator[Item]: ...  # pyright: ignore[reportIncompatibleMethodOverride]

        @property
        def items(self) -> tuple[Item, ...]: ...

    def shown(self) -> None:
        """Record the exposure: the customer has seen this, for a placement all of its items. Once; never raises."""
        if self.items:
            for item in self.items:
                item.shown()
            return
        try:
            desk = cast("list[Desk]", self[5]).pop()
        except (IndexError, AttributeError):  # shown before, or a decision that nobody owns
            return
        desk.record(self)


def _desk_of(owner: object) -> Desk | None:
    owners = cast("list[Desk]", owner) if isinstance(owner, list) else []
    return owners[0] if owners else None


class Undecided:
    """What answers while there is no bundle: everyone gets his default."""

    def __init__(self, code: ErrorCode = ErrorCode.PROVIDER_NOT_READY) -> None:
        self._code = code

    def decide(
        self,
        flag: str,
        data: Mapping[str, object],  # noqa: ARG002
        subject: object,
        at: float,
        default: Json = None,
        owner: object = None,
    ) -> Decision:
        """The caller's default, and why."""
        name = flag if isinstance(flag, str) else type(flag).__name__  # pyright: ignore[reportUnnecessaryIsInstance]
        outcome = Outcome(name, Reason.ERROR, error_code=self._code)
        return Decision((outcome, default, at, subject, (), owner))

    def decide_many(
        self,
        keys: Sequence[str],
        data: Mapping[str, object],
        subject: object,
        at: float,
        owner: Callable[[], object],
    ) -> list[Decision]:
        """The same for several."""
        return [self.decide(key, data, subject, at, None, owner()) for key in keys]
