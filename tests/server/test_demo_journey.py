"""The excerpt made ready for replay."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from nearwise_server.demo.errors import DemoImpossible
from nearwise_server.demo.journey import MEMORY, REPLAY_FROM, Journey, read_journey

EXCERPT = Path(__file__).parents[2] / "examples" / "complete_journey"


@pytest.fixture(scope="module")
def journey() -> Journey:
    return read_journey(EXCERPT)


def test_visits_come_in_time_order_and_fall_due_in_that_order(journey: Journey) -> None:
    times = [visit.purchase.at for visit in journey.visits]
    dues = [visit.due for visit in journey.visits]
    assert times == sorted(times)
    assert dues == sorted(dues)
    assert 0 == dues[0] < dues[-1] < 1


def test_the_weeks_before_the_replay_are_only_remembered(journey: Journey) -> None:
    assert min(visit.purchase.day for visit in journey.visits) == REPLAY_FROM
    first = journey.visits[0]
    assert timedelta(days=28) == MEMORY
    assert any(visit.recent for visit in journey.visits if visit.purchase.day == first.purchase.day)


def test_what_a_household_bought_lately_is_what_its_earlier_baskets_held(journey: Journey) -> None:
    last = journey.visits[-1].purchase
    before = [visit for visit in journey.visits if visit.purchase.household == last.household]
    held = {
        name for visit in before[:-1] if visit.purchase.at >= last.at - MEMORY for name in visit.purchase.categories
    }
    assert set(journey.visits[-1].recent) == held


def test_every_redemption_falls_on_a_basket_of_its_household_and_day(journey: Journey) -> None:
    assert sum(len(visit.redeemed) for visit in journey.visits) == 236
    assert all(set(visit.redeemed) <= set(visit.campaigns) for visit in journey.visits)


def test_every_visit_is_dealt_to_one_till_and_a_household_stays_at_its_till(journey: Journey) -> None:
    dealt = journey.by_till(8)
    assert sorted(visit.purchase.basket for till in dealt for visit in till) == sorted(
        visit.purchase.basket for visit in journey.visits
    )
    seats = [{visit.purchase.household for visit in till} for till in dealt]
    assert sum(len(seat) for seat in seats) == journey.households
    assert max(map(len, dealt)) < 1.1 * min(map(len, dealt))


def test_a_journal_line_holds_the_context_of_the_decision(journey: Journey) -> None:
    line = json.loads(journey.visits[0].line())
    assert line["subject"].startswith("household-")
    assert line["basket"].keys() == {"at", "total", "categories"}
    assert line["household"].keys() >= {"campaigns", "recent_categories"}


def test_a_folder_that_is_not_the_excerpt_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(DemoImpossible, match=r"cannot be read"):
        read_journey(tmp_path)
