"""Triggers as `check` sees them: shapes, types, places and golden cases."""

from __future__ import annotations

import pytest

from tests.server.test_authoring import build, told

CART_LEFT = """\
on: cart_updated
when: { ">": [{ var: event.value }, 20] }
unless: purchase
wait: 30m
cooldown: 24h
payload: { text: Still yours, basket: { var: event.properties.basket } }
channel: { if: [{ "==": [{ var: tier }, gold] }, push, mail] }
"""
THIRD_VISIT = "on: visit\ntimes: { count: 3, window: week }\nlimit: { count: 1, window: week }\n"
NO_CARD = "on: basket\nwhen: { and: [{ '>': [{ var: event.value }, 50] }, { '!': [{ var: member }] }] }\n"
CASES = """\
- name: a cart that is left
  trigger: cart-left
  subject: h-1
  context: { tier: gold }
  events:
    - { event: cart_updated, at: 2026-11-23T08:10, value: 25, properties: { basket: [tea] } }
  expect: { fires: true, payload: { text: Still yours, basket: [tea] }, channel: push }
- name: not yet
  trigger: cart-left
  events: [{ event: cart_updated, at: 2026-11-23T08:10, value: 25 }]
  at: 2026-11-23T08:39
  expect: { fires: false }
- name: bought within half an hour
  trigger: cart-left
  consent: [measure]
  events:
    - { event: cart_updated, at: 2026-11-23T08:10, value: 25 }
    - { event: purchase, at: 2026-11-23T08:30 }
  expect: { fires: false }
- name: once a day
  trigger: cart-left
  events:
    - { event: cart_updated, at: 2026-11-23T08:10, value: 25 }
    - { event: cart_updated, at: 2026-11-23T10:10, value: 25 }
    - { event: cart_updated, at: 2026-11-24T10:10, value: 25 }
  expect: { fires: 2 }
- name: the third visit of the week
  trigger: third-visit
  events:
    - { event: visit, at: 2026-11-22T12:00 }
    - { event: visit, at: 2026-11-23T12:00 }
    - { event: visit, at: 2026-11-24T12:00 }
    - { event: visit, at: 2026-11-29T12:00 }
  expect: { fires: 1 }
- name: a basket over 50 without a loyalty card
  trigger: no-card
  context: { member: false }
  events: [{ event: basket, at: 2026-11-23T08:10, value: 51 }]
  expect: { fires: true }
- name: the same with a card
  trigger: no-card
  context: { member: true }
  events: [{ event: basket, at: 2026-11-23T08:10, value: 51 }]
  expect: { fires: false }
"""
EVENTS = "purchase: { purposes: [measure] }\n"
GOOD = {
    "events": EVENTS,
    "triggers__cart-left": CART_LEFT,
    "triggers__third-visit": THIRD_VISIT,
    "triggers__no-card": NO_CARD,
}


def checked(cases: str, **changed: str) -> list[str]:
    return told(build(cases__triggers=cases, **{**GOOD, **changed}))


def test_the_examples_of_the_docs_hold_as_golden_cases() -> None:
    assert checked(CASES) == []


def test_a_case_that_fails_says_what_came_instead_and_why() -> None:
    failing = """\
- name: a cart that is left
  trigger: cart-left
  events:
    - { event: cart_updated, at: 2026-11-23T08:10, value: 25 }
    - { event: cart_updated, at: 2026-11-23T10:10, value: 25 }
  expect: { fires: 2, channel: push }
- name: nothing
  trigger: no-card
  events: [{ event: basket, at: 2026-11-23T08:10, value: 5 }]
  expect: { fires: true, payload: {} }
"""
    assert checked(failing) == [
        "cases/triggers.yaml:6:11  'a cart that is left' expected fires 2, got 1; "
        'expected channel "push", got "mail" (dropped: cooldown)',
        "cases/triggers.yaml:10:11  'nothing' expected fires true, got false; expected payload {}, got no action",
    ]


def test_a_case_without_the_consent_that_its_events_need_says_so() -> None:
    (line,) = checked(CASES.replace("  consent: [measure]\n", ""))
    assert line.endswith("'bought within half an hour' expected fires false, got true (dropped: consent)")


@pytest.mark.parametrize(
    ("case", "message"),
    [
        (
            "trigger: cart-lft, events: [], expect: { fires: true }",
            "unknown trigger 'cart-lft' (did you mean 'cart-left'?)",
        ),
        ("trigger: no-card, expect: { fires: true }", "a case of a trigger needs 'events'"),
        (
            "flag: banner, trigger: no-card, events: [], expect: { fires: true }",
            "a case needs one of 'flag', 'placement' and 'trigger'",
        ),
        (
            "trigger: no-card, events: [], expect: { variant: x }",
            "a trigger has no variant: expect fires, payload, channel",
        ),
        ("flag: banner, expect: { fires: true }", "'fires' is for cases of triggers"),
        (
            "flag: banner, events: [], expect: { variant: none }",
            "events happen in cases of triggers; elsewhere they are 'history'",
        ),
        (
            "trigger: no-card, events: [{ event: basket }], expect: { fires: false }",
            "something that happened needs 'at'",
        ),
        (
            "trigger: no-card, events: [{ event: basket, at: noon }], expect: { fires: false }",
            "'noon' is not an ISO 8601 time such as 2026-11-23T08:10",
        ),
        (
            "trigger: no-card, events: [{ event: a, at: 2026-11-23 }, { event: a, at: 2026-11-22 }], "
            "expect: { fires: 0 }",
            "this happens before the event above: write events in the order of their times",
        ),
        (
            "trigger: no-card, at: 2026-11-22, events: [{ event: basket, at: 2026-11-23 }], expect: { fires: 0 }",
            "the case ends before its last event",
        ),
    ],
)
def test_what_is_wrong_with_a_case_is_told(case: str, message: str) -> None:
    (problem,) = checked(f"- {{ name: x, {case} }}\n")
    assert problem.split("  ", 1)[1] == message


@pytest.mark.parametrize(
    ("trigger", "problem"),
    [
        (
            "on: a\nwhen: { '>': [{ var: event.value }, x] }\n",
            "'>' compares 'event.value' (number) with \"x\" (string)",
        ),
        ("on: a\nwhen: { var: event.value }\n", "'event.value' (number) is no condition: compare it with something"),
        ("on: a\nchannel: { var: event.value }\n", "a text is wanted here, and 'event.value' (number) is none"),
        (
            "on: a\nchannel: { highest: { push: { var: tier } } }\n",
            "a number is wanted here, and 'tier' (string) is none",
        ),
        ("on: a\nwait: 30\n", "a text is expected here"),
        ("on: a\nwait: soon\n", "'soon' is no duration: a number and s, m, h, d or w, such as 30m or 7d"),
        ("on: a\nlimit: { count: 2 }\n", "this needs 'window'"),
        ("on: a\nonce: true\n", "unknown field 'once'"),
        ("when: true\n", "a trigger needs 'on'"),
    ],
)
def test_what_is_wrong_with_a_trigger_is_told_once(trigger: str, problem: str) -> None:
    (line,) = told(build(triggers__x=trigger))
    assert problem in line


def test_a_payload_may_be_filled_with_values_of_any_type() -> None:
    reads = "{ a: { var: event.value }, b: { var: basket.categories }, c: [{ var: member }, { var: now.date }] }"
    assert told(build(triggers__x=f"on: a\npayload: {reads}\n")) == []
