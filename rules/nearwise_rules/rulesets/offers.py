"""Offers as documents: content, conditions, the parts of their score, caps and what else holds them back."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import get_args

from nearwise_rules.decide.parts import PARTS
from nearwise_rules.decide.remembering import ITEM_EVENTS
from nearwise_rules.documents import Budget, Cap, ContactCap, Cooldown, Offer, Suppression
from nearwise_rules.documents.offers import Owner
from nearwise_rules.rulesets.conditions import references
from nearwise_rules.rulesets.content import check_content
from nearwise_rules.rulesets.drafts import Draft
from nearwise_rules.rulesets.parts import Part, field_names, nearest
from nearwise_rules.rulesets.purposes import check_purposes
from nearwise_rules.rulesets.reach import check_binding, is_reachable
from nearwise_rules.rulesets.schedules import check_schedule
from nearwise_rules.rulesets.spans import check_duration, check_window

KNOWN_EVENTS = ("exposure", "decision", "click", "rejection")
"""The events that placements make by themselves, and those that items report."""

_MISTYPED = 0.8
"""So close to one of these, a name is a slip of the pen ("exposures"); an event of one's own is further off."""

MATCHES = 64
"""The lists of properties that a suppression matches have at most so many combinations: each is a series of its own in
the history of every subject."""

MODES = ("hard", "smooth")
BUDGET_WINDOWS = ("ever", "day", "week", "month")


def check_offer(key: str, part: Part, draft: Draft) -> None:
    """Report everything wrong with one offer."""
    part.known_fields(field_names(Offer))
    part.needs(("content",), "an offer")
    check_content(part, draft)
    part.get("tags").texts()
    _check_properties(part.get("properties"))
    check_purposes(part.get("purposes"))
    if not part.get("eligible").absent:
        expression = draft.conditions.check(part.get("eligible"), of_candidate=True)
        if expression is not None:
            draft.references.add(("offer", key), part.get("eligible"), references(expression))
            if not is_reachable(expression, draft):
                message = "nobody is ever eligible: no values that the attributes can have meet this condition"
                part.get("eligible").problem("never_eligible", message)
    check_schedule(part.get("when"), draft)
    for name in PARTS:
        check_number(part.get(name), ("offer", key), draft)
    _check_holding_back(part, draft)


def _check_holding_back(part: Part, draft: Draft) -> None:
    caps = part.get("caps").items() if not part.get("caps").absent else []
    for cap in caps:
        check_cap(cap)
    check_binding(caps, [cap for cap in draft.sources["cap"].values() if _counts_all_of(cap, tags_of(part))])
    for suppression in part.get("suppress").items() if not part.get("suppress").absent else ():
        _check_suppression(suppression, part.get("properties"))
    if not part.get("cooldown").absent:
        _check_cooldown(part.get("cooldown"))
    if not part.get("budget").absent:
        _check_budget(part.get("budget"))


def _counts_all_of(cap: Part, tags: Sequence[str]) -> bool:
    """Whether a cap of `caps.yaml` counts everything that those of an offer with these tags do.

    Items bring their tags to the events that they make. Events of the app need not.
    """
    if cap.get("tag").absent:
        return True
    return cap.get("tag").value in tags and (cap.get("count").absent or cap.get("count").value in ITEM_EVENTS)


def check_number(part: Part, owner: tuple[str, str], draft: Draft) -> None:
    """Report a part of a score that is neither a number nor a rule that gives one."""
    if part.absent:
        return
    if isinstance(part.value, int | float) and not isinstance(part.value, bool):
        part.finite()
        return
    if not isinstance(part.value, dict):
        part.problem("shape", "a number, or a rule that gives one, is expected here")
        return
    expression = draft.conditions.check(part, gives="number", of_candidate=True)
    if expression is not None:
        draft.references.add(owner, part, references(expression))


def check_cap(part: Part) -> None:
    """Report everything wrong with one cap of an offer or a placement."""
    part.known_fields(field_names(Cap))
    _check_counted(part, "a cap")


def check_contact_cap(_key: str, part: Part, draft: Draft) -> None:
    """Report everything wrong with one cap of `caps.yaml`."""
    part.known_fields(field_names(ContactCap))
    _check_counted(part, "a cap")
    tag = None if part.get("tag").absent else part.get("tag").text()
    if tag is not None and not any(tag in tags_of(offer) for offer in draft.sources["offer"].values()):
        part.get("tag").problem("idle_cap", f"no offer has the tag '{tag}', so this cap cannot bind")


def _check_counted(part: Part, what: str) -> None:
    part.needs(("limit",), what)
    part.get("per").choice(get_args(Owner))
    check_event_name(part.get("count"))
    if part.get("limit").whole(0) == 0:
        part.get("limit").problem("idle_cap", "a limit of 0 never lets anything be shown")
    check_window(part.get("window"))


def check_event_name(part: Part) -> None:
    """Report what is no name of an event, or nearly one that placements make or items report."""
    name = None if part.absent else part.text()
    meant = None if name is None or name in KNOWN_EVENTS else nearest(name, KNOWN_EVENTS, _MISTYPED)
    if meant is not None:
        part.problem("unknown_event", f"no placement and no item reports '{name}' (did you mean '{meant}'?)")


def _check_properties(part: Part) -> None:
    for property_ in part.members().values() if not part.absent else ():
        values = property_.value if isinstance(property_.value, list) else [property_.value]
        if not all(isinstance(value, str | int | float | bool) for value in values):
            property_.problem("shape", "a property is a text, a number, true or false, or a list of these")


def _check_suppression(part: Part, properties: Part) -> None:
    part.known_fields(field_names(Suppression))
    part.needs(("after", "window"), "a suppression")
    check_event_name(part.get("after"))
    check_window(part.get("window"))
    if not part.get("where").absent:
        part.get("where").members()
    for name in part.get("match").texts():
        if properties.get(str(name.value)).absent:
            name.problem("unknown_property", f"this offer has no property '{name.value}' to match")
    matched = [properties.get(str(name.value)).value for name in part.get("match").texts()]
    if prod(len(values) for values in matched if isinstance(values, list)) > MATCHES:
        part.get("match").problem("too_many", f"these properties match in more than {MATCHES} combinations")


def _check_cooldown(part: Part) -> None:
    part.known_fields(field_names(Cooldown))
    part.needs(("times", "pause"), "a cooldown")
    check_event_name(part.get("after"))
    part.get("times").whole(1)
    check_duration(part.get("pause"))
    check_window(part.get("window"))


def _check_budget(part: Part) -> None:
    part.known_fields(field_names(Budget))
    part.needs(("total",), "a budget")
    part.get("total").whole(1)
    part.get("devices").whole(1)
    check_event_name(part.get("count"))
    part.get("mode").choice(MODES)
    part.get("window").choice(BUDGET_WINDOWS)
    for name in ("quotas", "quota", "throttle"):
        if not part.get(name).absent:
            part.get(name).problem("derived_field", f"'{name}' is filled in by the build", of_key=True)


def tags_of(offer: Part) -> tuple[str, ...]:
    """The tags of an offer's document."""
    tags = offer.get("tags").value
    return tuple([tag for tag in tags if isinstance(tag, str)]) if isinstance(tags, list) else ()
