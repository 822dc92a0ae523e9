"""The file of the history: damaged, full, refused, too large, of a later version; and what is left of the erased."""

from __future__ import annotations

import os
import resource
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from nearwise.errors import StorageFailed
from nearwise.history import HistoryLimits, HistoryStore
from nearwise.history.believed import BelievedTime
from nearwise_rules import DEVICE, Assignment, parse_window, series_key

NOON = 1_795_604_400.0
DAY = 86_400.0
EVER = parse_window("ever")


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Where the history lies: in a folder of its own."""
    folder = tmp_path / "storage"
    folder.mkdir()
    return str(folder / "history.db")


def opened(path: str, clock: Callable[[], float] = lambda: NOON, **limits: int) -> HistoryStore:
    return HistoryStore(path, HistoryLimits(**limits), clock)


def add(history: HistoryStore, owner: str, at: float = NOON, key: str = "") -> None:
    with history.changing(owner) as ledger:
        ledger.add("seen", ["", key], at)


def count(history: HistoryStore, owner: str) -> int:
    return history.recall(owner).count("seen", "", EVER, NOON)


def filled(path: str, owners: int) -> None:
    history = opened(path)
    for number in range(owners):
        add(history, f"h-{number}")
    history.close()


def raw(path: str) -> bytes:
    """Every byte in every file of the folder."""
    folder = os.path.dirname(path)
    return b"".join(Path(folder, name).read_bytes() for name in sorted(os.listdir(folder)))


@pytest.mark.parametrize(
    "content", [b"", b"no database at all" * 500, b"SQLite format 3\0" + bytes(5000)], ids=["empty", "text", "zeros"]
)
def test_a_file_that_is_no_history_is_set_aside_and_a_new_one_begun(path: str, content: bytes) -> None:
    Path(path).write_bytes(content)
    history = opened(path)
    assert count(history, "h-1") == 0
    add(history, "h-1")
    history.commit()
    assert bool(history.figures().damaged) is bool(content)
    assert history.figures().last_error is None
    history.close()
    assert count(opened(path), "h-1") == 1
    aside = [name for name in os.listdir(os.path.dirname(path)) if ".damaged-" in name]
    assert aside == ([f"history.db.damaged-{NOON:.0f}"] if content else [])


def test_damage_that_shows_while_reading_costs_no_decision(path: str) -> None:
    filled(path, 300)
    size = os.path.getsize(path)
    with open(path, "r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (size - 4096))
    history = opened(path)
    for number in range(300):
        assert count(history, f"h-{number}") == 0
    add(history, "h-7")
    history.close()
    assert len(history.figures().damaged) == 1
    assert count(opened(path), "h-7") == 1


def test_what_is_in_memory_is_written_to_the_new_file_after_damage(path: str) -> None:
    history = opened(path)
    for number in range(100):
        add(history, f"h-{number}")
    history.commit()
    with closing(sqlite3.connect(path)) as other:
        other.execute("DROP TABLE ledger")
    add(history, "h-1")
    with pytest.raises(StorageFailed):
        history.commit()
    history.commit()
    history.close()
    again = opened(path)
    assert [count(again, f"h-{number}") for number in range(3)] == [1, 2, 1]


def test_a_damaged_row_is_told_and_costs_one_subject_only(path: str) -> None:
    filled(path, 2)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("UPDATE ledger SET body = zeroblob(40) WHERE owner = 'h-1'")
    history = opened(path)
    assert [count(history, f"h-{number}") for number in range(2)] == [1, 0]
    assert history.figures().damaged == ("the history of one subject: the check sum of the ledger is wrong",)
    history.close()


def test_a_file_of_a_later_version_is_set_aside(path: str) -> None:
    filled(path, 1)
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA user_version = 9")
    history = opened(path)
    assert count(history, "h-0") == 0
    assert "later version" in history.figures().damaged[0]
    history.close()


def test_a_disk_that_refuses_is_told_and_everything_is_written_once_it_does_not(path: str) -> None:
    folder = Path(path).parent
    folder.rmdir()
    history = opened(path)
    add(history, "h-1")
    with pytest.raises(StorageFailed, match="cannot be kept"):
        history.commit()
    assert count(history, "h-1") == 1
    figures = history.figures()
    assert (figures.unsaved, figures.last_error is None) == (1, False)
    assert 0 < history.tick() <= history.retry_seconds
    folder.mkdir()
    history.commit()
    assert history.figures().last_error is None
    history.close()
    assert count(opened(path), "h-1") == 1


def test_a_full_disk_leaves_decisions_in_memory_and_the_file_whole(path: str) -> None:
    filled(path, 5)
    history = opened(path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (32 * 1024, before[1]))
    try:
        for number in range(400):
            add(history, f"new-{number}")
        with pytest.raises(StorageFailed):
            history.commit()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert count(history, "new-3") == 1
    assert count(opened(path), "h-3") == 1
    history.commit()
    history.close()
    again = opened(path)
    assert (count(again, "h-3"), count(again, "new-3"), again.figures().damaged) == (1, 1, ())


def test_what_could_not_be_read_is_put_together_with_what_was_added_since(path: str) -> None:
    filled(path, 3)
    folder = Path(path).parent
    away = folder.rename(folder.with_name("away"))
    history = opened(path)
    history._file._exists = True  # type: ignore[union-attr]  # pyright: ignore  as if the disk went after the start
    assert count(history, "h-1") == 0
    assert history.figures().last_error is not None
    add(history, "h-1")
    away.rename(folder)
    history.commit()
    assert count(history, "h-1") == 2
    history.close()
    assert count(opened(path), "h-1") == 2


def test_the_least_recently_seen_subjects_leave_first_and_the_device_last(path: str) -> None:
    history = opened(path, subjects=10)
    add(history, DEVICE)
    for number in range(12):
        add(history, f"h-{number}")
        history.commit()
        history.recall("h-0")
    assert history.figures().subjects == 10
    history.close()
    again = opened(path)
    assert count(again, DEVICE) == 1
    assert [number for number in range(12) if count(again, f"h-{number}")] == [0, 4, 5, 6, 7, 8, 9, 10, 11]


def test_the_file_stays_within_its_bytes(path: str) -> None:
    most = 512 * 1024
    history = opened(path, bytes=most, memory_subjects=50)
    for number in range(400):
        with history.changing(f"h-{number}") as ledger:
            for key in range(60):
                ledger.add("seen", ["", f"k{key}"], NOON + number)
        if number % 20 == 0:
            history.commit()
            assert history.figures().size_bytes <= most
    history.commit()
    assert count(history, "h-399") == 60
    assert 50 < history.figures().subjects < 400
    history.close()


def test_of_the_erased_no_byte_is_left(path: str) -> None:
    history = opened(path)
    key = series_key({"category": "SECRET-CATEGORY"})
    Path(f"{path}.damaged-1").write_bytes(b"card-SECRET")
    for round_ in range(40):
        for number in range(30):
            add(history, f"h-{number}", NOON + round_, f"k{round_ % 9}")
        add(history, "card-SECRET", NOON + round_, key)
        history.recall("card-SECRET").assign(f"SECRET-{round_}", Assignment("b", 0.5, NOON))
        history.commit()
    assert b"SECRET" in raw(path)
    assert history.forget("card-SECRET") == 2 + 40
    assert b"SECRET" not in raw(path)
    assert (count(history, "card-SECRET"), count(history, "h-3")) == (0, 40)
    history.commit()
    assert b"SECRET" not in raw(path)
    history.close()
    assert b"SECRET" not in raw(path)
    assert count(opened(path), "h-3") == 40


def test_an_erasure_that_the_disk_refuses_is_told_and_can_be_repeated(path: str) -> None:
    filled(path, 20)
    history = opened(path)
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM ledger").fetchone()
        with pytest.raises(StorageFailed):
            history.forget("h-7")
        assert count(history, "h-7") == 0
    assert history.forget("h-7") == 0
    assert b"h-7" not in raw(path)
    history.close()


def test_whoever_comes_again_after_being_forgotten_begins_anew(path: str) -> None:
    filled(path, 2)
    history = opened(path)
    history.forget("h-1")
    add(history, "h-1")
    history.close()
    assert count(opened(path), "h-1") == 1


def test_subjects_of_whom_nothing_new_came_leave_after_the_days_that_are_kept(path: str) -> None:
    history = opened(path, lambda: NOON, days=30)
    add(history, "old", NOON - 25 * DAY)
    add(history, "new", NOON - 5 * DAY)
    history.close()
    later = opened(path, lambda: NOON + 10 * DAY, days=30)
    assert later.tick() == float("inf")
    assert later.figures().subjects == 1
    assert (count(later, "old"), count(later, "new")) == (0, 1)
    later.close()
    assert b"old" not in raw(path)


def test_a_clock_that_jumps_ahead_by_years_costs_no_history(path: str) -> None:
    history = opened(path)
    add(history, "h-1")
    history.close()
    ahead = opened(path, lambda: NOON + 3000 * DAY)
    ahead.commit()
    assert count(ahead, "h-1") == 1
    ahead.close()
    assert count(opened(path), "h-1") == 1


@pytest.mark.parametrize(
    ("clock", "reached", "uptime", "now", "next_"),
    [
        (NOON, None, 5.0, NOON, NOON),
        (NOON, NOON - DAY, 5.0, NOON, NOON),
        (NOON, NOON - 100 * DAY, 5.0, NOON - 69 * DAY + 5, NOON - 69 * DAY + 5),
        (NOON, NOON - 100 * DAY, 69 * DAY, NOON, NOON),
        (1000.0, NOON, 5.0, 1000.0, NOON),
        (NOON, 1000.0, 5.0, NOON, NOON),
    ],
)
def test_time_is_believed_to_pass_by_31_days_between_starts(
    clock: float, reached: float | None, uptime: float, now: float, next_: float
) -> None:
    passed = iter([0.0, uptime, uptime])
    believed = BelievedTime(lambda: clock, reached, lambda: next(passed))
    assert believed.now() == now
    assert believed.reached() == next_
