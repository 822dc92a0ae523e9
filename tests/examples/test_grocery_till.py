"""The grocery till on the real baskets: better than chance, a right holdout, caps that hold, a day offline."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from examples.grocery_till import replay as example
from examples.grocery_till import report
from examples.grocery_till.journal import Journal
from examples.grocery_till.till import Basket


class Played(NamedTuple):
    """A replay, and what its events say."""

    replay: example.Replay
    journal: Journal


@pytest.fixture(scope="module")
def baskets() -> list[Basket]:
    return example.read_baskets(example.EXCERPT)


@pytest.fixture(scope="module")
def play(baskets: list[Basket], tmp_path_factory: pytest.TempPathFactory) -> Callable[[bool], Played]:
    def run(roam: bool) -> Played:
        chosen = [basket for basket in baskets if not roam or basket.household.endswith(("0", "5"))]
        replay = example.play(chosen, tmp_path_factory.mktemp("tills"), roam=roam)
        return Played(replay, Journal(replay.events, example.RULES, baskets[-1].at))

    return run


@pytest.fixture(scope="module")
def played(play: Callable[[bool], Played]) -> Played:
    return play(False)


def test_every_basket_is_rung_up_and_every_event_arrives_once(played: Played, baskets: list[Basket]) -> None:
    assert sum(books.baskets for books in played.replay.books) == len(baskets)
    assert sum(books.left for books in played.replay.books) == 0
    bought = sorted((e.at, e.subject) for e in played.replay.events if e.fields.get("name") == "purchase")
    assert bought == sorted((basket.at, basket.household) for basket in baskets)


def test_a_day_without_a_network_prints_coupons_as_every_day(played: Played, baskets: list[Basket]) -> None:
    offline = {(basket.at, basket.household) for basket in baskets if basket.day == example.OFFLINE_ON}
    assert sum(books.offline for books in played.replay.books) == len(offline) > 100
    assert all(books.waited >= 2 * books.offline for books in played.replay.books)
    shown = {(event.at, event.subject) for event in played.replay.events if event.type == "exposure"}
    assert offline <= shown


def test_coupons_by_affinity_are_redeemable_more_often_than_by_chance(played: Played) -> None:
    coupons = played.journal.coupons
    found = report.difference(report.rate(coupons["by_affinity"]), report.rate(coupons["random"]))
    assert found.low > 0.05


def test_those_held_out_are_like_the_others_and_are_a_tenth(played: Played) -> None:
    coupons = played.journal.coupons
    found = report.difference(report.rate(coupons["by_affinity"]), report.rate(coupons["ghost"]))
    assert found.low < 0 < found.high
    share = report.holdout_share(played.journal)
    assert share.low < share.value < share.high
    assert not played.journal.held_out & {coupon.household for coupon in coupons["by_affinity"] + coupons["random"]}


def test_no_household_exceeds_a_cap(played: Played) -> None:
    most = report.most_printed(played.journal, per_till=False)
    assert most == {**report.A_WEEK, report.SAME: 1}


def test_where_households_roam_each_till_keeps_the_caps(play: Callable[[bool], Played]) -> None:
    journal = play(True).journal
    assert report.most_printed(journal, per_till=True) == {**report.A_WEEK, report.SAME: 1}
    assert report.most_printed(journal, per_till=False)["coupon"] > report.A_WEEK["coupon"]


def test_the_limits_of_the_report_are_those_of_the_rules() -> None:
    caps = yaml.safe_load((example.RULES / "caps.yaml").read_text())
    assert {cap["tag"]: cap["limit"] for cap in caps.values()} == report.A_WEEK
    for path in (example.RULES / "offers").glob("*.yaml"):
        if path.stem != "thank-you":
            assert {(cap["limit"], cap["window"]) for cap in yaml.safe_load(path.read_text())["caps"]} == {(1, "2w")}


def test_no_coupon_is_for_what_was_bought_in_the_last_three_days(played: Played, baskets: list[Basket]) -> None:
    categories = {
        path.stem: yaml.safe_load(path.read_text()).get("properties", {}).get("category")
        for path in (example.RULES / "offers").glob("*.yaml")
    }
    bought: dict[tuple[str, str], list[float]] = {}
    for basket in baskets:
        for category in basket.categories:
            bought.setdefault((basket.household, category), []).append(basket.at)
    for name in ("by_affinity", "random"):
        for coupon in played.journal.coupons[name]:
            times = bought.get((coupon.household, str(categories[coupon.offer])), [])
            assert not any(0 <= coupon.at - at < 3 * 86_400 for at in times), coupon


def test_the_readme_shows_the_table_that_comes_out(played: Played) -> None:
    readme = (example.RULES.parent / "README.md").read_text()
    _, shown, *_ = readme.split("```text\n")
    lines = shown.split("```")[0].splitlines()
    assert lines[1:] == list(report.table(played.journal))[: len(lines) - 1]


def test_the_whole_panel_is_read_as_the_excerpt_is(tmp_path: Path) -> None:
    (tmp_path / "categories.csv").write_text("category,name,lines\n0,SOFT DRINKS,5\n1,CHEESE,4\n")
    columns = "basket,household_id,transaction_timestamp,sales\n"
    _write(tmp_path / "baskets.csv.gz", f"{columns}7,2,2017-11-05 11:00:00,9.5\n")
    _write(tmp_path / "basket_categories.csv.gz", "basket,category,sales\n7,1,2.0\n7,0,7.5\n")
    (basket,) = example.read_baskets(tmp_path)
    assert basket == Basket(1_509_879_600.0, "household-2", 9.5, ("CHEESE", "SOFT DRINKS"))


def _write(path: Path, text: str) -> None:
    path.write_bytes(gzip.compress(text.encode()))
