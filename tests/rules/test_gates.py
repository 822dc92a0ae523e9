"""What keeps offers back: caps, suppression, cooldown, budgets; and that the reasons are told."""

from __future__ import annotations

from typing import Any

from nearwise_rules import explain
from tests.rules.placement_cases import MONDAY, Shop, rule_set

HOUR, DAY = 3600.0, 86_400.0
POLICIES = {"p": {"score": {"value": True}}}


def slot(**more: Any) -> dict[str, Any]:
    return {"candidates": {"tags": ["t"]}, "policies": POLICIES, **more}


def offer(value: float, **more: Any) -> dict[str, Any]:
    return {"tags": ["t", *more.pop("tags", [])], "value": value, **more}


def shown(shop: Shop, key: str, at: float, *, owner: str = "h-1", tags: tuple[str, ...] = ("t",)) -> None:
    shop.happened("exposure", at, owner=owner, offer=key, placement="slot", tag=list(tags))


def because(shop: Shop, key: str, at: float = MONDAY) -> str:
    explanation = explain(shop.release, "slot", {}, "h-1", at)
    return next(each.because for each in explanation.candidates if each.key == key)


def test_a_cap_per_subject_and_day() -> None:
    cap = {"limit": 1, "window": "day"}
    shop = Shop(rule_set({"a": offer(2, caps=[cap]), "b": offer(1)}, {"slot": slot()}))
    assert shop.decide("slot").keys == ["a"]
    shown(shop, "a", MONDAY)
    assert shop.decide("slot", at=MONDAY + HOUR).keys == ["b"]
    assert shop.decide("slot", subject="h-2", at=MONDAY + HOUR).keys == ["a"]
    assert shop.decide("slot", at=MONDAY + DAY).keys == ["a"]
    assert because(shop, "a", MONDAY + HOUR) == "cap: 1 exposure per subject and day, 1 used"


def test_a_cap_per_device_in_total() -> None:
    cap = {"limit": 2, "per": "device"}
    shop = Shop(rule_set({"a": offer(2, caps=[cap]), "b": offer(1)}, {"slot": slot()}))
    for number in range(2):
        assert shop.decide("slot", subject=f"h-{number}").keys == ["a"]
        shown(shop, "a", MONDAY, owner=f"h-{number}")
    assert shop.decide("slot", subject="h-9", at=MONDAY + 365 * DAY).keys == ["b"]


def test_caps_count_any_event() -> None:
    shop = Shop(rule_set({"a": offer(2, caps=[{"limit": 1, "count": "click", "window": "7d"}])}, {"slot": slot()}))
    shop.happened("click", MONDAY, offer="a")
    assert shop.decide("slot", at=MONDAY + 7 * DAY - 1).keys == []
    assert shop.decide("slot", at=MONDAY + 7 * DAY).keys == ["a"]


def test_a_cap_on_a_tag_counts_all_its_offers_also_within_one_call() -> None:
    files = rule_set(
        {name: offer(value, tags=["coffee"]) for name, value in {"a": 3, "b": 2}.items()} | {"c": offer(1)},
        {"slot": slot(size=3), "other": slot()},
        caps={"coffee": {"tag": "coffee", "limit": 1, "window": "week"}},
    )
    shop = Shop(files)
    assert shop.decide("slot").keys == ["a", "c"]
    one, two = shop.release.decide_many(["slot", "other"], {}, "h-1", MONDAY)
    assert (one.keys, two.keys) == (["a", "c"], [])
    shown(shop, "a", MONDAY, tags=("t", "coffee"))
    assert shop.decide("slot", at=MONDAY + DAY).keys == ["c"]
    assert because(shop, "b", MONDAY + DAY) == "cap on tag coffee: 1 exposure per subject and week, 1 used"


def test_a_cap_on_a_placement_leaves_room_for_the_rest_only() -> None:
    placement = slot(size=2, caps=[{"limit": 3, "window": "day"}], fallback=["thanks"])
    shop = Shop(rule_set({"a": offer(2), "b": offer(1), "thanks": {}}, {"slot": placement}))
    for _ in range(2):
        shown(shop, "a", MONDAY)
    assert shop.decide("slot").keys == ["a"]
    shown(shop, "a", MONDAY)
    assert shop.decide("slot").keys == ["thanks"]


def test_what_another_slot_is_about_to_show_counts() -> None:
    shop = Shop(rule_set({"a": offer(2, caps=[{"limit": 1}]), "b": offer(1)}, {"slot": slot(), "other": slot()}))
    (item,) = shop.decide("slot").items
    series = dict(item[0].held)["subject"]
    shop.history.recall("h-1").hold([series], "slot", MONDAY + 60)
    assert shop.decide("other").keys == ["b"]
    assert shop.decide("slot").keys == ["a"]  # its own hold: the same screen drawn again
    assert shop.decide("other", at=MONDAY + 61).keys == ["a"]


