"""The demo's rule set: it builds, and on every real visit it decides what a few lines of plain Python say."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest

from nearwise_rules import (
    Release,
)
from nearwise_rules.logic.murmur3 import murmur3_32
from nearwise_server.authoring import build_rule_set
from nearwise_server.demo.intervals import Difference, Share, difference
from nearwise_server.demo.journey import ZONE, Visit, read_journey
from nearwise_server.demo.play import campaigns_of, read_texts
from tests.rules.sealed import bundle_of

EXAMPLES = Path(__file__).parents[2] / "examples"
BABY = {"BABY FOODS", "DIAPERS & DISPOSABLES", "INFANT FORMULA", "BABY HBC"}
FROZEN = {"FRZN MEAT/MEAT DINNERS", "FROZEN PIZZA", "FRZN BREAKFAST FOODS", "SEAFOOD - FROZEN"}
CARE = {"HAIR CARE PRODUCTS", "SOAP - LIQUID & BAR", "HAND/BODY/FACIAL PRODUCTS", "DEODORANTS"}
BAKING = {"BAKING NEEDS", "BAKING MIXES", "FLOUR & MEALS", "CHEESE", "FROZEN PIE/DESSERTS"}


@pytest.fixture(scope="module")
def shop() -> Release:
    built = build_rule_set(read_texts(EXAMPLES / "shop"), None)
    assert built.problems == ()
    return Release(bundle_of(built.entries))


@pytest.fixture(scope="module")
def shop_next(shop: Release) -> Release:
    texts = read_texts(EXAMPLES / "shop") | read_texts(EXAMPLES / "shop-next")
    built = build_rule_set(texts, shop.bundle)
    assert built.problems == ()
    return Release(bundle_of(built.entries, version=2))


@pytest.fixture(scope="module")
def visits() -> tuple[Visit, ...]:
    return read_journey(EXAMPLES / "complete_journey").visits


def data_of(visit: Visit) -> dict[str, object]:
    bought = visit.purchase
    return {
        "store": {"id": bought.store},
        "basket": {"at": bought.at, "total": bought.total, "categories": list(bought.categories)},
        "household": {"campaigns": list(visit.campaigns), "recent_categories": list(visit.recent), **visit.traits},
    }


def expected_rule(visit: Visit) -> str | None:
    def sent(campaign: str, first: str, last: str) -> bool:
        return campaign in visit.campaigns and first <= visit.purchase.day.isoformat() <= last

    recent = set(visit.recent)
    if sent("19", "2017-11-15", "2017-12-17") and recent & BABY:
        return "baby-club"
    if sent("17", "2017-10-18", "2017-11-19") and recent & FROZEN:
        return "frozen-weeks"
    if sent("14", "2017-09-04", "2017-11-08") and recent & CARE:
        return "autumn-care"
    if sent("22", "2017-12-06", "2018-01-07") and recent & (BAKING | FROZEN):
        return "holiday-cards"
    if sent("20", "2017-11-27", "2018-02-05") and recent & CARE:
        return "new-year-soap"
    if sent("18", "2017-10-30", "2017-12-24") and visit.purchase.total >= 5 and len(recent) >= 5:
        return "winter-mailer"
    return None


def test_every_real_visit_gets_the_rule_that_plain_python_gives_it(shop: Release, visits: tuple[Visit, ...]) -> None:
    rules = Counter[str | None]()
    for visit in visits:
        decision = shop.decide("checkout-offer", data_of(visit), f"household-{visit.purchase.household}", 0.0)
        assert decision.rule == expected_rule(visit), visit
        assert decision.diagnostics == ()
        rules[decision.rule] += 1
    assert min(rules.values()) >= 10
    assert len(rules) == 7


def test_the_holdout_is_a_fifth_of_the_households_and_gets_no_offer(shop: Release, visits: tuple[Visit, ...]) -> None:
    held = dict[str, set[bool]]()
    for visit in visits:
        decision = shop.decide("checkout-offer", data_of(visit), f"household-{visit.purchase.household}", 0.0)
        if decision.rule is not None:
            held.setdefault(visit.purchase.household, set()).add(decision.reason == "HOLDOUT")
            assert (decision.value == {}) == (decision.reason == "HOLDOUT")
    assert all(len(answers) == 1 for answers in held.values())
    assert 0.15 < sum(True in answers for answers in held.values()) / len(held) < 0.25


def test_whoever_has_the_wide_screen_keeps_it_when_its_share_grows(
    shop: Release, shop_next: Release, visits: tuple[Visit, ...]
) -> None:
    subjects = {f"household-{visit.purchase.household}" for visit in visits}

    def wide(of: Release) -> set[str]:
        return {subject for subject in subjects if of.decide("checkout-layout", {}, subject, 0.0).variant == "wide"}

    before, after = wide(shop), wide(shop_next)
    assert before < after
    assert 0.4 < len(after) / len(subjects) < 0.6


def test_over_many_salts_a_random_holdout_finds_nothing_where_there_is_nothing(visits: tuple[Visit, ...]) -> None:
    campaigns = campaigns_of(EXAMPLES / "shop")
    entered = dict[tuple[str, str], bool]()
    for visit in visits:
        household, rule = visit.purchase.household, expected_rule(visit)
        if rule is not None:
            entered.setdefault((household, campaigns[rule]), False)
        for campaign in visit.redeemed:
            if (household, campaign) in entered:
                entered[household, campaign] = True
    redeemed = {household: any(entered[key] for key in entered if key[0] == household) for household, _ in entered}
    found = [_difference_under(f"salt-{number}", redeemed) for number in range(200)]
    assert abs(sum(one.estimate for one in found) / len(found)) < 0.01
    assert 0.01 < sum(one.conclusive for one in found) / len(found) < 0.10


def _difference_under(salt: str, redeemed: dict[str, bool]) -> Difference:
    groups: dict[bool, list[bool]] = {True: [], False: []}
    for household, has_redeemed in redeemed.items():
        bucket = (murmur3_32(f"{salt}household-{household}".encode()) * 10_000) >> 32
        groups[bucket < 2_000].append(has_redeemed)
    offered, held = (Share(sum(groups[key]), len(groups[key])) for key in (False, True))
    found = difference(offered, held)
    assert found is not None
    return found


def test_a_campaign_begins_at_midnight_in_the_shops(shop: Release) -> None:
    household = {"campaigns": ["19"], "recent_categories": ["BABY FOODS"]}

    def rule_at(text: str) -> str | None:
        data = {"basket": {"at": datetime.fromisoformat(text)}, "household": household}
        return shop.decide("checkout-offer", data, "household-2", 0.0).rule

    assert datetime.fromisoformat("2017-11-15T00:00").replace(tzinfo=ZONE).isoformat() == "2017-11-15T00:00:00-05:00"
    assert rule_at("2017-11-15T04:59:59+00:00") is None
    assert rule_at("2017-11-15T05:00:00+00:00") == "baby-club"
