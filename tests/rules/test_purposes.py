"""Purposes: their bits, what a rule set must say of them, and what a release makes of that."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest

from nearwise_rules import PURPOSES, Release, purposes_mask, purposes_of
from nearwise_rules.rulesets import assemble
from tests.rules.sealed import bundle_of
from tests.rules.test_rulesets import rule_set

TIER: dict[str, Any] = {"type": "string", "privacy": "personal", "purposes": ["personalise"]}
REGULARS: dict[str, Any] = {
    "type": "boolean",
    "variants": {"on": True, "off": False},
    "default": "off",
    "rules": [{"when": {"==": [{"var": "tier"}, "gold"]}, "serve": "on"}],
}


def found(**files: Any) -> list[tuple[str, str, str]]:
    assembled = assemble(rule_set(**files))
    return [(problem.code, problem.pointer, problem.message) for problem in assembled.problems]


def release(**files: Any) -> Release:
    assembled = assemble({**rule_set(**files), "attributes.yaml": {"tier": TIER}, "flags/f.yaml": REGULARS})
    assert assembled.problems == ()
    return Release(bundle_of(assembled.entries))


def test_a_mask_has_a_bit_for_each_purpose_in_order() -> None:
    assert [purposes_mask([name]) for name in PURPOSES] == [1 << place for place in range(8)]
    for count in range(9):
        for names in combinations(PURPOSES, count):
            assert purposes_of(purposes_mask(names)) == names


def test_a_purpose_that_this_version_does_not_know_can_be_granted_by_nobody() -> None:
    asked = purposes_mask(["measure", "teleport"])
    assert asked & ~purposes_mask(PURPOSES)
    assert purposes_of(asked) == ("measure",)


@pytest.mark.parametrize(
    ("attribute", "told"),
    [
        (
            {"type": "string", "privacy": "personal"},
            "an attribute that is personal needs 'purposes', such as [personalise]",
        ),
        (
            {"type": "string", "privacy": "sensitive"},
            "an attribute that is sensitive needs 'purposes', such as [personalise]",
        ),
        ({"type": "string", "source": "trait"}, "a trait needs 'purposes', such as [personalise]"),
        ({"type": "integer", "source": "history"}, "what a device remembers of a subject needs the purpose 'profile'"),
        (
            {"type": "integer", "source": "history", "purposes": ["personalise"]},
            "what a device remembers of a subject needs the purpose 'profile'",
        ),
    ],
)
def test_what_tells_of_a_person_names_its_purposes(attribute: dict[str, Any], told: str) -> None:
    assert found(attributes={"x": attribute}) == [("missing_purposes", "/x", told)]


@pytest.mark.parametrize(
    "attribute",
    [
        {"type": "string"},
        {"type": "string", "privacy": "personal", "purposes": ["personalise"]},
        {"type": "string", "source": "trait", "purposes": ["personalise"]},
        {"type": "integer", "source": "history", "purposes": ["profile", "personalise"]},
    ],
)
def test_what_names_them_is_no_problem(attribute: dict[str, Any]) -> None:
    assert found(attributes={"x": attribute}) == []


def test_unknown_purposes_are_told_with_the_nearest_known_one() -> None:
    told = found(
        nearwise={"name": "x", "consent": {"granted": ["measur"]}},
        attributes={"x": {"type": "string", "purposes": ["personalize"]}},
        events={"purchase": {"purposes": ["profiles"]}, "*": {"purposes": [7]}},
        cases__x=[{"name": "y", "flag": "f", "expect": {"variant": "on"}, "consent": ["all"]}],
        flags__f={**REGULARS, "rules": []},
    )
    assert sorted(told) == [
        ("shape", "/*/purposes/0", "a text is expected here"),
        ("unknown_purpose", "/0/consent/0", "unknown purpose 'all' (known: " + ", ".join(PURPOSES) + ")"),
        ("unknown_purpose", "/consent/granted/0", "unknown purpose 'measur' (did you mean 'measure'?)"),
        ("unknown_purpose", "/purchase/purposes/0", "unknown purpose 'profiles' (did you mean 'profile'?)"),
        ("unknown_purpose", "/x/purposes/0", "unknown purpose 'personalize' (did you mean 'personalise'?)"),
    ]


def test_unknown_fields_and_words_of_the_policies_are_told() -> None:
    settings = {"name": "x", "consent": {"polcy": "2026-11"}, "anonymous": {"join": "sometimes"}}
    events: dict[str, Any] = {"purchase": {"purpose": ["measure"], "retention": "90 days"}, "a b": {}}
    told = found(nearwise=settings, events=events)
    assert [(code, pointer) for code, pointer, _ in told] == [
        ("bad_name", "/a b"),
        ("unknown_field", "/consent/polcy"),
        ("unknown_choice", "/anonymous/join"),
        ("unknown_field", "/purchase/purpose"),
        ("bad_duration", "/purchase/retention"),
    ]


def test_an_event_has_its_own_terms_else_those_of_every_other_else_none() -> None:
    purchase = {"purposes": ["profile", "measure"], "retention": "90d"}
    terms = release(events={"purchase": purchase, "*": {"purposes": ["measure"]}}).terms
    assert terms.event("purchase").mask == purposes_mask(["profile", "measure"])
    assert terms.event("purchase").retention_seconds == 90 * 86_400
    assert terms.event("click") == (purposes_mask(["measure"]), float("inf"))
    assert release().terms.event("purchase").mask == 0


def test_the_policies_of_a_bundle_are_read_with_their_defaults() -> None:
    terms = release().terms
    assert (terms.policy, terms.granted, terms.honours_gpc, terms.join) == (None, 0, True, "consented")
    consent = {"policy": "2026-11", "granted": ["measure"], "gpc": False}
    terms = release(nearwise={"name": "x", "consent": consent, "anonymous": {"join": "never"}}).terms
    assert (terms.policy, terms.granted, terms.honours_gpc, terms.join) == ("2026-11", 16, False, "never")


def test_an_attribute_is_missing_without_the_consent_that_it_needs() -> None:
    denying = release()
    assert denying.decide("f", {"tier": "gold"}, "s", 0.0).value is False
    assert (
        denying.knowing({"consent": ["profile", "measure"]}, 0.0).decide("f", {"tier": "gold"}, "s", 0.0).value is False
    )
    assert denying.knowing({"consent": ["personalise"]}, 0.0).decide("f", {"tier": "gold"}, "s", 0.0).value is True
    everybody = release(nearwise={"name": "x", "consent": {"granted": ["personalise"]}})
    assert everybody.decide("f", {"tier": "gold"}, "s", 0.0).value is True


def test_a_golden_case_says_what_its_subject_consents_to() -> None:
    from nearwise_rules import run_cases

    case = {"name": "gold", "flag": "f", "context": {"tier": "gold"}, "expect": {"variant": "on"}}
    assert [failure.name for failure in run_cases(release(cases__x=[case]))] == ["gold"]
    assert run_cases(release(cases__x=[{**case, "consent": ["personalise"]}])) == ()


def looking_back(**of: Any) -> list[tuple[str, str, str]]:
    """What is said about a rule set in which purchases are remembered for 7 days and clicks for a day."""
    events = {"purchase": {"retention": "7d"}, "*": {"retention": "1d"}}
    return found(events=events, **of)


def test_nothing_looks_back_further_than_an_event_is_remembered() -> None:
    count = {"type": "integer", "source": "history", "purposes": ["profile"]}
    told = looking_back(
        attributes={
            "long": {**count, "history": {"count": "purchase", "window": "30d"}},
            "short": {**count, "history": {"count": "purchase", "window": "week"}},
            "all": {**count, "history": {"count": "click"}},
            "clicks": {**count, "history": {"count": "click", "window": "week"}},
        },
        caps={"all": {"limit": 3}, "daily": {"limit": 1, "window": "day"}},
    )
    assert told == [
        ("beyond_retention", "/long/history/window", "'purchase' is remembered for 7d, and the window here is 30d"),
        ("beyond_retention", "/clicks/history/window", "'click' is remembered for 1d, and the window here is week"),
        ("beyond_retention", "/all", "'exposure' is remembered for 1d, and the window here is ever"),
    ]
