"""Triggers as authors write them: what is built of them, and everything that is told of a wrong one."""

from __future__ import annotations

from typing import Any

import pytest

from nearwise_rules.rulesets import assemble
from tests.rules.test_rulesets import entry, flag, rule_set

WHOLE: dict[str, Any] = {
    "on": "cart_updated",
    "when": {">": [{"var": "event.value"}, 50]},
    "unless": ["left", {"event": "purchase", "where": {"==": [{"var": "event.properties.till"}, 7]}}],
    "wait": "30m",
    "times": {"count": 3, "window": "week"},
    "cooldown": "24h",
    "limit": {"count": 2, "window": "month"},
    "when_due": {"<": [{"var": "now.hour"}, 20]},
    "payload": {"text": "Still yours", "basket": {"var": "event.properties.basket"}, "of": [{"var": ["tier", "none"]}]},
    "channel": {"if": [{"==": [{"var": "tier"}, "gold"]}, "push", "mail"]},
    "purposes": ["personalise", "measure"],
    "enabled": True,
    "expires": "12h",
    "description": "Carts that are left alone",
}


def told(trigger: Any, **files: Any) -> list[tuple[str, str]]:
    assembled = assemble(rule_set(triggers__t=trigger, **files))
    return [(problem.code, problem.pointer) for problem in assembled.problems]


def test_a_trigger_becomes_an_entry_as_it_is_written() -> None:
    assembled = assemble(rule_set(triggers__t=WHOLE))
    assert assembled.problems == ()
    assert entry(assembled, "trigger", "t") == WHOLE
    places = [condition.pointer for condition in assembled.conditions]
    assert places == ["/when", "/when_due", "/unless/1/where", "/payload/basket", "/payload/of/0", "/channel"]


@pytest.mark.parametrize("trigger", [{"on": "a"}, {"on": "exposure", "unless": {"event": "b"}, "wait": "1m"}])
def test_most_of_it_may_be_left_out(trigger: Any) -> None:
    assert told(trigger) == []


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"cooldwon": "1h"}, "unknown_field", "/cooldwon"),
    ({"on": None}, "missing_field", ""),
    ({"on": 5}, "shape", "/on"),
    ({"on": ""}, "bad_event", "/on"),
    ({"on": "decision"}, "bad_event", "/on"),
    ({"when": {"==": [{"var": "teir"}, "gold"]}}, "unknown_attribute", "/when/==/0/var"),
    ({"when": {"==": [{"var": "event.propertys.x"}, 1]}}, "unknown_attribute", "/when/==/0/var"),
    ({"when": {"=>": [1, 2]}}, "unknown_operator", "/when/=>"),
    ({"when": {"segment": "regulars"}}, "unknown_segment", "/when/segment"),
    ({"when": {">": [{"model": "affinity"}, 1]}}, "unknown_model", "/when/>/0/model"),
    ({"when": False}, "never_holds", "/when"),
    ({"when": {"and": [{"==": [{"var": "tier"}, "gold"]}, {"==": [{"var": "tier"}, "none"]}]}}, "never_holds", "/when"),
    ({"when_due": {"flag": "reminders"}}, "unknown_flag", "/when_due/flag"),
    ({"unless": "cart_updated"}, "cancels_itself", "/unless"),
    ({"unless": [{"event": "cart_updated"}]}, "cancels_itself", "/unless/0/event"),
    ({"unless": [{"where": True}]}, "missing_field", "/unless/0"),
    ({"unless": [{"event": "left", "when": True}]}, "unknown_field", "/unless/0/when"),
    ({"unless": [7]}, "shape", "/unless/0"),
    ({"wait": None}, "never_cancels", "/unless"),
    ({"wait": "half an hour"}, "bad_duration", "/wait"),
    ({"wait": "week"}, "bad_duration", "/wait"),
    ({"cooldown": 3600}, "shape", "/cooldown"),
    ({"expires": "0h"}, "bad_duration", "/expires"),
    ({"times": {"count": 3}}, "missing_field", "/times"),
    ({"times": {"count": 0, "window": "week"}}, "shape", "/times/count"),
    ({"times": {"count": 101, "window": "week"}}, "too_large", "/times/count"),
    ({"times": {"count": 3, "window": "year"}}, "bad_window", "/times/window"),
    ({"limit": {"count": 2, "window": "month", "per": "device"}}, "unknown_field", "/limit/per"),
    ({"limit": {"count": 2, "window": "48h"}}, "idle_limit", "/limit"),
    ({"payload": "text"}, "shape", "/payload"),
    ({"payload": {"a": [[[[[[1]]]]]]}}, "bad_payload", "/payload"),
    ({"payload": {"a": "x" * 20_000}}, "bad_payload", "/payload"),
    ({"payload": {"a": [{"var": "teir"}]}}, "unknown_attribute", "/payload/a/0/var"),
    ({"payload": {"a": {"var": ""}}}, "reads_everything", "/payload/a"),
    ({"channel": 7}, "shape", "/channel"),
    ({"channel": ""}, "no_channel", "/channel"),
    ({"channel": {"model": "affinity"}}, "no_channel", "/channel"),
    ({"channel": {"highest": {}}}, "no_channel", "/channel/highest"),
    ({"channel": {"highest": {"push": None}}}, "missing_field", "/channel/highest/push"),
    ({"channel": {"highest": {"push": "high"}}}, "shape", "/channel/highest/push"),
    ({"channel": {"highest": {"push": {"model": "affinity"}}}}, "unknown_model", "/channel/highest/push/model"),
    ({"purposes": ["personalize"]}, "unknown_purpose", "/purposes/0"),
]


@pytest.mark.parametrize(
    ("changed", "code", "pointer"), WRONG, ids=lambda value: value if isinstance(value, str) else ""
)
def test_what_is_wrong_is_told_where_it_stands(changed: dict[str, Any], code: str, pointer: str) -> None:
    assert (code, pointer) in told({**WHOLE, **changed})


def test_only_the_mistake_is_told() -> None:
    for changed, code, _ in WRONG:
        if code not in ("no_channel", "never_cancels"):
            assert len(told({**WHOLE, **changed})) == 1, changed


def test_a_misspelt_purpose_and_attribute_come_with_the_right_one() -> None:
    wrong = {**WHOLE, "purposes": ["personalize"], "payload": {"tier": {"var": "teir"}}}
    messages = [problem.message for problem in assemble(rule_set(triggers__t=wrong)).problems]
    assert messages == [
        "unknown attribute 'teir' (did you mean 'tier'?)",
        "unknown purpose 'personalize' (did you mean 'personalise'?)",
    ]


def test_segments_nested_too_deep_below_a_trigger_are_told() -> None:
    segments: dict[str, Any] = {f"s{level}": {"when": {"segment": f"s{level + 1}"}} for level in range(5)}
    segments["s5"] = {"when": True}
    assert told({"on": "a", "when": {"segment": "s0"}}, segments=segments) == [("nesting", "")]


def test_conditions_elsewhere_do_not_read_the_event() -> None:
    rule = {"when": {"==": [{"var": "event.name"}, "a"]}, "serve": "on"}
    problems = assemble(rule_set(flags__a=flag(rule), triggers__t={"on": "a"})).problems
    assert [problem.code for problem in problems] == ["unknown_attribute"]
