"""The life of one trigger for one subject, as pure functions: `hear` an event, `step_trigger`, see the `due_action`.

Times are the device's clock, which may jump. What a clock that goes back leaves in the future is taken as of now: a
wait never lasts longer than it says, and a cooldown is neither cut short nor made to last for years.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from nearwise_rules.decide.question import Question
from nearwise_rules.errors import EvaluationError
from nearwise_rules.logic import Diagnostic, Expression, Run, interpret
from nearwise_rules.logic.values import truthy
from nearwise_rules.triggers.actions import Action, Dropped, action_id, named_subject
from nearwise_rules.triggers.captures import captured
from nearwise_rules.triggers.payloads import filled
from nearwise_rules.triggers.states import TriggerState, Waiting

if TYPE_CHECKING:
    from nearwise_rules.decide.surroundings import Surround
    from nearwise_rules.documents import Json
    from nearwise_rules.triggers.plans import Often, TriggerPlan

BAD_VALUE = "BAD_VALUE"
SLACK_SECONDS = 60.0
"""Actions up to so far in the future are left alone: threads read the clock one after another, and it is corrected."""
MATCHES_KEPT = 2
"""So many times the matches that `times` asks for are remembered: a few under a wrong clock do no harm."""


class TriggerEvent(NamedTuple):
    """An event as triggers see it."""

    name: str
    value: float | None = None
    properties: Mapping[str, object] = {}

    def fields(self) -> dict[str, object]:
        """What rules read as `event`."""
        return {"name": self.name, "value": self.value, "properties": self.properties}


class Heard(NamedTuple):
    """What an event means to one trigger: it matches, or it cancels a wait, or (with a diagnostic) neither."""

    at: float
    matches: bool = False
    cancels: bool = False
    captured: Mapping[str, Json] = {}
    diagnostics: tuple[Diagnostic, ...] = ()


class Turn(NamedTuple):
    """The state after a look at what is due; the action, or why there is none; what was odd on the way."""

    state: TriggerState
    action: Action | None = None
    dropped: Dropped | None = None
    diagnostics: tuple[Diagnostic, ...] = ()


def hear(plan: TriggerPlan, event: TriggerEvent, question: Question) -> Heard | None:
    """What an event means to a trigger; None for nothing. The question's data have the event under `event`."""
    release = plan.release
    if not plan.enabled or question.at > release.expires or lacks_consent(plan, event.name, question):
        return None
    data = plan.reading.data(question, plan.key)
    run = release.run(plan.key, question)
    matches = event.name == plan.on and _holds(plan.when, data, run)
    cancels = any(event.name == name and _holds(where, data, run) for name, where in plan.cancels)
    kept: Mapping[str, Json] = {}
    if matches:
        try:
            kept = captured(data, question.data, plan.kept, release.zone)
        except (ValueError, EvaluationError) as error:
            run.note(BAD_VALUE, plan.key, str(error))
            matches = False
    if not (matches or cancels or run.diagnostics):
        return None
    return Heard(question.at, matches, cancels, kept, tuple(run.diagnostics))


def lacks_consent(plan: TriggerPlan, event: str, question: Question) -> bool:
    """Whether a trigger may not hear an event, for want of a purpose that it or the event needs."""
    mask = plan.mask | plan.release.terms.event(event).mask
    return mask & ~question.surroundings.granted != 0


def step_trigger(plan: TriggerPlan, state: TriggerState, heard: Heard) -> TriggerState:
    """The state after an event. What is due by then comes first: see `due_action` before and after."""
    at = heard.at
    state = on_this_clock(plan, state, at)
    if heard.cancels:
        state = state._replace(waiting=None)
    if not heard.matches:
        return state
    if plan.times is not None:
        matches = (*state.matches, at)[-MATCHES_KEPT * plan.times.count :]
        state = state._replace(matches=matches)
        if not _has_matched(plan, plan.times, matches, at):
            return state
    return state._replace(waiting=Waiting(at, at + plan.wait, heard.captured))


