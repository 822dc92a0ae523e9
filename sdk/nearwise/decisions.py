"""Decisions as the SDK gives them: those of the rules, and what can be done with them on a device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from nearwise_rules import Decision as RulesDecision
from nearwise_rules import ErrorCode, Outcome, Reason

if TYPE_CHECKING:
    from nearwise.context import Context
    from nearwise_rules import Json


class Decision(RulesDecision):
    """The answer to one question, on the device that shows it. Immutable."""

    # No __slots__: the empty instance dictionary, made when it is first looked at, remembers that this was shown.

    def shown(self) -> None:
        """Record the exposure: the customer has seen this. Once, however often it is called; never raises."""
        marks = self.__dict__
        if marks:
            return
        marks["was shown"] = True
        context = cast("Context | None", self[5])
        if context is not None:
            context.desk.record(self)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a decision does not change")


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