def test_what_an_offer_advertises_is_suppressed_after_its_purchase() -> None:
    suppress = [{"after": "purchase", "match": ["category"], "window": "2h"}]
    coffee = offer(2, properties={"category": ["COFFEE", "TEA"]}, suppress=suppress)
    shop = Shop(rule_set({"a": coffee, "b": offer(1)}, {"slot": slot()}))
    shop.happened("purchase", MONDAY, category=["MILK", "TEA"])
    assert shop.decide("slot", at=MONDAY + HOUR).keys == ["b"]
    assert because(shop, "a", MONDAY + HOUR) == "suppressed for 2h after purchase with category TEA"
    assert shop.decide("slot", at=MONDAY + 2 * HOUR).keys == ["a"]


def test_an_offer_pauses_after_so_many_rejections() -> None:
    cooldown = {"times": 2, "window": "7d", "pause": "30d"}
    shop = Shop(rule_set({"a": offer(2, cooldown=cooldown), "b": offer(1)}, {"slot": slot()}))
    shop.happened("rejection", MONDAY, offer="a")
    assert shop.decide("slot", at=MONDAY + DAY).keys == ["a"]
    shop.happened("rejection", MONDAY + DAY, offer="a")
    assert shop.decide("slot", at=MONDAY + 2 * DAY).keys == ["b"]
    assert because(shop, "a", MONDAY + 2 * DAY) == "pauses for 30d after 2 rejection"
    assert shop.decide("slot", at=MONDAY + 32 * DAY).keys == ["a"]


def test_rejections_that_are_far_apart_do_not_add_up() -> None:
    cooldown = {"times": 2, "window": "7d", "pause": "30d"}
    shop = Shop(rule_set({"a": offer(2, cooldown=cooldown)}, {"slot": slot()}))
    shop.happened("rejection", MONDAY, offer="a")
    shop.happened("rejection", MONDAY + 8 * DAY, offer="a")
    assert shop.decide("slot", at=MONDAY + 9 * DAY).keys == ["a"]


def budgeted(**budget: Any) -> dict[str, Any]:
    return rule_set({"a": offer(2, budget=budget), "b": offer(1)}, {"slot": slot()})


def test_a_hard_budget_is_this_devices_quota() -> None:
    shop = Shop(budgeted(total=10, devices=5))
    for number in range(2):
        assert shop.decide("slot", subject=f"h-{number}").keys == ["a"]
        shown(shop, "a", MONDAY, owner=f"h-{number}")
    assert shop.decide("slot").keys == ["b"]
    assert because(shop, "a") == "budget: this device has 2, 2 used"


def test_a_device_without_a_quota_has_nothing_of_a_hard_budget() -> None:
    assert Shop(budgeted(total=10)).decide("slot").keys == ["b"]


def test_a_smooth_budget_lets_everybody_in_until_demand_is_known() -> None:
    assert Shop(budgeted(total=10, mode="smooth")).decide("slot").keys == ["a"]
    assert Shop(budgeted(total=10, mode="smooth")).decide("slot", subject=None).keys == ["a"]


def test_a_candidate_is_lower_for_the_constraint_that_those_above_it_fill_or_for_its_score() -> None:
    offers = {
        "a": offer(4, tags=["drink"]),
        "b": offer(3, tags=["drink"]),
        "c": offer(2, tags=["food"]),
        "d": offer(1, tags=["food"]),
        "e": offer(0.5),
    }
    caps = {"food": {"tag": "food", "limit": 1, "window": "week"}}
    shop = Shop(rule_set(offers, {"slot": slot(size=2, at_most=[{"tag": "drink", "items": 1}])}, caps=caps))
    assert shop.decide("slot").keys == ["a", "c"]
    assert because(shop, "b") == "3; one more than at most 1 of tag drink"
    assert because(shop, "d") == (
        "1; one more than cap on tag food: 1 exposure per subject and week lets in with those above"
    )
    assert because(shop, "e") == "0.5; lower than the 2 shown"


def test_what_is_reserved_is_told_apart_from_what_is_used() -> None:
    shop = Shop(rule_set({"a": offer(2, caps=[{"limit": 1}])}, {"slot": slot()}))
    (item,) = shop.decide("slot").items
    ((_, key),) = item.offer.held
    shop.history.recall("h-1").hold([key], "other/0", MONDAY + 120)
    assert because(shop, "a") == "cap: 1 exposure per subject, 0 used, 1 reserved"


def test_a_cap_of_the_placement_and_a_constraint_of_a_listed_policy_are_told() -> None:
    offers = {"a": offer(3, tags=["drink"]), "b": offer(2, tags=["drink"]), "c": offer(1)}
    shop = Shop(rule_set(offers, {"slot": slot(size=3, caps=[{"limit": 1, "window": "day"}])}))
    assert (
        because(shop, "b")
        == "2; one more than cap on the placement: 1 exposure per subject and day lets in with those above"
    )
    listed = {"p": {"order": "listed"}}
    limited = slot(size=2, at_most=[{"tag": "drink", "items": 1}], policies=listed)
    shop = Shop(rule_set({**offers, "d": offer(1)}, {"slot": limited}))
    assert shop.decide("slot").keys == ["a", "c"]
    assert because(shop, "b") == "one more than at most 1 of tag drink"
    assert because(shop, "d") == "behind the last place"