def due_action(plan: TriggerPlan, state: TriggerState, at: float, surround: Surround | None = None) -> Turn:
    """Look at a state: an action whose time has come is given, once, or dropped for a reason. Never raises.

    `surround`: what is known of the subject then; without it, what the release knows.
    """
    state = on_this_clock(plan, state, at)
    waiting = state.waiting
    if waiting is None or at < waiting.due_at:
        return Turn(state)
    rest = state._replace(waiting=None)
    known = surround or plan.release.surround
    question = Question(waiting.captured, named_subject(state.subject), at, surround=known)
    dropped = _held_back(plan, rest, at - waiting.due_at, question)
    return _fired(plan, rest, question) if dropped is None else Turn(rest, dropped=dropped)


def next_due(state: TriggerState) -> float | None:
    """When there is something to look at, by the clock that the state knows; None while nothing waits."""
    return None if state.waiting is None else state.waiting.due_at


def on_this_clock(plan: TriggerPlan, state: TriggerState, at: float) -> TriggerState:
    """The state with nothing that a clock which went back has left in the future."""
    waiting = state.waiting
    if waiting is not None and waiting.due_at - at > plan.wait:
        state = state._replace(waiting=waiting._replace(since=at, due_at=at + plan.wait))
    if state.fired and state.fired[-1] > at + SLACK_SECONDS:
        state = state._replace(fired=tuple([min(each, at) for each in state.fired]))
    return state


def _has_matched(plan: TriggerPlan, often: Often, times: tuple[float, ...], at: float) -> bool:
    span = plan.calendar.span(often.window, at)
    return sum([span.low <= each < span.high for each in times]) >= often.count


def _has_fired(plan: TriggerPlan, often: Often, times: tuple[float, ...], at: float) -> bool:
    """Whether it was often enough; what is in the future counts, whatever the window."""
    low = plan.calendar.span(often.window, at).low
    return sum([each >= low for each in times]) >= often.count


def _held_back(plan: TriggerPlan, state: TriggerState, overdue: float, question: Question) -> Dropped | None:
    """What keeps a due action back before its condition is asked."""
    at = question.at
    if not plan.enabled:
        return Dropped.DISABLED
    if at > plan.release.expires:
        return Dropped.BUNDLE_EXPIRED
    if overdue > plan.expires:
        return Dropped.EXPIRED
    if plan.mask & ~question.surroundings.granted:
        return Dropped.CONSENT
    if plan.cooldown and state.fired and at - state.fired[-1] < plan.cooldown:
        return Dropped.COOLDOWN
    return Dropped.LIMIT if plan.limit is not None and _has_fired(plan, plan.limit, state.fired, at) else None


def _fired(plan: TriggerPlan, state: TriggerState, question: Question) -> Turn:
    at = question.at
    data = plan.reading.data(question, plan.key)
    run = plan.release.run(plan.key, question)
    dropped = Dropped.WHEN_DUE
    try:
        if not _holds(plan.when_due, data, run):
            return Turn(state, dropped=dropped, diagnostics=tuple(run.diagnostics))
        dropped = Dropped.BAD_CHANNEL
        channel = plan.channel.choose(data, run)
        dropped = Dropped.BAD_PAYLOAD
        payload = filled(plan.payload, data, run)
    except (ValueError, EvaluationError) as error:
        run.note(BAD_VALUE, plan.key, str(error))
        return Turn(state, dropped=dropped, diagnostics=tuple(run.diagnostics))
    name = action_id(plan.key, state)
    action = Action(name, plan.key, named_subject(state.subject), payload, channel, at)
    kept = max(1, 0 if plan.limit is None else plan.limit.count)
    state = state._replace(sequence=state.sequence + 1, fired=(*state.fired, at)[-kept:])
    return Turn(state, action, diagnostics=tuple(run.diagnostics))


def _holds(rule: Expression, data: Mapping[str, object], run: Run) -> bool:
    """Whether a condition holds; one that fails does not, and is noted."""
    try:
        return truthy(interpret(rule, data, run))
    except EvaluationError as error:
        run.note(error.type, rule.root.pointer, str(error))
        return False
