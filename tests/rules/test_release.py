"""A release answers questions: rules in order, splits, holdout, prerequisites, expiry, and never an exception."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearwise_rules import (
    Bundle,
    BundleRefused,
    Decision,
    DocumentError,
    ErrorCode,
    Json,
    Reason,
    Refusal,
    Release,
    explain,
    run_cases,
)
from nearwise_rules.decide.flags import FlagResolver
from nearwise_rules.decide.plans import plan_flag
from nearwise_rules.decide.question import Question
from tests.rules.conftest import ISSUED, BundleMaker, opened

ATTRIBUTES = {
    ("attribute", "basket.total"): {"type": "number"},
    ("attribute", "plan"): {"type": "string"},
}
BIG = {">=": [{"var": "basket.total"}, 20]}


def flag(**fields: object) -> dict[str, object]:
    return {"type": "string", "variants": {"a": "A", "b": "B", "off": "OFF"}, "default": "off", **fields}


def nested(depth: int) -> Json:
    value: Json = 1
    for _ in range(depth):
        value = [value]
    return value


def split(a: int, b: int) -> dict[str, object]:
    return {"name": "half", "split": {"a": a / 100, "b": b / 100}, "ranges": [["a", 0, a], ["b", a, a + b]]}


@dataclass
class Asker:
    """Asks one flag of a bundle made of that flag, the attributes above and what `more` adds."""

    make: BundleMaker

    def release(
        self, document: object, more: Mapping[tuple[str, str], object] | None = None, **manifest: object
    ) -> Release:
        documents: dict[tuple[str, str], object] = {**ATTRIBUTES, ("flag", "offer"): document, **(more or {})}
        bundle: Bundle = self.make(documents, **manifest)
        return Release(bundle)

    def __call__(self, document: object, subject: object = "h-1", at: float = ISSUED, **data: object) -> Decision:
        return self.release(document).decide("offer", data, subject, at)


@pytest.fixture
def ask(make_bundle: BundleMaker) -> Asker:
    return Asker(make_bundle)


def test_the_first_rule_that_holds_serves(ask: Asker) -> None:
    document = flag(rules=[{"name": "big", "when": BIG, "serve": "a"}, {"name": "rest", "serve": "b"}])
    big = ask(document, basket={"total": 20})
    assert (big.value, big.variant, big.reason, big.rule) == ("A", "a", Reason.TARGETING_MATCH, "big")
    small = ask(document, basket={"total": 19.99})
    assert (small.value, small.rule) == ("B", "rest")


def test_without_rules_the_default_is_static_and_after_rules_it_is_the_default(ask: Asker) -> None:
    assert ask(flag()).reason is Reason.STATIC
    missed = ask(flag(rules=[{"when": BIG, "serve": "a"}]), basket={})
    assert (missed.value, missed.reason, missed.diagnostics) == ("OFF", Reason.DEFAULT, ())


def test_a_value_of_the_wrong_type_counts_as_missing_and_is_named(ask: Asker) -> None:
    decision = ask(flag(rules=[{"when": BIG, "serve": "a"}]), basket={"total": "421"})
    assert decision.variant == "off"
    assert [(item.code, item.place) for item in decision.diagnostics] == [("TYPE_MISMATCH", "basket.total")]


def test_a_split_gives_each_share_its_part_and_says_the_propensity(ask: Asker) -> None:
    release = ask.release(flag(rules=[split(3000, 7000)]))
    decisions = [release.decide("offer", {}, f"h-{n}", ISSUED) for n in range(4000)]
    share = sum(decision.variant == "a" for decision in decisions) / 4000
    assert abs(share - 0.3) < 4 * (0.3 * 0.7 / 4000) ** 0.5
    assert {(d.variant, d.propensity, d.reason) for d in decisions} == {
        ("a", 0.3, Reason.SPLIT),
        ("b", 0.7, Reason.SPLIT),
    }


def test_what_a_split_leaves_over_falls_through_to_the_next_rule(ask: Asker) -> None:
    release = ask.release(flag(rules=[split(3000, 0), {"name": "rest", "serve": "b"}]))
    served = {release.decide("offer", {}, f"h-{n}", ISSUED).rule for n in range(100)}
    assert served == {"half", "rest"}


def test_growing_a_share_keeps_those_who_are_in_it(ask: Asker) -> None:
    ten = ask.release(flag(rules=[split(1000, 0)]))
    twenty = ask.release(flag(rules=[split(2000, 0)]))
    subjects = [f"h-{n}" for n in range(2000)]
    inside = {s for s in subjects if ten.decide("offer", {}, s, ISSUED).variant == "a"}
    assert inside
    assert inside < {s for s in subjects if twenty.decide("offer", {}, s, ISSUED).variant == "a"}


@pytest.mark.parametrize("subject", [None, 1.5, True, b"x"])
def test_a_split_without_a_subject_says_so_and_gives_the_default(ask: Asker, subject: object) -> None:
    decision = ask(flag(rules=[split(5000, 5000)]), subject=subject)
    assert (decision.value, decision.reason) == ("OFF", Reason.ERROR)
    assert decision.error_code is ErrorCode.TARGETING_KEY_MISSING


def test_a_split_by_another_attribute_keeps_a_store_together(ask: Asker) -> None:
    release = ask.release(flag(rules=[{**split(5000, 5000), "by": "store.id"}]))
    got = {release.decide("offer", {"store": {"id": 7}}, f"h-{n}", ISSUED).variant for n in range(50)}
    assert len(got) == 1


def test_a_holdout_answers_neutral_for_those_who_would_have_got_something(ask: Asker) -> None:
    document = flag(
        neutral="b", holdout={"percent": 10, "salt": "g"}, rules=[{"name": "big", "when": BIG, "serve": "a"}]
    )
    release = ask.release(document)
    decisions = [release.decide("offer", {"basket": {"total": 30}}, f"h-{n}", ISSUED) for n in range(3000)]
    held = [decision for decision in decisions if decision.reason is Reason.HOLDOUT]
    assert abs(len(held) / 3000 - 0.1) < 4 * (0.1 * 0.9 / 3000) ** 0.5
    assert {(d.variant, d.rule) for d in held} == {("b", "big")}
    small = [release.decide("offer", {"basket": {"total": 1}}, f"h-{n}", ISSUED) for n in range(3000)]
    assert {decision.reason for decision in small} == {Reason.DEFAULT}


def test_a_rule_set_wide_holdout_holds_unless_a_flag_opts_out(ask: Asker) -> None:
    more = {("settings", "rule-set"): {"name": "shop", "holdout": {"percent": 100}}}
    rules = [{"name": "all", "serve": "a"}]
    assert ask.release(flag(rules=rules), more).decide("offer", {}, "h-1", ISSUED).reason is Reason.HOLDOUT
    exempt = ask.release(flag(rules=rules, holdout=False), more)
    assert exempt.decide("offer", {}, "h-1", ISSUED).variant == "a"


def test_a_disabled_flag_gives_its_neutral_variant(ask: Asker) -> None:
    decision = ask(flag(enabled=False, neutral="b", rules=[{"serve": "a"}]))
    assert (decision.variant, decision.reason) == ("b", Reason.DISABLED)


def test_a_prerequisite_must_have_given_one_of_the_variants(ask: Asker) -> None:
    gate = {**flag(), "rules": [{"when": BIG, "serve": "a"}]}
    document = flag(requires=[{"flag": "gate", "variant": ["a"]}], rules=[{"name": "all", "serve": "b"}])
    release = ask.release(document, {("flag", "gate"): gate})
    assert release.decide("offer", {"basket": {"total": 30}}, "h", ISSUED).variant == "b"
    unmet = release.decide("offer", {"basket": {"total": 3}}, "h", ISSUED)
    assert (unmet.variant, unmet.reason) == ("off", Reason.PREREQUISITE_FAILED)


def test_prerequisites_in_a_circle_fail_and_do_not_hang(ask: Asker) -> None:
    circle = flag(requires=[{"flag": "offer", "variant": ["a"]}], rules=[{"serve": "a"}])
    release = ask.release(flag(requires=[{"flag": "gate", "variant": ["a"]}]), {("flag", "gate"): circle})
    assert release.decide("offer", {}, "h", ISSUED).reason is Reason.PREREQUISITE_FAILED


def test_a_rule_can_ask_a_segment_and_another_flag(ask: Asker) -> None:
    more = {
        ("segment", "big"): {"when": BIG},
        ("flag", "gate"): {**flag(), "rules": [{"when": {"segment": "big"}, "serve": "a"}]},
    }
    condition = {"and": [{"segment": "big"}, {"==": [{"flag": "gate"}, "a"]}]}
    release = ask.release(flag(rules=[{"name": "both", "when": condition, "serve": "b"}]), more)
    assert release.decide("offer", {"basket": {"total": 30}}, "h", ISSUED).rule == "both"
    assert release.decide("offer", {"basket": {"total": 3}}, "h", ISSUED).rule is None


def test_rules_read_the_clock_in_the_zone_of_the_store(ask: Asker) -> None:
    more = {("settings", "rule-set"): {"name": "shop", "zone": "Europe/Warsaw"}}
    condition = {"and": [{"==": [{"var": "now.weekday"}, "mon"]}, {"==": [{"var": "now.hour"}, 8]}]}
    release = ask.release(flag(rules=[{"when": condition, "serve": "a"}]), more)
    monday_8_10_in_warsaw = 1_795_417_800.0
    assert release.decide("offer", {}, "h", monday_8_10_in_warsaw).variant == "a"
    assert release.decide("offer", {}, "h", monday_8_10_in_warsaw + 3600).variant == "off"


def test_rules_can_read_flagd_names(ask: Asker) -> None:
    condition = {"and": [{"==": [{"var": "$flagd.flagKey"}, "offer"]}, {"==": [{"var": "targetingKey"}, "h-1"]}]}
    assert ask(flag(rules=[{"when": condition, "serve": "a"}])).variant == "a"


@pytest.mark.parametrize(
    ("grace", "reason", "value", "code"),
    [
        ("serve", Reason.TARGETING_MATCH, "A", None),
        ("safe_only", Reason.STALE, "B", None),
        ("stop", Reason.ERROR, "mine", ErrorCode.PROVIDER_NOT_READY),
    ],
)
def test_after_its_end_a_bundle_serves_as_its_grace_says(
    ask: Asker, grace: str, reason: Reason, value: str, code: ErrorCode | None
) -> None:
    release = ask.release(flag(neutral="b", rules=[{"serve": "a"}]), expires=ISSUED + 60, grace=grace)
    assert release.decide("offer", {}, "h", ISSUED + 60).value == "A"
    late = release.decide("offer", {}, "h", ISSUED + 61, default="mine")
    assert (late.reason, late.value, late.error_code) == (reason, value, code)


def test_an_unknown_flag_gives_the_callers_default(ask: Asker) -> None:
    decision = ask.release(flag()).decide("no-such", {}, "h", ISSUED, default="mine")
    assert (decision.value, decision.variant, decision.error_code) == ("mine", None, ErrorCode.FLAG_NOT_FOUND)


def test_a_flag_that_cannot_be_read_is_a_parse_error_and_the_others_go_on(ask: Asker) -> None:
    release = ask.release(flag(), {("flag", "bad"): flag(rules=[{"when": {"nonsense": 1}, "serve": "a"}])})
    assert release.decide("bad", {}, "h", ISSUED, default=1).error_code is ErrorCode.PARSE_ERROR
    assert release.decide("offer", {}, "h", ISSUED).value == "OFF"


@pytest.mark.parametrize("data", [None, 7, "text", [1], object()])
def test_a_context_that_is_no_mapping_is_named_and_never_raises(ask: Asker, data: object) -> None:
    release = ask.release(flag(rules=[{"when": BIG, "serve": "a"}]))
    decision = release.decide("offer", data, "h", ISSUED, default="mine")  # type: ignore[arg-type]  # pyright: ignore
    assert (decision.value, decision.error_code) == ("mine", ErrorCode.INVALID_CONTEXT)
    assert decision.diagnostics[0].message.endswith(f"and this is of type {type(data).__name__}")


@pytest.mark.parametrize("key", [None, 7, ["offer"], {}])
def test_a_key_that_is_no_text_is_not_found_and_never_raises(ask: Asker, key: object) -> None:
    decision = ask.release(flag()).decide(key, {}, "h", ISSUED, default="mine")  # type: ignore[arg-type]  # pyright: ignore
    assert (decision.value, decision.error_code) == ("mine", ErrorCode.FLAG_NOT_FOUND)


class Hostile(dict[str, object]):
    """A mapping that fails when it is read."""

    def get(self, *_: object) -> object:
        raise RuntimeError("no")

    def __getitem__(self, _: str) -> object:
        raise RuntimeError("no")


def test_a_context_that_fails_when_read_never_raises(ask: Asker) -> None:
    release = ask.release(flag(rules=[{"when": BIG, "serve": "a"}]))
    decision = release.decide("offer", Hostile(basket=1), "h", ISSUED, default="mine")
    assert decision.value in ("mine", "OFF")


def test_a_decision_cannot_be_changed_and_gives_copies_of_objects(ask: Asker) -> None:
    decision = ask({"type": "object", "variants": {"x": {"list": [1]}}, "default": "x"})
    with pytest.raises(AttributeError):
        decision.value = 1  # type: ignore[misc]  # pyright: ignore
    first = decision.value
    assert isinstance(first, dict)
    first["list"] = "spoilt"
    assert decision.value == {"list": [1]}


def test_the_same_question_has_the_same_id_on_any_machine(ask: Asker) -> None:
    document = flag(rules=[split(5000, 5000)])
    assert ask(document).id == ask(document).id
    assert ask(document).id != ask(document, subject="h-2").id
    assert ask(document, at=ISSUED + 5).age == 5


def outline(decision: Decision) -> tuple[object, ...]:
    return (*decision[:1], decision.value, decision.diagnostics)


def big_rule(name: str, variant: str) -> dict[str, object]:
    return {"name": name, "when": BIG, "serve": variant}


def full_split(a: int) -> dict[str, object]:
    return split(a, 10_000 - a)


def partial_split(a: int) -> dict[str, object]:
    return split(a, 0)


PLAN_RULE: dict[str, object] = {"name": "plan", "when": {"in": [{"var": "plan"}, ["pro", "team"]]}, "serve": "b"}
plain_rules: st.SearchStrategy[list[dict[str, object]]] = st.lists(
    st.one_of(
        st.builds(big_rule, st.text("xyz", min_size=1), st.sampled_from("ab")),
        st.builds(full_split, st.integers(0, 10_000)),
        st.builds(partial_split, st.integers(0, 10_000)),
        st.just(PLAN_RULE),
    ),
    max_size=4,
)
contexts: st.SearchStrategy[dict[str, object]] = st.fixed_dictionaries(
    {},
    optional={
        "basket": st.sampled_from([{}, {"total": 30}, {"total": "x"}, None, {"total": 1.5}]),
        "plan": st.sampled_from(["pro", "free", 7, None]),
    },
)
subjects: st.SearchStrategy[object] = st.one_of(st.text(max_size=5), st.integers(), st.none(), st.just("\ud800"))


@settings(deadline=None)
@given(plain_rules, contexts, subjects, st.sampled_from([None, 5, 100]))
def test_the_quick_way_and_the_whole_way_agree(
    rules: list[dict[str, object]], data: dict[str, object], subject: object, holdout: int | None
) -> None:
    document = flag(rules=rules, **({"holdout": {"percent": holdout}} if holdout else {}))
    release = Release(opened({**ATTRIBUTES, ("flag", "offer"): document}))
    resolver = release.resolver("offer")
    assert isinstance(resolver, FlagResolver)
    whole = resolver.decide(Question(data, subject, ISSUED))
    for _ in range(4):  # interpreted first, then by the quick way
        assert outline(release.decide("offer", data, subject, ISSUED)) == outline(whole)


def gates(length: int, mentions: int) -> dict[tuple[str, str], object]:
    """A chain of flags, each of which asks the next one several times; the last one serves."""
    last = {("flag", f"gate-{length}"): flag(rules=[{"serve": "a"}])}
    asking = {
        ("flag", f"gate-{number}"): flag(
            rules=[{"when": {"and": [{"flag": [f"gate-{number + 1}", "a"]}] * mentions}, "serve": "a"}]
        )
        for number in range(length)
    }
    return {**asking, **last}


def test_a_prerequisite_that_many_ask_for_is_decided_once(make_bundle: BundleMaker) -> None:
    release = Release(make_bundle(gates(20, 4)))
    assert release.decide("gate-0", {}, "h-1", ISSUED).variant == "a"


def test_all_prerequisites_share_one_budget(make_bundle: BundleMaker) -> None:
    long = {"none": [{"var": "l"}, {"==": [{"+": [{"var": ""}, 1]}, 2]}]}
    names = [f"gate-{number}" for number in range(4)]
    documents = {("flag", name): flag(rules=[{"when": long, "serve": "a"}]) for name in names}
    first = flag(rules=[{"when": {"flag": [name, "a"]}, "name": name, "serve": "b"} for name in names])
    release = Release(make_bundle({**documents, ("flag", "offer"): first}))
    question = Question({"l": list(range(2, 15_000))}, "h-1", ISSUED)
    resolver = release.resolver("offer")
    assert isinstance(resolver, FlagResolver)
    assert resolver.decide(question).rule == "gate-0"
    assert [release.variant(name, question) for name in names] == ["a", "a", "off", "off"]


def test_fractional_in_a_rule_hashes_as_the_bundle_says(ask: Asker) -> None:
    chosen = {"fractional": [{"var": "subject"}, ["a", 1], ["b", 1]]}
    document = flag(rules=[{"when": {"==": [chosen, "a"]}, "serve": "a"}])
    settings = {("settings", "rule-set"): {"name": "x", "bucketing": "murmur3-cbor"}}
    answers = {
        name: [release.decide("offer", {}, f"h-{n}", ISSUED).variant for n in range(40)]
        for name, release in {"old": ask.release(document), "new": ask.release(document, settings)}.items()
    }
    assert answers["old"] != answers["new"]


def test_rules_behind_gaps_of_splits_cost_by_their_number_not_squared(ask: Asker) -> None:
    gap: dict[str, object] = {"split": {"a": 0}, "ranges": []}
    rules: list[object] = [{"name": f"r{n}", "when": {"==": [{"var": f"x{n}"}, n]}, **gap} for n in range(50)]
    release = ask.release(flag(rules=[*rules, {"serve": "b"}]))
    decisions = [release.decide("offer", {f"x{n}": n for n in range(50)}, "h-1", ISSUED) for _ in range(4)]
    resolver = release.resolver("offer")
    assert isinstance(resolver, FlagResolver)
    assert [(decision.variant, decision.rule) for decision in decisions] == [("b", "rule-51")] * 4
    assert [end - start for start, end in list(resolver._matchers)[1:]] == [1] * 50  # pyright: ignore[reportPrivateUsage]


def test_a_split_can_be_by_a_provided_attribute(ask: Asker) -> None:
    whole = {"split": {"a": 100}, "by": "targetingKey", "ranges": [["a", 0, 10_000]]}
    assert ask(flag(rules=[whole])).variant == "a"


@pytest.mark.parametrize("subject", [Decimal("1e99999999"), Decimal("Infinity"), Decimal("NaN"), 10**2_000])
def test_a_number_without_end_is_nobodys_key(ask: Asker, subject: object) -> None:
    decision = ask(flag(rules=[split(5_000, 5_000)]), subject=subject)
    assert decision.error_code is ErrorCode.TARGETING_KEY_MISSING
    assert decision.id == ask(flag(), subject=None).id


@pytest.mark.parametrize(
    "document",
    [
        flag(rules=["serve"]),
        flag(rules=[[0]]),
        flag(holdout={"percent": 1e308}),
    ],
)
def test_an_entry_that_is_no_flag_is_a_parse_error_also_when_explained(ask: Asker, document: object) -> None:
    release = ask.release(document)
    assert release.decide("offer", {}, "h-1", ISSUED).error_code is ErrorCode.PARSE_ERROR
    assert explain(release, "offer", {}, "h-1", ISSUED).rules == ()


def test_a_value_that_is_nested_too_deeply_to_be_copied_is_refused(ask: Asker) -> None:
    document: dict[str, Json] = {"type": "object", "variants": {"a": nested(900)}, "default": "a"}
    with pytest.raises(DocumentError, match="nested deeper"):
        plan_flag("offer", document, ask.release(flag()))


def test_a_golden_case_that_cannot_be_run_has_failed(ask: Asker) -> None:
    wrong = {
        ("case", "a"): {"flag": "offer", "expect": {"variant": "off"}, "at": "noon"},
        ("case", "b"): ["no case"],
    }
    assert [failure.key for failure in run_cases(ask.release(flag(), wrong))] == ["a", "b"]


@pytest.mark.parametrize("settings", [{"dialect": "next"}, {"bucketing": "murmur4"}, ["safe"]])
def test_settings_that_this_version_lacks_refuse_the_bundle(ask: Asker, settings: object) -> None:
    with pytest.raises(BundleRefused) as caught:
        ask.release(flag(), {("settings", "rule-set"): settings})
    assert caught.value.reason is Refusal.UNSUPPORTED_FORMAT


def test_a_golden_case_tells_true_from_one(ask: Asker) -> None:
    document = {"type": "boolean", "variants": {"on": True}, "default": "on"}
    cases = {("case", str(n)): {"flag": "offer", "expect": {"value": value}} for n, value in enumerate((True, 1))}
    assert [failure.key for failure in run_cases(ask.release(document, cases))] == ["1"]
