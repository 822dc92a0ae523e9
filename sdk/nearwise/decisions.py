"""Decisions as the SDK gives them: those of the rules, and what can be done with them on a device.

The owner of such a decision is a list with the desk to which its exposure goes; recording takes the desk out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from nearwise_rules import Decision as RulesDecision
from nearwise_rules import ErrorCode, Outcome, Reason

if TYPE_CHECKING:
    from nearwise.context import Desk
    from nearwise_rules import Json


class Decision(RulesDecision):
    """The answer to one question, on the device that shows it. Immutable."""

    __slots__ = ()

    def shown(self) -> None:
        """Record the exposure: the customer has seen this. Once, however often it is called; never raises."""
        try:
            desk = cast("list[Desk]", self[5]).pop()
        except (IndexError, AttributeError):  # shown before, or a decision that nobody owns
            return
        desk.record(self)


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
