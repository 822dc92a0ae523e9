"""What can never happen: conditions that no declared values meet, caps that others make idle."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from nearwise_rules.logic import Dialect
from nearwise_rules.rulesets.domains import Domain
from nearwise_rules.rulesets.satisfiable import can_hold
from nearwise_rules.windows import parse_window

if TYPE_CHECKING:
    from nearwise_rules.logic import Expression
    from nearwise_rules.rulesets.drafts import Draft
    from nearwise_rules.rulesets.parts import Part

_WITHIN = {
    "hour": ("day", "week", "month", "ever"),
    "day": ("week", "month", "ever"),
    "week": ("ever",),
    "month": ("ever",),
}
"""Calendar windows that lie inside others."""


def is_reachable(expression: Expression, draft: Draft) -> bool:
    """Whether some values that the attributes can have by their declarations meet a condition.

    Only the safe dialect is looked at: the other turns values into those of other types first.
    """
    if expression.dialect is not Dialect.SAFE:
        return True

    def declared(name: str) -> Domain:
        part = draft.sources["attribute"].get(name)
        return Domain() if part is None else Domain.declared(part.get("range").value, part.get("values").value)

    def segment(key: str) -> Expression | None:
        part = draft.sources["segment"].get(key)
        return None if part is None else draft.conditions.at(part.get("when"))

    return can_hold(expression, declared, segment)


def check_binding(caps: Sequence[Part], wider: Iterable[Part] = ()) -> None:
    """Report caps that cannot bind, because another one of the same count and owner is met no later.

    `wider`: caps that count at least as much (those on a tag of the offer).
    """
    for cap in caps:
        for other in (*caps, *wider):
            if other is not cap and _is_idle(cap, other):
                limit, window = other.get("limit").value, other.get("window").value or "ever"
                cap.problem("idle_cap", f"this cap never binds: {limit} per {window} is reached no later")
                break


def _is_idle(cap: Part, other: Part) -> bool:
    """Whether a cap that is met implies another that was met before it, or at the same time in a longer window."""
    for name, usual in (("per", "subject"), ("count", "exposure")):
        if (cap.get(name).value or usual) != (other.get(name).value or usual):
            return False
    limit, other_limit = cap.get("limit").value, other.get("limit").value
    if not isinstance(limit, int) or not isinstance(other_limit, int) or other_limit > limit:
        return False
    return _lies_within(str(cap.get("window").value or "ever"), str(other.get("window").value or "ever"))


def _lies_within(window: str, other: str) -> bool:
    """Whether what happens in one window always happens in the other, and the other is really longer."""
    if other in _WITHIN.get(window, ()):
        return True
    try:
        inner, outer = parse_window(window), parse_window(other)
    except ValueError:
        return False
    if inner.kind == "rolling":
        return outer.kind == "ever" or (outer.kind == "rolling" and outer.seconds > inner.seconds)
    return False
