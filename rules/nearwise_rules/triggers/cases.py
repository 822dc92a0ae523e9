"""Golden cases of triggers: events that happen one after the other, and whether an action comes of them."""

from __future__ import annotations

from json import dumps
from math import inf
from typing import TYPE_CHECKING, cast

from nearwise_rules.decide.cases import instant, is_same
from nearwise_rules.triggers.machine import TriggerEvent
from nearwise_rules.triggers.playing import Arrival, play

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nearwise_rules.decide.question import Question
    from nearwise_rules.decide.release import Release
    from nearwise_rules.documents import JsonObject
    from nearwise_rules.triggers.actions import Action
    from nearwise_rules.triggers.machine import Turn


def failure_of_trigger(case: JsonObject, release: Release, question: Question) -> str:
    """What a case's trigger did instead of what it expects; empty when it holds.

    A case without `at` looks when everything that waits is due.
    """
    plan = release.triggers.plan(str(case["trigger"]))
    if plan is None:
        return f"there is no trigger '{case['trigger']}'"
    try:
        arrivals = [_arrival(each, release.zone) for each in cast("list[JsonObject]", case.get("events") or ())]
    except (ValueError, LookupError, OverflowError) as error:
        return f"the time of an event cannot be read: {error}"
    turns = play(plan, arrivals, question, inf if case.get("at") is None else question.at)
    actions = [turn.action for turn in turns if turn.action is not None]
    wrong = list(_wrong(cast("Mapping[str, object]", case.get("expect") or {}), actions))
    return f"{'; '.join(wrong)}{_because(turns)}" if wrong else ""


def _arrival(event: JsonObject, zone: str) -> Arrival:
    value = cast("float | None", event.get("value"))
    properties = cast("Mapping[str, object]", event.get("properties") or {})
    return Arrival(instant(str(event["at"]), zone), TriggerEvent(str(event["event"]), value, properties))


def _wrong(expect: Mapping[str, object], actions: list[Action]) -> Iterator[str]:
    fires = expect.get("fires")
    got = bool(actions) if isinstance(fires, bool) else len(actions)
    if fires is not None and fires != got:
        yield f"expected fires {dumps(fires)}, got {dumps(got)}"
    for name in ("payload", "channel"):
        if name in expect and not actions:
            yield f"expected {name} {dumps(expect[name])}, got no action"
        elif name in expect and not is_same(expect[name], getattr(actions[-1], name)):
            yield f"expected {name} {dumps(expect[name])}, got {dumps(getattr(actions[-1], name))}"


def _because(turns: list[Turn]) -> str:
    dropped = [f"dropped: {turn.dropped.value}" for turn in turns if turn.dropped is not None]
    odd = [f"{note.code} {note.place}: {note.message}" for turn in turns for note in turn.diagnostics]
    told = dict.fromkeys([*dropped, *odd])
    return f" ({'; '.join(told)})" if told else ""
