"""Golden cases as documents: what they ask must exist. `decide` runs them."""

from __future__ import annotations

from collections.abc import Iterator

from nearwise_rules.decide.decision import Reason
from nearwise_rules.documents import Case, Expectation, Happening
from nearwise_rules.documents.placements import FALLBACK
from nearwise_rules.rulesets.attributes import check_declared_value, is_instant
from nearwise_rules.rulesets.conditions import check_known
from nearwise_rules.rulesets.drafts import Draft
from nearwise_rules.rulesets.flags import check_variant
from nearwise_rules.rulesets.parts import Part, did_you_mean, field_names
from nearwise_rules.rulesets.purposes import check_purposes
from nearwise_rules.rulesets.trigger_cases import check_other_case, check_trigger_case

ASKED = ("flag", "placement", "trigger")
"""What a case can be about."""


def check_case(_key: str, case: Part, draft: Draft) -> None:
    """Report everything wrong with one golden case."""
    flags, attributes, conditions = draft.sources["flag"], draft.sources["attribute"], draft.conditions
    case.known_fields(field_names(Case))
    case.needs(("expect",), "a case")
    if sum(not case.get(name).absent for name in ASKED) != 1:
        case.problem("missing_field", "a case needs one of 'flag', 'placement' and 'trigger'")
    flag = None if case.get("flag").absent else case.get("flag").text()
    if flag is not None and check_known(case.get("flag"), "flag", flag, flags):
        variants = flags[flag].get("variants")
        check_variant(case.get("expect").get("variant"), variants.members(), of=f" of flag '{flag}'")
    if not case.get("placement").absent:
        _check_placement(case, draft)
    if case.get("trigger").absent:
        check_other_case(case)
    else:
        check_trigger_case(case, draft)
    if not case.get("expect").absent:
        _check_expectation(case.get("expect"))
    check_purposes(case.get("consent"))
    _check_history(case.get("history"))
    _check_history(case.get("events"))
    for known in ("signals", "traits"):
        case.get(known).members()
    at = case.get("at").value
    if isinstance(at, str) and not is_instant(at):
        case.get("at").problem("bad_instant", f"'{at}' is not an ISO 8601 time such as 2026-11-23T08:10")
    if not case.get("context").absent:
        for name, part in _leaves(case.get("context"), ""):
            if not conditions.is_declared(name):
                part.problem("unknown_attribute", conditions.undeclared(name), of_key=True)
            elif name in attributes and not part.absent:
                check_declared_value(part, name, attributes[name])


def _check_placement(case: Part, draft: Draft) -> None:
    placements, name = draft.sources["placement"], case.get("placement").text()
    if name is None or not check_known(case.get("placement"), "placement", name, placements):
        return
    policies = placements[name].get("policies").value
    known = [*(policies if isinstance(policies, dict) else ()), FALLBACK]
    check_variant(case.get("expect").get("variant"), known, of=f" of placement '{name}'")
    for item in case.get("expect").get("items").texts():
        check_known(item, "offer", str(item.value), draft.sources["offer"])


def _check_history(part: Part) -> None:
    for happening in part.items() if not part.absent else ():
        happening.known_fields(field_names(Happening))
        happening.needs(("event", "at"), "something that happened")
        at = happening.get("at").value
        if isinstance(at, str) and not is_instant(at):
            happening.get("at").problem("bad_instant", f"'{at}' is not an ISO 8601 time such as 2026-11-23T08:10")


def _check_expectation(expect: Part) -> None:
    expect.known_fields(field_names(Expectation))
    if not expect.members():
        expect.problem("missing_field", "a case expects a variant, a value, a reason or items, or what a trigger does")
    reason = expect.get("reason").value
    if isinstance(reason, str) and reason not in list(Reason):
        guess = did_you_mean(reason, Reason)
        expect.get("reason").problem("unknown_reason", f"unknown reason '{reason}'{guess}")


def _leaves(part: Part, prefix: str) -> Iterator[tuple[str, Part]]:
    """The dotted name of each value of a context that is no map, with its part."""
    for key, member in part.members().items():
        name = f"{prefix}{key}"
        if isinstance(member.value, dict) and member.value:
            yield from _leaves(member, f"{name}.")
        else:
            yield name, member
