"""Households offered a campaign's coupons beside those held out."""

from __future__ import annotations

from nearwise_server.demo.intervals import Share
from nearwise_server.demo.reconciliation import StoredEvent
from nearwise_server.demo.redemptions import Comparison, compare

CAMPAIGNS = {"winter": "18", "baby": "19"}


def shown(subject: str, rule: str, variant: str, reason: str = "TARGETING_MATCH") -> StoredEvent:
    content = {"flag": "checkout-offer", "rule": rule, "variant": variant, "reason": reason}
    return StoredEvent("till", "e", 0, "exposure", subject, {**content})


def held(subject: str, rule: str) -> StoredEvent:
    return shown(subject, rule, "none", "HOLDOUT")


def redeemed(subject: str, campaign: str) -> StoredEvent:
    return StoredEvent("till", "e", 0, "track", subject, {"name": "redemption", "properties": {"campaign": campaign}})


def overall(*events: StoredEvent) -> tuple[Share, Share]:
    found = compare(events, CAMPAIGNS)[0]
    return found.offered, found.held


def test_a_household_counts_once_however_often_it_was_offered_and_redeemed() -> None:
    events = [shown("a", "winter", "save"), redeemed("a", "18"), shown("a", "winter", "save"), redeemed("a", "18")]
    assert overall(*events) == (Share(1, 1), Share(0, 0))


def test_a_redemption_before_the_offer_does_not_count() -> None:
    assert overall(redeemed("a", "18"), shown("a", "winter", "save")) == (Share(0, 1), Share(0, 0))


def test_a_redemption_of_another_campaign_does_not_count() -> None:
    assert overall(shown("a", "winter", "save"), redeemed("a", "19")) == (Share(0, 1), Share(0, 0))


def test_held_out_households_are_counted_by_the_rule_that_would_have_served_them() -> None:
    events = [held("a", "winter"), redeemed("a", "18"), held("b", "baby"), redeemed("b", "18")]
    assert overall(*events) == (Share(0, 0), Share(1, 2))


def test_somebody_whom_no_rule_names_is_in_neither_group() -> None:
    assert overall(redeemed("a", "18")) == (Share(0, 0), Share(0, 0))


def test_each_offer_stands_beside_the_holdout_of_its_campaign() -> None:
    events = [
        shown("a", "winter", "save", "SPLIT"),
        shown("b", "winter", "cook", "SPLIT"),
        shown("b", "baby", "baby"),
        held("c", "winter"),
        redeemed("b", "18"),
        redeemed("c", "18"),
    ]
    assert compare(events, CAMPAIGNS) == (
        Comparison("all", None, Share(1, 2), Share(1, 1)),
        Comparison("cook", "18", Share(1, 1), Share(1, 1)),
        Comparison("save", "18", Share(0, 1), Share(1, 1)),
        Comparison("baby", "19", Share(0, 1), Share(0, 0)),
    )


def test_other_flags_and_other_events_play_no_part() -> None:
    layout = StoredEvent("till", "e", 0, "exposure", "a", {"flag": "checkout-layout", "rule": "winter"})
    purchase = StoredEvent("till", "e", 1, "track", "a", {"name": "purchase"})
    nobody = StoredEvent("till", "e", 2, "exposure", None, {"flag": "checkout-offer", "rule": "winter"})
    assert overall(layout, purchase, nobody) == (Share(0, 0), Share(0, 0))
