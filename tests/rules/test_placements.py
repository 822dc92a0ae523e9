"""Placements: which offers a slot shows, in one pass from the candidates to the items or the fallback."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from nearwise_rules import ErrorCode, Reason, Signal, assemble, place_of
from tests.rules.placement_cases import MONDAY, Shop, rule_set

NEVER = {"<": [{"var": "visits"}, 0]}
BY_VALUE = {"p": {"score": {"value": True}}}


def slot(**more: Any) -> dict[str, Any]:
    return {"candidates": {"tags": ["t"]}, "policies": BY_VALUE, **more}


def offer(value: Any, **more: Any) -> dict[str, Any]:
    return {"tags": ["t", *more.pop("tags", [])], "value": value, **more}


def test_the_most_valuable_offer_that_the_subject_is_eligible_for() -> None:
    offers = {
        "cheap": offer(1),
        "dear": offer(3, eligible={">=": [{"var": "basket.total"}, 20]}),
        "middling": offer(2),
    }
    shop = Shop(rule_set(offers, {"slot": slot()}))
    assert shop.decide("slot", basket={"total": 25}).keys == ["dear"]
    assert shop.decide("slot", basket={"total": 5}).keys == ["middling"]
    assert shop.decide("slot").keys == ["middling"]


def test_ties_are_broken_by_key() -> None:
    shop = Shop(rule_set({"b": offer(1), "a": offer(1), "c": offer(1)}, {"slot": slot(size=2)}))
    assert shop.decide("slot").keys == ["a", "b"]


def test_the_fallback_is_shown_when_nothing_can_be_ranked_and_ignores_caps_and_dates() -> None:
    thanks = {"when": {"end": "2020-01-01"}, "caps": [{"limit": 1}]}
    shop = Shop(rule_set({"a": offer(1, eligible=NEVER), "thanks": thanks}, {"slot": slot(fallback=["thanks"])}))
    decision = shop.decide("slot")
    assert [(item.key, item.is_fallback, item.score) for item in decision.items] == [("thanks", True, None)]
    assert decision.variant == "p"


def test_a_schedule_closes_an_offer_in_the_zone_of_the_store() -> None:
    files = rule_set(
        {"a": offer(2, when={"days": ["mon"], "from": "09:00", "until": "10:00"}), "b": offer(1)},
        {"slot": slot()},
        settings={"zone": "Europe/Warsaw"},
    )
    shop = Shop(files)
    assert shop.decide("slot", at=MONDAY).keys == ["a"]  # 09:00 in Warsaw
    assert shop.decide("slot", at=MONDAY + 3600).keys == ["b"]
    assert shop.decide("slot", at=MONDAY).keys == ["a"]


def test_at_most_so_many_of_a_tag() -> None:
    offers = {"a": offer(4, tags=["coffee"]), "b": offer(3, tags=["coffee"]), "c": offer(2)}
    shop = Shop(rule_set(offers, {"slot": slot(size=2, at_most=[{"tag": "coffee", "items": 1}])}))
    assert shop.decide("slot").keys == ["a", "c"]


def test_a_tag_that_is_written_twice_counts_once() -> None:
    offers = {"a": offer(4, tags=["coffee", "coffee"]), "b": offer(3, tags=["coffee"]), "c": offer(2)}
    shop = Shop(rule_set(offers, {"slot": slot(size=2, at_most=[{"tag": "coffee", "items": 2}])}))
    assert shop.decide("slot").keys == ["a", "b"]


def test_no_offer_is_given_twice_in_one_call() -> None:
    offers = {name: offer(value) for name, value in {"a": 3, "b": 2, "c": 1}.items()}
    shop = Shop(rule_set(offers, {"hero": slot(), "strip": slot(size=2), "receipt": slot(fallback=["a"])}))
    decisions = shop.release.decide_many(["hero", "strip", "receipt"], {}, "h-1", MONDAY)
    assert [decision.keys for decision in decisions] == [["a"], ["b", "c"], ["a"]]
    assert [item.is_fallback for item in decisions[2].items] == [True]


def test_a_name_that_nobody_has_is_asked_without_a_trace() -> None:
    release = Shop(rule_set({"a": offer(1)}, {"slot": slot()})).release
    for number in range(100):
        assert release.decide(f"nothing-{number}", {}, "h-1", MONDAY).error_code is ErrorCode.FLAG_NOT_FOUND
    assert release._resolvers == {}  # pyright: ignore[reportPrivateUsage]


def test_the_place_of_a_subject_is_in_no_place_of_another() -> None:
    subjects = ["a", "a/b", "a/", "/", "a~1b", "~", "a~0b", "a/0"]
    places = [place_of("slot", "device", subject) for subject in subjects]
    assert len(set(places)) == len(subjects)
    assert {place.count("/") for place in places} == {1}


def test_what_is_asked_first_can_be_planned_before() -> None:
    offers = {"a": offer(1), "b": {"value": 1}}
    assert list(Shop(rule_set(offers, {"slot": slot()})).release.prepare()) == ["a", "b", "slot"]
    assert list(Shop(rule_set(offers, {})).release.prepare()) == []


def test_flags_and_placements_can_be_asked_together() -> None:
    flag = {"type": "boolean", "variants": {"on": True, "off": False}, "default": "on"}
    shop = Shop(rule_set({"a": offer(1)}, {"slot": slot()}, flags__layout=flag))
    slot_decision, layout, missing = shop.release.decide_many(["slot", "layout", "nothing"], {}, "h-1", MONDAY)
    assert (slot_decision.keys, layout.value, missing.error_code) == (["a"], True, ErrorCode.FLAG_NOT_FOUND)


def test_rules_choose_between_policies_as_between_variants() -> None:
    policies = {"by_value": {"score": {"value": True}}, "listed": {"order": "listed"}}
    placement = {
        "candidates": {"offers": ["a", "b"]},
        "policies": policies,
        "default": "by_value",
        "rules": [{"name": "big", "when": {">": [{"var": "basket.total"}, 20]}, "serve": "listed"}],
    }
    shop = Shop(rule_set({"a": {"value": 1}, "b": {"value": 2}}, {"slot": placement}))
    big, small = shop.decide("slot", basket={"total": 30}), shop.decide("slot", basket={"total": 3})
    assert (big.variant, big.rule, big.reason, big.keys) == ("listed", "big", Reason.TARGETING_MATCH, ["a"])
    assert (small.variant, small.reason, small.keys) == ("by_value", Reason.DEFAULT, ["b"])


def test_the_default_is_the_first_policy_of_the_document() -> None:
    policies = {"listed": {"order": "listed"}, "by_value": {"score": {"value": True}}}
    offers = {"a": {"value": 1}, "b": {"value": 2}}
    shop = Shop(rule_set(offers, {"slot": {"candidates": {"offers": ["a", "b"]}, "policies": policies}}))
    assert (shop.decide("slot").variant, shop.decide("slot").keys) == ("listed", ["a"])


def test_a_split_between_policies_keeps_who_is_in_them_when_shares_change() -> None:
    policies = {"by_value": {"score": {"value": True}}, "listed": {"order": "listed"}}
    offers = {"a": {"value": 1}, "b": {"value": 2}}

    def files(percent: int) -> dict[str, Any]:
        rule = {"split": {"by_value": percent, "listed": 100 - percent}, "experiment": "ranking"}
        return rule_set(offers, {"slot": {"candidates": {"offers": ["a", "b"]}, "policies": policies, "rules": [rule]}})

    first = Shop(files(40))
    grown = Shop(files(60), previous=first.release.bundle)
    subjects = [f"h-{number}" for number in range(2_000)]
    before = {each for each in subjects if first.decide("slot", subject=each).variant == "by_value"}
    after = {each for each in subjects if grown.decide("slot", subject=each).variant == "by_value"}
    assert before < after
    decision = grown.decide("slot", subject=min(before))
    assert (decision.keys, decision.experiment, decision.propensity) == (["b"], "ranking", 0.6)


def test_a_holdout_is_given_the_fallback_and_says_so() -> None:
    files = rule_set({"a": offer(1), "thanks": {}}, {"slot": slot(fallback=["thanks"], holdout={"percent": 100})})
    decision = Shop(files).decide("slot")
    assert (decision.reason, decision.variant, decision.keys) == (Reason.STATIC, "p", ["a"])  # no rule, nobody held
    files["placements/slot.json"]["rules"] = [{"serve": "p"}]
    decision = Shop(files).decide("slot")
    assert (decision.reason, decision.variant, decision.keys) == (Reason.HOLDOUT, "fallback", ["thanks"])


def test_random_order_is_repeatable_and_gives_everybody_a_chance() -> None:
    placement = {"candidates": {"tags": ["t"]}, "policies": {"any": {"order": "random"}}}
    shop = Shop(rule_set({name: offer(1) for name in "abcd"}, {"slot": placement}))
    shown = [shop.decide("slot", subject=f"h-{number}").keys[0] for number in range(4_000)]
    assert all(900 < shown.count(name) < 1_100 for name in "abcd")
    assert shown == [shop.decide("slot", subject=f"h-{number}").keys[0] for number in range(4_000)]


def test_a_part_that_gives_no_number_keeps_the_offer_out_and_is_told() -> None:
    offers = {"odd": offer({"+": [{"var": "basket.total"}, 1]}), "good": offer(1)}
    decision = Shop(rule_set(offers, {"slot": slot()})).decide("slot", basket={"total": "many"})
    assert decision.keys == ["good"]
    assert "value" in {diagnostic.place for diagnostic in decision.diagnostics}


def test_content_comes_in_the_locale_of_the_device() -> None:
    content = {"title": {"en": "Coffee", "pl": "Kawa"}}
    shop = Shop(rule_set({"a": offer(1, content=content)}, {"slot": slot(content={"title": "text"})}))
    assert shop.decide("slot", device={"locale": "pl-PL"}).items[0].value == {"title": "Kawa"}
    assert shop.decide("slot").items[0].value == {"title": "Coffee"}


def test_an_offer_needs_the_consent_that_it_declares() -> None:
    files = rule_set({"mine": offer(2, purposes=["personalise"]), "all": offer(1)}, {"slot": slot()})
    assert Shop(files).decide("slot").keys == ["all"]
    assert Shop(files, consent=["personalise"]).decide("slot").keys == ["mine"]


def test_models_score_candidates_and_their_fallback_stands_in_without_consent() -> None:
    model = {
        "kind": "linear",
        "link": "identity",
        "features": {"offer.properties.kind": {"values": {"hot": 0.9, "cold": 0.1}}},
        "fallback": 0.5,
        "purposes": ["personalise"],
    }
    offers = {"a": offer(1, properties={"kind": "cold"}), "b": offer(1, properties={"kind": "hot"})}
    placement = slot(size=2, policies={"p": {"score": {"model": "heat", "value": True}}})
    files = rule_set(offers, {"slot": placement}, models__heat=model)
    assert [(item.key, item.score) for item in Shop(files, consent=["personalise"]).decide("slot").items] == [
        ("b", 0.9),
        ("a", 0.1),
    ]
    assert [(item.key, item.score) for item in Shop(files).decide("slot").items] == [("a", 0.5), ("b", 0.5)]


def test_a_recommendation_names_the_candidates() -> None:
    model = {
        "kind": "neighbours",
        "reads": "bought",
        "match": "item",
        "neighbours": {"milk": {"bread": 0.9, "butter": 0.4}, "tea": {"bread": 0.1, "cake": 0.3}},
    }
    offers = {name: {"value": 1, "properties": {"item": name}} for name in ("bread", "butter", "cake", "rope")}
    placement = {
        "size": 3,
        "candidates": {"model": "with", "offers": ["rope"]},
        "policies": {"p": {"score": {"probability": {"+": [{"model": "with"}, 0.01]}, "value": True}}},
    }
    files = rule_set(
        offers, {"slot": placement}, models__with=model, attributes={"bought": {"type": "list", "of": "string"}}
    )
    assert Shop(files).decide("slot", bought=["milk", "tea"]).keys == ["bread", "butter", "cake"]
    assert Shop(files).decide("slot", bought=["milk"]).keys == ["bread", "butter", "rope"]
    assert Shop(files).decide("slot").keys == ["rope"]


def test_a_recommendation_scores_the_candidates_that_it_names() -> None:
    model = {
        "kind": "neighbours",
        "reads": "bought",
        "match": "item",
        "neighbours": {"milk": {"bread": 0.2, "rye": 0.9}},
    }
    offers = {name: {"value": 1, "properties": {"item": name}} for name in ("bread", "rye")}
    placement = {"size": 2, "candidates": {"model": "with"}, "policies": {"p": {"score": {"model": "with"}}}}
    files = rule_set(
        offers, {"slot": placement}, models__with=model, attributes={"bought": {"type": "list", "of": "string"}}
    )
    decision = Shop(files).decide("slot", bought=["milk"])
    assert [(item.key, item.score) for item in decision.items] == [("rye", 0.9), ("bread", 0.2)]


def test_what_is_no_context_is_an_error_and_no_exception() -> None:
    shop = Shop(rule_set({"a": offer(1)}, {"slot": slot()}))
    decision = shop.release.decide("slot", ["no mapping"], "h-1", MONDAY)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert decision.error_code is ErrorCode.INVALID_CONTEXT
    (many,) = shop.release.decide_many(["slot"], None, "h-1", MONDAY)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert many.error_code is ErrorCode.INVALID_CONTEXT


numbers = st.one_of(st.integers(0, 4), st.sampled_from([0.5, 1.5]))
candidates = st.fixed_dictionaries(
    {
        "value": numbers,
        "dynamic": st.booleans(),
        "eligible": st.booleans(),
        "coffee": st.booleans(),
        "context": st.sampled_from([0, 50, -50]),
    }
)


@settings(max_examples=60, deadline=None)
@given(st.lists(candidates, min_size=1, max_size=12), st.integers(1, 4), st.integers(0, 2))
def test_looking_at_few_candidates_gives_what_looking_at_all_gives(
    drawn: list[dict[str, Any]], size: int, coffees: int
) -> None:
    offers = {
        f"o{number:02d}": offer(
            {"*": [{"var": "visits"}, each["value"]]} if each["dynamic"] else each["value"],
            tags=["coffee"] if each["coffee"] else [],
            eligible={">": [{"var": "visits"}, 0]} if each["eligible"] else {"<": [{"var": "visits"}, 0]},
            context={"*": [{"var": "visits"}, each["context"]]},
        )
        for number, each in enumerate(drawn)
    }
    offers["tagged"] = offer(9, tags=["coffee"], enabled=False)
    policies = {"p": {"score": {"value": True, "context": True}}}
    placement = slot(size=size, policies=policies, at_most=[{"tag": "coffee", "items": coffees}])
    decision = Shop(rule_set(offers, {"slot": placement})).decide("slot", visits=1)
    expected: list[tuple[float, str]] = []
    taken = 0
    scored = [
        (each["value"] * (1 + each["context"] / 100), f"o{number:02d}", each["coffee"])
        for number, each in enumerate(drawn)
        if each["eligible"]
    ]
    for score, key, coffee in sorted(scored, key=lambda entry: (-entry[0], entry[1])):
        if score > 0 and len(expected) < size and not (coffee and taken >= coffees):
            taken += coffee
            expected.append((score, key))
    found = [(round(item.score or 0.0, 9), item.key) for item in decision.items]
    assert found == [(round(score, 9), key) for score, key in expected]


def test_how_old_a_signal_is_needs_the_consent_that_the_signal_needs() -> None:
    attributes = {"mood": {"type": "string", "source": "signal", "privacy": "personal", "purposes": ["personalise"]}}
    fresh = offer(2, eligible={"<": [{"var": "seconds_since.mood"}, 60]})
    files = rule_set({"fresh": fresh, "any": offer(1)}, {"slot": slot()}, attributes=attributes)
    for consent, keys in (((), ["any"]), (("personalise",), ["fresh"])):
        shop = Shop(files, consent=consent)
        shop.signals["mood"] = Signal("good", MONDAY - 5)
        assert shop.decide("slot").keys == keys


def test_a_fallback_that_needs_consent_or_is_switched_off_is_told_and_not_shown() -> None:
    files = rule_set({"a": offer(1), "mine": {"purposes": ["share"]}, "off": {"enabled": False}}, {"slot": slot()})
    files["placements/slot.json"] = slot(fallback=["mine", "off"])
    assert {problem.code for problem in assemble(files).problems} == {"gated_fallback", "idle_fallback"}


def test_listed_order_is_that_of_the_recommendation() -> None:
    model = {
        "kind": "neighbours",
        "reads": "bought",
        "match": "item",
        "neighbours": {"milk": {"zwieback": 0.9, "ale": 0.4}},
    }
    offers = {name: {"value": 1, "properties": {"item": name}} for name in ("ale", "zwieback")}
    placement = {"size": 2, "candidates": {"model": "with"}, "policies": {"p": {"order": "listed"}}}
    attributes = {"bought": {"type": "list", "of": "string"}}
    shop = Shop(rule_set(offers, {"slot": placement}, models__with=model, attributes=attributes))
    assert shop.decide("slot", bought=["milk"]).keys == ["zwieback", "ale"]


def test_linear_models_read_decimals_and_enum_members_as_rules_do() -> None:
    class Tier(Enum):
        GOLD = "gold"

    features = {"price": {"weight": 1.0}, "tier": {"values": {"gold": 2.0}}, "level": {"values": {"1": 4.0}}}
    model = {"kind": "linear", "link": "identity", "features": features}
    attributes = {"price": {"type": "number"}, "tier": {"type": "string"}, "level": {"type": "number"}}
    placement = slot(policies={"p": {"score": {"value": {"model": "sum"}}}})
    shop = Shop(rule_set({"a": {"tags": ["t"]}}, {"slot": placement}, models__sum=model, attributes=attributes))
    decision = shop.decide("slot", price=Decimal("0.5"), tier=Tier.GOLD, level=1.0)
    assert decision.items[0].score == 6.5
