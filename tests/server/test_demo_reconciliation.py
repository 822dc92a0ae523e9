"""Counting what arrived against the tills' own books."""

from __future__ import annotations

from pathlib import Path

import pytest

from nearwise_server.demo.errors import DemoFailed
from nearwise_server.demo.ledgers import Ledger, read_ledger
from nearwise_server.demo.reconciliation import StoredEvent, Tally, tally


def ledger(folder: Path, text: str) -> Ledger:
    path = folder / "ledger.tsv"
    path.write_text(text)
    return read_ledger(path)


def exposure(sequence: int, decision: str) -> StoredEvent:
    return StoredEvent("till-1", "e", sequence, "exposure", "h", {"flag": "f", "id": decision})


def tracked(sequence: int, step: str) -> StoredEvent:
    return StoredEvent("till-1", "e", sequence, "track", "h", {"name": "purchase", "properties": {"step": step}})


BOOKS = "begin\t1/offer\tx1\ndone\t1/offer\tx1\nbegin\t1/purchase\t1/purchase\ndone\t1/purchase\t1/purchase\n"


def test_everything_that_was_reported_and_stored_once_is_neither_missing_nor_twice(tmp_path: Path) -> None:
    found = tally(ledger(tmp_path, BOOKS), [exposure(0, "x1"), tracked(1, "1/purchase")])
    assert found == Tally(sent=2, stored=2, missing=0, twice=0, interrupted=0)


def test_an_event_that_was_reported_and_is_not_stored_is_missing(tmp_path: Path) -> None:
    assert tally(ledger(tmp_path, BOOKS), [tracked(1, "1/purchase")]).missing == 1


def test_a_foreign_event_does_not_stand_in_for_a_missing_one(tmp_path: Path) -> None:
    found = tally(ledger(tmp_path, BOOKS), [exposure(0, "other"), tracked(1, "1/purchase")])
    assert (found.stored, found.missing) == (2, 1)


def test_a_gap_that_only_the_centre_knows_of_counts_as_missing(tmp_path: Path) -> None:
    assert tally(ledger(tmp_path, BOOKS), [exposure(0, "x1"), tracked(2, "1/purchase")], gaps=1).missing == 1


@pytest.mark.parametrize("again", [tracked(2, "1/purchase"), tracked(1, "1/other")])
def test_the_same_event_under_two_numbers_or_two_under_one_number_is_twice(tmp_path: Path, again: StoredEvent) -> None:
    assert tally(ledger(tmp_path, BOOKS), [exposure(0, "x1"), tracked(1, "1/purchase"), again]).twice == 1


@pytest.mark.parametrize("stored", [[], [tracked(2, "2/purchase")]])
def test_a_call_that_a_kill_cut_off_may_be_stored_or_not(tmp_path: Path, stored: list[StoredEvent]) -> None:
    books = ledger(tmp_path, BOOKS + "begin\t2/purchase\t2/purchase\n")
    found = tally(books, [exposure(0, "x1"), tracked(1, "1/purchase"), *stored])
    assert (found.sent, found.missing, found.twice, found.interrupted) == (2, 0, 0, 1)


def test_what_the_sdk_reports_by_itself_is_not_counted(tmp_path: Path) -> None:
    status = StoredEvent("till-1", "e", 2, "status", None, {"type": "status"})
    assert tally(ledger(tmp_path, BOOKS), [exposure(0, "x1"), tracked(1, "1/purchase"), status]).stored == 2


def test_tallies_of_tills_add_up() -> None:
    assert Tally(5, 4, 1, 0, 1) + Tally(2, 3, 0, 1, 0) == Tally(7, 7, 1, 1, 1)


def test_a_ledger_gives_every_fact_and_leaves_out_a_line_that_a_kill_cut_short(tmp_path: Path) -> None:
    books = ledger(
        tmp_path,
        "start\t10.5\t3\tgeneration\ndecide\t11.0\t9000\tf\t3\tSPLIT\ndecide\t11.5\t8000\tf\t0\tERROR\n"
        + BOOKS
        + "basket\t1\nend\t12.0\t4\t0\nbegin\t2/pur",
    )
    assert [(start.version, start.source) for start in books.starts] == [(3, "generation")]
    assert [asked.blank for asked in books.asked] == [False, True]
    assert (books.begun, books.baskets, books.end_version) == (("x1", "1/purchase"), 1, 4)


@pytest.mark.parametrize("text", ["decide\t1\n", "begin\n", "something\telse\n", "end\tx\ty\tz\n"])
def test_a_ledger_that_is_not_one_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(DemoFailed, match=r"ledger\.tsv"):
        ledger(tmp_path, text)
