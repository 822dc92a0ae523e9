"""A decision explains itself: which rule held, why the earlier ones did not, and what would have to change."""

import pytest

from nearwise_rules import Release, explain
from tests.rules.conftest import ISSUED, opened

BIG = {">=": [{"var": "basket.total"}, 20]}
COFFEE = {"and": [{"in": ["COFFEE", {"var": "basket.categories"}]}, {">=": [{"var": "basket.total"}, 10]}]}


def release_of(**fields: object) -> Release:
    flag = {"type": "string", "variants": {"a": "A", "b": "B", "off": "OFF"}, "default": "off", **fields}
    return Release(
        opened(
            {
                ("attribute", "basket.total"): {"type": "number"},
                ("attribute", "basket.categories"): {"type": "list", "of": "string"},
                ("flag", "offer"): flag,
            }
        )
    )


def said(release: Release, total: object = 12.4, subject: object = "h-1") -> str:
    data = {"basket": {"total": total, "categories": ["COFFEE"]}}
    return str(explain(release, "offer", data, subject, ISSUED))


RULES = [{"name": "big", "when": BIG, "serve": "a"}, {"name": "coffee", "when": COFFEE, "serve": "b"}]


def test_an_earlier_rule_says_on_which_value_it_failed_and_what_it_needs() -> None:
    text = said(release_of(rules=RULES))
    assert text.splitlines()[0] == "offer  ->  b   TARGETING_MATCH · rule coffee · bundle 1"
    assert "big     out" in text
    assert "`basket.total` is 12.4, needs >= 20" in text
    assert "coffee  held  serves b" in text


def test_rules_after_the_one_that_served_are_not_told() -> None:
    assert "coffee" not in said(release_of(rules=RULES), total=30)


def test_a_split_says_its_share_and_a_gap_goes_on() -> None:
    half = {"name": "half", "split": {"a": 0.01}, "ranges": [["a", 0, 1]]}
    text = said(release_of(rules=[half, {"name": "rest", "serve": "b"}]))
    assert "half  held  splits by subject: no share for this subject, so the next rule is tried" in text
    assert "rest  held  serves b" in text


def test_a_split_without_a_subject_says_what_is_missing() -> None:
    half = {"name": "half", "split": {"a": 100}, "ranges": [["a", 0, 10_000]]}
    assert "splits by subject, which is missing" in said(release_of(rules=[half]), subject=None)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"enabled": False}, "the flag is disabled"),
        ({"requires": [{"flag": "gate", "variant": ["on"]}]}, "a prerequisite is not met: gate must give on"),
        ({"holdout": {"percent": 100}}, "would serve, but the subject is in the holdout"),
    ],
)
def test_a_gate_is_said_in_words(fields: dict[str, object], sentence: str) -> None:
    assert sentence in said(release_of(rules=[{"name": "all", "serve": "a"}], **fields))


def test_a_value_of_the_wrong_type_is_told() -> None:
    assert "! TYPE_MISMATCH basket.total" in said(release_of(rules=RULES), total="12.40")


def test_what_cannot_be_explained_is_said_and_does_not_raise() -> None:
    release = release_of()
    assert "FLAG_NOT_FOUND" in str(explain(release, "no-such", {}, "h", ISSUED))
    assert "no rules were tried" in str(explain(release, "offer", None, "h", ISSUED))  # type: ignore[arg-type]  # pyright: ignore


def test_a_segment_is_explained_by_what_is_in_it() -> None:
    release = Release(
        opened(
            {
                ("attribute", "tier"): {"type": "string"},
                ("segment", "regulars"): {"when": {"in": [{"var": "tier"}, ["silver", "gold"]]}},
                ("segment", "friends"): {"when": {"segment": "regulars"}},
                ("flag", "offer"): {
                    "type": "string",
                    "variants": {"a": "A", "off": "OFF"},
                    "default": "off",
                    "rules": [
                        {"name": "strangers", "when": {"!": [{"segment": "friends"}]}, "serve": "off"},
                        {"name": "friends", "when": {"segment": "friends"}, "serve": "a"},
                    ],
                },
            }
        )
    )
    out, held = explain(release, "offer", {"tier": "gold"}, None, ISSUED).rules
    assert [finding.message for finding in out.findings] == ['segment("friends") is true, needs false']
    (finding,) = held.findings
    assert finding.message.startswith('segment friends: segment regulars: `tier` is "gold", as needed: to be one of')
    (missed,) = explain(release, "offer", {"tier": "none"}, None, ISSUED).rules
    assert missed.held


def test_a_gap_is_told_also_when_no_later_rule_holds() -> None:
    gap: dict[str, object] = {"name": "gap", "split": {"a": 0}, "ranges": []}
    text = said(release_of(rules=[gap, RULES[0]]))
    assert "gap  held  splits by subject: no share for this subject, so the next rule is tried" in text
    assert "big  out" in text


def test_a_clock_that_no_calendar_holds_is_explained_as_unanswered() -> None:
    night = {"when": {"==": [{"var": "now.hour"}, 1]}, "serve": "a"}
    explained = explain(release_of(rules=[night]), "offer", {}, "h-1", float("inf"))
    assert explained.notes == ("the question could not be answered",)
