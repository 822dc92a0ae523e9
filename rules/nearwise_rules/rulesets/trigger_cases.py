"""Golden cases of triggers as documents: their events in order, and expectations that a trigger can meet."""

from __future__ import annotations

from itertools import pairwise

from nearwise_rules.decide.cases import instant
from nearwise_rules.rulesets.conditions import check_known
from nearwise_rules.rulesets.drafts import Draft
from nearwise_rules.rulesets.parts import Part

OF_TRIGGERS = ("fires", "payload", "channel")
"""What only cases of triggers can expect."""


def check_trigger_case(case: Part, draft: Draft) -> None:
    """Report what is wrong with the trigger of a case, its events and what it expects of them."""
    name = case.get("trigger").text()
    if name is not None:
        check_known(case.get("trigger"), "trigger", name, draft.sources["trigger"])
    if case.get("events").absent:
        case.problem("missing_field", "a case of a trigger needs 'events'")
    else:
        _check_order(case, str(draft.settings.get("zone", "UTC")))
    for field, part in case.get("expect").members().items() if not case.get("expect").absent else ():
        if field in ("variant", "value", "reason", "items"):
            part.problem("not_of_triggers", f"a trigger has no {field}: expect {', '.join(OF_TRIGGERS)}", of_key=True)


def check_other_case(case: Part) -> None:
    """Report what only a case of a trigger can have."""
    if not case.get("events").absent:
        case.get("events").problem(
            "only_triggers", "events happen in cases of triggers; elsewhere they are 'history'", of_key=True
        )
    for field in OF_TRIGGERS:
        part = case.get("expect").get(field)
        if not part.absent:
            part.problem("only_triggers", f"'{field}' is for cases of triggers", of_key=True)


def _check_order(case: Part, zone: str) -> None:
    times = [(event.get("at"), _moment(event.get("at"), zone)) for event in case.get("events").items()]
    known = [(part, at) for part, at in times if at is not None]
    end = _moment(case.get("at"), zone)
    for (_, before), (part, at) in pairwise(known):
        if at < before:
            part.problem("order", "this happens before the event above: write events in the order of their times")
    if end is not None and known and end < max(at for _, at in known):
        case.get("at").problem("order", "the case ends before its last event")


def _moment(part: Part, zone: str) -> float | None:
    """The Unix seconds of a time; None for one that is reported elsewhere."""
    try:
        return instant(part.value, zone) if isinstance(part.value, str) else None
    except (ValueError, LookupError, OverflowError):
        return None
