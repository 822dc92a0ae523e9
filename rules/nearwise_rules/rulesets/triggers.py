"""Triggers as documents: the events they listen to, their times, what they say, and contradictions between these."""

from __future__ import annotations

from collections.abc import Iterator

from nearwise_rules.documents import Trigger, Unless, Within
from nearwise_rules.logic import Expression
from nearwise_rules.rulesets.conditions import references
from nearwise_rules.rulesets.drafts import Draft
from nearwise_rules.rulesets.parts import Part, field_names
from nearwise_rules.rulesets.purposes import check_purposes
from nearwise_rules.rulesets.reach import is_reachable
from nearwise_rules.rulesets.spans import check_duration, check_window
from nearwise_rules.triggers.captures import as_json, sized
from nearwise_rules.triggers.payloads import HIGHEST, highest_of, is_read
from nearwise_rules.windows import Window

MAX_COUNT = 100
"""So many times are remembered for `times` and for `limit`."""
_LONGEST_NAME = 1024
_UNHEARD = "decision"


def check_trigger(key: str, part: Part, draft: Draft) -> None:
    """Report everything wrong with one trigger."""
    part.known_fields(field_names(Trigger))
    part.needs(("on",), "a trigger")
    checker = _TriggerChecker(("trigger", key), draft)
    _event_name(part.get("on"))
    for name in ("when", "when_due"):
        checker.check_condition(part.get(name))
    checker.check_unless(part)
    check_duration(part.get("wait"))
    check_duration(part.get("expires"))
    _check_within(part.get("times"))
    _check_limit_can_bind(part.get("limit"), _check_within(part.get("limit")), check_duration(part.get("cooldown")))
    checker.check_payload(part.get("payload"))
    checker.check_channel(part.get("channel"))
    check_purposes(part.get("purposes"))


class _TriggerChecker:
    """Checks the conditions of one trigger; `owner` is its kind and key."""

    def __init__(self, owner: tuple[str, str], draft: Draft) -> None:
        self._owner = owner
        self._draft = draft

    def check_condition(self, part: Part) -> None:
        expression = None if part.absent else self._check_rule(part, "boolean")
        if expression is not None and not is_reachable(expression, self._draft):
            message = "no values that the attributes can have meet this condition: 'enabled: false' says that plainly"
            part.problem("never_holds", message)

    def check_unless(self, trigger: Part) -> None:
        unless = trigger.get("unless")
        for item in unless.items() if isinstance(unless.value, list) else [] if unless.absent else [unless]:
            named = item
            if isinstance(item.value, dict):
                item.known_fields(field_names(Unless))
                item.needs(("event",), "an event that cancels")
                self.check_condition(item.get("where"))
                named = item.get("event")
            name = _event_name(named)
            if name is not None and name == trigger.get("on").value:
                named.problem(
                    "cancels_itself", f"'{name}' is what this trigger waits after, so it cannot cancel it too"
                )
        if not unless.absent and trigger.get("wait").absent:
            unless.problem("never_cancels", "without 'wait' there is no time in which this could cancel", of_key=True)

    def check_payload(self, payload: Part) -> None:
        if payload.absent:
            return
        payload.members()
        try:
            sized({"payload": as_json(payload.value, "UTC")})
        except ValueError as error:
            payload.problem("bad_payload", f"this {error}")
            return
        for read in _reads(payload):
            self._check_rule(read, "anything")

    def check_channel(self, channel: Part) -> None:
        scores = highest_of(channel.value)
        if scores is not None:
            self._check_scores(channel.get(HIGHEST))
        elif isinstance(channel.value, dict):
            if channel.value.keys() == {"model"}:
                message = "a model gives a number: compare it in an 'if', or give each channel a number in 'highest'"
                channel.problem("no_channel", message)
            self._check_rule(channel, "text")
        elif not channel.absent and channel.text() == "":
            channel.problem("no_channel", "a channel is not empty")

    def _check_scores(self, scores: Part) -> None:
        if not scores.members():
            scores.problem("no_channel", "'highest' needs at least one channel")
        for score in scores.members().values():
            if isinstance(score.value, dict):
                self._check_rule(score, "number")
            elif score.absent:
                score.problem("missing_field", "a channel needs a number, or a rule that gives one")
            else:
                score.number()

    def _check_rule(self, part: Part, gives: str) -> Expression | None:
        expression = self._draft.conditions.check(part, gives=gives, of_event=True)
        if expression is not None:
            self._draft.references.add(self._owner, part, references(expression))
        return expression


def _event_name(part: Part) -> str | None:
    name = part.text()
    if name is not None and not 0 < len(name) <= _LONGEST_NAME:
        part.problem("bad_event", f"the name of an event is a text of 1 to {_LONGEST_NAME} characters")
    if name == _UNHEARD:
        part.problem(
            "bad_event", f"triggers do not hear of a '{name}': listen to 'exposure', or to an event of the app"
        )
    return name


def _check_within(part: Part) -> Window | None:
    if part.absent:
        return None
    part.known_fields(field_names(Within))
    part.needs(("count", "window"), "this")
    count = part.get("count").whole(1)
    if count is not None and count > MAX_COUNT:
        part.get("count").problem("too_large", f"at most {MAX_COUNT} can be counted")
    return check_window(part.get("window"))


def _check_limit_can_bind(limit: Part, window: Window | None, cooldown: float | None) -> None:
    """Report a limit that is never reached because the cooldown keeps actions far enough apart."""
    count = limit.get("count").value
    if window is None or window.kind != "rolling" or cooldown is None or not isinstance(count, int):
        return
    if count * cooldown >= window.seconds:
        shown = limit.get("window").value
        limit.problem("idle_limit", f"the cooldown alone allows at most {count} in {shown}: this limit never binds")


def _reads(part: Part) -> Iterator[Part]:
    if is_read(part.value):
        yield part
    elif isinstance(part.value, dict):
        for member in part.members().values():
            yield from _reads(member)
    elif isinstance(part.value, list):
        for item in part.items():
            yield from _reads(item)
