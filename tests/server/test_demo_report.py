"""The report: its verdict, its JSON, its lines on the screen."""

from __future__ import annotations

import io
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from nearwise_server.demo.intervals import Share
from nearwise_server.demo.ledgers import Asked, Ledger
from nearwise_server.demo.receipts import Receipts
from nearwise_server.demo.reconciliation import Tally
from nearwise_server.demo.redemptions import Comparison
from nearwise_server.demo.report import BundleSizes, Cast, Decisions, Report, summarise
from nearwise_server.demo.screen import Screen, microseconds, report_lines, size

GOOD = Report(
    cast=Cast(tills=2, households=412, baskets=2031, offline=("till-1", "till-2"), killed="till-2", seconds=26.2),
    decisions=Decisions(count=6093, p50=9_000, p99=31_400, offline=604, blank=0),
    events=Tally(sent=5377, stored=5377, missing=0, twice=0, interrupted=1),
    bundles=BundleSizes(newest=41, before=40, whole_bytes=18_000, delta_bytes=612),
    ended_on={"till-1": 41, "till-2": 41},
    comparisons=(
        Comparison("all", None, Share(56, 70), Share(48, 80)),
        Comparison("cook", "18", Share(6, 7), Share(0, 0)),
    ),
    receipts=Receipts({"cheese": 1_012, "frozen": 7}, thanks=300),
    centre="http://127.0.0.1:8700",
)


def printed(report: Report, keys: Path | None = None) -> str:
    out = io.StringIO()
    Screen(Console(file=out, width=40)).show_report(report, keys)
    return out.getvalue()


def test_a_report_without_a_loss_has_nothing_for_the_check() -> None:
    assert GOOD.failures == ()


@pytest.mark.parametrize(
    ("report", "failure"),
    [
        (replace(GOOD, events=Tally(5, 4, 1, 0, 0)), "1 events are missing at the centre"),
        (replace(GOOD, events=Tally(5, 6, 0, 1, 0)), "1 events are stored twice"),
        (replace(GOOD, ended_on={"till-1": 41, "till-2": 40}), "not on bundle 41: till-2"),
        (replace(GOOD, ended_on={"till-1": None, "till-2": 41}), "not on bundle 41: till-1"),
    ],
)
def test_each_loss_fails_the_check_with_a_sentence(report: Report, failure: str) -> None:
    assert report.failures == (failure,)
    assert failure in printed(report)
    assert report.to_json()["ok"] is False


def test_the_screen_shows_every_figure_on_one_line_each_even_where_it_is_narrow() -> None:
    lines = printed(GOOD).splitlines()
    assert lines[1:] == [
        "2 tills · 412 households · 2,031 baskets · 26 s",
        "decisions        6,093   p50 9 us   p99 31 us   while offline 604   blank 0",
        "events           sent 5,377   stored 5,377   missing 0   twice 0   "
        "(2 tills cut off, one of them killed within a call)",
        "bundle           41 on 2 of 2 tills (was 40; delta 612 bytes instead of 18 kB)",
        "receipts         coupon 1,019 (cheese 1,012, frozen 7)   only a thank you 300",
        "redemptions      offer 80.0 % of 70   holdout 60.0 % of 80   +20.0 points (95 %: +5.2 to +33.4): conclusive",
        "  cook           85.7 % of 7          holdout nobody             campaign 18",
        "centre           http://127.0.0.1:8700   has ended; --keep leaves it running",
    ]


def test_in_a_terminal_of_80_columns_lines_are_folded_between_their_figures() -> None:
    out = io.StringIO()
    screen = Screen(Console(file=out, width=80, force_terminal=True, color_system=None))
    screen.show_report(GOOD, None)
    screen.say("bundle 41 is checked, built, signed and published: half of the households get the wide screen")
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[3:5] == [
        "events           sent 5,377   stored 5,377   missing 0   twice 0",
        "                 (2 tills cut off, one of them killed within a call)",
    ]
    assert lines[-1].strip() == "households get the wide screen"
    assert " ".join(printed(GOOD).split()) == " ".join(" ".join(lines[:-2]).split())


def test_a_till_that_is_behind_is_named_with_its_version() -> None:
    assert ("  till-2", "bundle 40") in report_lines(replace(GOOD, ended_on={"till-1": 41, "till-2": 40}), None)


def test_a_centre_that_goes_on_is_shown_with_the_place_of_its_keys() -> None:
    assert "http://127.0.0.1:8700   keys in demo/keys.txt   Ctrl-C ends" in printed(GOOD, Path("demo/keys.txt"))


def test_the_json_is_one_last_line_with_every_figure() -> None:
    out = io.StringIO()
    Screen(Console(file=out, width=40)).show_json(GOOD)
    assert out.getvalue().count("\n") == 1
    found = json.loads(out.getvalue())
    assert found["ok"] is True
    assert found["events"] == {"sent": 5377, "stored": 5377, "missing": 0, "duplicated": 0, "interrupted_by_kill": 1}
    assert found["bundle"]["per_till"] == {"till-1": 41, "till-2": 41}
    assert found["decisions"]["p99_us"] == 31.4
    assert found["redemptions"][0]["difference_points"] == {
        "estimate": 20.0,
        "interval_95": [5.2, 33.4],
        "conclusive": True,
    }
    assert found["redemptions"][1]["difference_points"] is None


def test_decisions_are_summed_over_tills_and_those_without_network_counted() -> None:
    def ledger(*asked: Asked) -> Ledger:
        return Ledger((), asked, (), Counter(), 0, None)

    one = ledger(*(Asked(at, at * 1000, "f", 1, "SPLIT") for at in range(1, 100)))
    other = ledger(Asked(50, 100_000, "f", 0, "ERROR"))
    assert summarise([(one, [(10, 20)]), (other, [])]) == Decisions(100, 50_000, 99_000, offline=10, blank=1)
    assert summarise([]) == Decisions(0, 0, 0, 0, 0)


@pytest.mark.parametrize(("nanoseconds", "text"), [(8_700, "9 us"), (9_999_999, "10000 us"), (12_000_000, "12 ms")])
def test_durations_are_written_for_people(nanoseconds: int, text: str) -> None:
    assert microseconds(nanoseconds) == text


def test_sizes_are_written_for_people() -> None:
    assert (size(612), size(18_400)) == ("612 bytes", "18 kB")
