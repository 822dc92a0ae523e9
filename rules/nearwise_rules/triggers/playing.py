"""One trigger and one subject, played through: events at their times, and what is due in between at its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from nearwise_rules.decide.question import Question
from nearwise_rules.decide.surroundings import owner_of
from nearwise_rules.triggers.actions import Dropped
from nearwise_rules.triggers.machine import (
    TriggerEvent,
    Turn,
    due_action,
    hear,
    lacks_consent,
    next_due,
    step_trigger,
)
from nearwise_rules.triggers.states import TriggerState

if TYPE_CHECKING:
    from nearwise_rules.decide.release import Release
    from nearwise_rules.triggers.plans import TriggerPlan


class Arrival(NamedTuple):
    """An event at Unix seconds."""

    at: float
    event: TriggerEvent


def play(plan: TriggerPlan, arrivals: Iterable[Arrival], question: Question, until: float) -> list[Turn]:
    """Every look at the trigger that gave an action, dropped one or met something odd, in order.

    The arrivals are in the order of their times, none later than `until`; `question` has the context that all of them
    come with, the subject, and what is known of it: its history is added to.
    """
    state = TriggerState(owner_of(question.subject), "played")
    turns: list[Turn] = []

    def look(at: float) -> TriggerState:
        turn = due_action(plan, state, at, question.surround)
        turns.append(turn)
        return turn.state

    for at, event in arrivals:
        if (moment := next_due(state)) is not None and moment <= at:
            state = look(moment)
        _remember(plan.release, question, event, at)
        if lacks_consent(plan, event.name, question):
            turns.append(Turn(state, dropped=Dropped.CONSENT))
        data = {**question.data, "event": event.fields()}
        heard = hear(plan, event, Question(data, question.subject, at, surround=question.surround))
        if heard is not None:
            turns.append(Turn(state, diagnostics=heard.diagnostics))
            state = step_trigger(plan, state, heard)
            state = look(at)
    if (moment := next_due(state)) is not None and moment <= until:
        look(moment)
    return [turn for turn in turns if turn.action or turn.dropped or turn.diagnostics]


def _remember(release: Release, question: Question, event: TriggerEvent, at: float) -> None:
    for per in ("device", "subject"):
        ledger = question.ledger(per)
        if ledger is not None:
            release.remembers.record(ledger, event.name, event.properties, event.value, at)
