"""The operator `audience` alone, compiled, and in a release: who is looked up, and when nobody is in."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from nearwise_rules import Decision, Dialect, DocumentError, EvaluationError, Release, Run, build_filter, explain, parse
from nearwise_rules.decide.surroundings import Surroundings
from nearwise_rules.logic import compile_conditions, interpret
from nearwise_rules.logic.compiler import Surprise, compile_expression
from tests.rules.conftest import ISSUED, opened

PERSONALISE = 8
VIP = build_filter(["h-1", "42", "Zoë"])
Evaluate = Callable[[object, Mapping[str, object], Run], object]


def interpreted(dialect: Dialect) -> Evaluate:
    return lambda rule, data, run: interpret(parse(rule, dialect=dialect), data, run)


def compiled(dialect: Dialect) -> Evaluate:
    return lambda rule, data, run: compile_expression(parse(rule, dialect=dialect))(data, run)


EVALUATE = pytest.mark.parametrize(
    "evaluate",
    [make(dialect) for dialect in Dialect for make in (interpreted, compiled)],
    ids=[f"{dialect.value}-{way}" for dialect in Dialect for way in ("interpreted", "compiled")],
)


def asking(subject: str | None = "h-1") -> Run:
    """A run that knows one audience."""

    def in_audience(key: str, looked_up: str | None) -> bool | None:
        who = subject if looked_up is None else looked_up
        return (who is not None and VIP.holds(who)) if key == "vip" else None

    return Run(in_audience=in_audience)


@EVALUATE
@pytest.mark.parametrize(
    ("rule", "data", "subject", "answer"),
    [
        ({"audience": "vip"}, {}, "h-1", True),
        ({"audience": ["vip"]}, {}, "h-1", True),
        ({"audience": ["vip"]}, {}, "h-2", False),
        ({"audience": ["vip"]}, {}, None, False),
        ({"!": {"audience": "vip"}}, {}, "h-2", True),
        ({"audience": ["vip", {"var": "household"}]}, {"household": "Zoë"}, "h-2", True),
        ({"audience": ["vip", {"var": "household"}]}, {"household": "h-3"}, "h-1", False),
        ({"audience": ["vip", {"var": "household"}]}, {"household": 42}, "h-2", True),
        ({"audience": ["vip", {"var": "household"}]}, {"household": None}, "h-1", False),
        ({"audience": ["vip", {"var": "household"}]}, {}, "h-1", False),
        ({"some": [{"var": "cards"}, {"audience": ["vip", {"var": ""}]}]}, {"cards": ["x", "h-1"]}, "h-2", True),
    ],
)
def test_the_subject_or_the_given_key_is_looked_up(
    evaluate: Evaluate, rule: object, data: Mapping[str, object], subject: str | None, answer: bool
) -> None:
    assert evaluate(rule, data, asking(subject)) is answer


@EVALUATE
@pytest.mark.parametrize("value", [True, 1.5, ["h-1"], {"a": 1}, 10**400])
def test_only_texts_and_whole_numbers_are_looked_up(evaluate: Evaluate, value: object) -> None:
    with pytest.raises(EvaluationError, match="looks up a text or a whole number"):
        evaluate({"audience": ["vip", {"var": "x"}]}, {"x": value}, asking())


@EVALUATE
def test_an_unknown_audience_holds_nobody_and_is_noted(evaluate: Evaluate) -> None:
    run = asking()
    assert evaluate({"audience": ["testers"]}, {}, run) is False
    assert [(noted.code, noted.place) for noted in run.diagnostics] == [("UNKNOWN_AUDIENCE", "testers")]


@pytest.mark.parametrize("given", [[], {"var": "x"}, [{"var": "x"}], ["a", "b", "c"], 5])
def test_the_audience_stands_in_the_rule(given: object) -> None:
    with pytest.raises(DocumentError):
        parse({"audience": given})


def test_a_rule_lists_its_audiences_and_needs_a_run() -> None:
    expression = parse({"or": [{"audience": "vip"}, {"audience": ["a", "x"]}]})
    assert expression.audiences == ("a", "vip")
    with pytest.raises(Surprise):
        compile_conditions([expression])({}, None)


def release(purposes: int = 0, granted: int = 0, body: bytes | None = None) -> Release:
    flag = {
        "type": "boolean",
        "variants": {"on": True, "off": False},
        "default": "off",
        "rules": [{"name": "vip", "when": {"audience": "vip"}, "serve": "on"}],
    }
    filter_bytes = VIP.with_purposes(purposes).to_bytes() if body is None else body
    bundle = opened({("flag", "lounge"): flag, ("audience", "vip"): filter_bytes})
    return Release(bundle, surround=lambda _subject: Surroundings(granted=granted))


def variant(asked: Release, subject: object = "h-1") -> str | None:
    """The answer, which stays the same when the flag is compiled."""
    answers: list[Decision] = [asked.decide("lounge", {}, subject, ISSUED) for _ in range(4)]
    assert len({answer.variant for answer in answers}) == 1
    return answers[0].variant


@pytest.mark.parametrize(
    ("subject", "expected"), [("h-1", "on"), (42, "on"), ("h-2", "off"), ("", "off"), (None, "off"), ("\ud800", "off")]
)
def test_a_release_asks_the_filter_of_its_bundle(subject: object, expected: str) -> None:
    assert variant(release(), subject) == expected


def test_the_filter_is_read_once_and_lies_in_the_bundle() -> None:
    asked = release()
    assert asked.audience("vip") is asked.audience("vip")
    assert asked.audience("other") is None


@pytest.mark.parametrize(
    ("granted", "expected"), [(0, "off"), (4, "off"), (PERSONALISE, "on"), (PERSONALISE | 4, "on")]
)
def test_nobody_is_in_without_the_consent_that_the_audience_needs(granted: int, expected: str) -> None:
    assert variant(release(PERSONALISE, granted)) == expected


def test_a_damaged_filter_is_an_unknown_audience() -> None:
    decision = release(body=b"no filter").decide("lounge", {}, "h-1", ISSUED)
    assert decision.variant == "off"
    assert [noted.code for noted in decision.diagnostics] == ["UNKNOWN_AUDIENCE"]


@pytest.mark.parametrize(
    ("subject", "message"),
    [
        ("h-1", "subject is in audience vip, as needed: to be in it"),
        ("h-2", "subject is not in audience vip, needs to be in it"),
    ],
)
def test_an_explanation_names_the_audience(subject: str, message: str) -> None:
    (rule,) = explain(release(), "lounge", {}, subject, ISSUED).rules
    assert [finding.message for finding in rule.findings] == [message]
