"""The history of a device: from memory for deciding, on disk within a second, alive after restarts and kills."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nearwise.history import HistoryLimits, HistoryStore
from nearwise.settings import Settings
from nearwise_rules import ANONYMOUS, DEVICE, Assignment, Calendar, parse_window

NOON = 1_795_604_400.0
DAY = 86_400.0
EVER = parse_window("ever")
Opener = Callable[..., HistoryStore]


@pytest.fixture
def open_history(tmp_path: Path) -> Iterator[Opener]:
    """Opens the history of one folder, as after a restart; closes all in the end."""
    opened: list[HistoryStore] = []

    def make(clock: Callable[[], float] = lambda: NOON, **limits: int) -> HistoryStore:
        history = HistoryStore(str(tmp_path / "history.db"), HistoryLimits(**limits), clock)
        opened.append(history)
        return history

    yield make
    for history in opened:
        history.close()


def add(history: HistoryStore, owner: str, times: int = 1, at: float = NOON, event: str = "seen") -> None:
    for _ in range(times):
        with history.changing(owner) as ledger:
            ledger.add(event, [""], at)


def count(history: HistoryStore, owner: str) -> int:
    return history.recall(owner).count("seen", "", EVER, NOON)


def test_what_was_committed_is_there_after_a_restart(open_history: Opener) -> None:
    first = open_history()
    add(first, "h-1", 3)
    first.recall("h-1").assign("hero", Assignment("b", 0.5, NOON))
    add(first, DEVICE, 2)
    first.commit()
    again = open_history()
    assert (count(again, "h-1"), count(again, DEVICE), count(again, "h-2")) == (3, 2, 0)
    assert again.recall("h-1").assigned("hero") == Assignment("b", 0.5, NOON)
    assert again.figures().subjects == 2


def test_a_ledger_is_the_same_object_until_it_leaves_the_memory(open_history: Opener) -> None:
    history = open_history()
    assert history.recall("h-1") is history.recall("h-1")


def test_nothing_is_written_or_imported_for_a_history_that_nobody_uses(tmp_path: Path) -> None:
    code = (
        "import sys, time; from nearwise.history import HistoryLimits, HistoryStore;"
        f"h = HistoryStore({str(tmp_path / 'history.db')!r}, HistoryLimits(), time.time);"
        "h.recall('a'); h.tick(); h.close();"
        "sys.exit('sqlite3' in sys.modules)"
    )
    subprocess.run(
        [sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )
    assert list(tmp_path.iterdir()) == []


def test_a_change_is_written_within_a_second_of_the_wake(open_history: Opener) -> None:
    history, woken = open_history(), list[float]()
    history.commit_seconds = 0.05
    assert history.tick() == float("inf")
    history.on_change(lambda: woken.append(time.monotonic()))
    add(history, "h-1", 3)
    assert len(woken) == 1
    assert 0 < history.tick() <= 0.05
    assert history.figures().unsaved == 1
    time.sleep(history.tick() + 0.001)
    assert history.tick() == float("inf")
    assert history.figures().unsaved == 0
    assert count(open_history(), "h-1") == 3
    add(history, "h-1")
    assert len(woken) == 2


def test_an_assignment_made_by_a_decision_is_written_too(open_history: Opener) -> None:
    history = open_history()
    history.recall("h-1").assign("hero", Assignment("b", 0.5, NOON))
    history.commit()
    assert open_history().recall("h-1").assigned("hero") == Assignment("b", 0.5, NOON)


def test_whoever_may_not_be_kept_is_in_memory_only(open_history: Opener, tmp_path: Path) -> None:
    history, allowed = open_history(), set[str]()
    history.let_persist(allowed.__contains__)
    add(history, "h-1", 2)
    history.commit()
    assert count(history, "h-1") == 2
    assert not (tmp_path / "history.db").exists() or b"h-1" not in (tmp_path / "history.db").read_bytes()
    allowed.add("h-1")
    add(history, "h-1")
    history.commit()
    assert count(open_history(), "h-1") == 3
    allowed.clear()
    add(history, "h-1")
    history.commit()
    assert count(open_history(), "h-1") == 0


def test_what_the_disk_had_comes_back_when_it_may_be_kept_again(open_history: Opener) -> None:
    first = open_history()
    add(first, "h-1", 2)
    first.commit()
    second, allowed = open_history(), set[str]()
    second.let_persist(allowed.__contains__)
    assert count(second, "h-1") == 0
    allowed.add("h-1")
    add(second, "h-1")
    second.commit()
    assert count(second, "h-1") == 3
    assert count(open_history(), "h-1") == 3


def test_the_end_of_a_session_forgets_the_nameless_and_those_in_memory_only(open_history: Opener) -> None:
    history = open_history()
    history.let_persist(lambda owner: owner != "h-2")
    for owner in (ANONYMOUS, DEVICE, "h-1", "h-2"):
        add(history, owner)
    history.commit()
    history.end_session()
    assert [count(history, owner) for owner in (ANONYMOUS, DEVICE, "h-1", "h-2")] == [0, 1, 1, 0]
    history.commit()
    again = open_history()
    assert [count(again, owner) for owner in (ANONYMOUS, DEVICE, "h-1", "h-2")] == [0, 1, 1, 0]


def test_a_session_that_a_restart_cut_short_can_be_ended_too(open_history: Opener) -> None:
    first = open_history()
    add(first, ANONYMOUS)
    first.commit()
    second = open_history()
    second.end_session()
    assert count(second, ANONYMOUS) == 0
    add(second, ANONYMOUS)
    second.commit()
    assert count(open_history(), ANONYMOUS) == 1


def test_joining_moves_what_is_remembered(open_history: Opener) -> None:
    history = open_history()
    add(history, ANONYMOUS, 2)
    add(history, "h-1", 3)
    history.commit()
    history.join(ANONYMOUS, "h-1")
    history.commit()
    again = open_history()
    assert (count(again, ANONYMOUS), count(again, "h-1")) == (0, 5)


def test_an_owner_who_is_dropped_while_he_is_written_stays_dropped(open_history: Opener) -> None:
    history = open_history()
    add(history, ANONYMOUS)
    history.end_session()
    add(history, ANONYMOUS)

    def drop_meanwhile(_owner: str) -> bool:
        history.end_session()
        return True

    history.let_persist(drop_meanwhile)
    history.commit()
    history.let_persist(lambda _owner: True)
    history.commit()
    assert count(history, ANONYMOUS) == 0
    assert count(open_history(), ANONYMOUS) == 0


def test_more_subjects_than_fit_into_memory_come_back_from_the_disk(open_history: Opener) -> None:
    history = open_history(memory_subjects=5)
    for number in range(20):
        add(history, f"h-{number}")
        history.commit()
    assert history.figures().memory_subjects <= 6
    assert [count(history, f"h-{number}") for number in range(20)] == [1] * 20


def test_those_seen_longest_ago_leave_the_memory_first(open_history: Opener) -> None:
    history = open_history(memory_subjects=3)
    for owner in ("a", "b", "c"):
        add(history, owner)
    history.commit()
    kept = history.recall("a")
    history.recall("d")
    assert history.recall("a") is kept


def test_a_disk_that_takes_nothing_does_not_let_the_memory_grow_without_end(open_history: Opener) -> None:
    history = open_history(memory_subjects=5)
    for number in range(50):
        add(history, f"h-{number}")
    assert history.figures().memory_subjects <= 11


def test_without_a_file_everything_is_in_memory_and_bounded() -> None:
    history = HistoryStore(None, HistoryLimits(memory_subjects=5), lambda: NOON)
    for number in range(20):
        add(history, f"h-{number}")
    assert history.tick() == float("inf")
    history.commit()
    assert history.figures() == (0, 5, 0, 0, False, (), None)
    assert history.forget("h-19") == 1
    assert history.marked is None
    history.close()


def test_another_zone_counts_by_its_own_days(open_history: Opener) -> None:
    history, day = open_history(), parse_window("day")
    half_past_midnight_in_warsaw = NOON - 11.5 * 3600
    add(history, "h-1", at=half_past_midnight_in_warsaw)
    assert history.recall("h-1").count("seen", "", day, NOON) == 0
    history.use(Calendar("Europe/Warsaw"))
    assert history.recall("h-1").count("seen", "", day, NOON) == 1
    add(history, "h-1")
    history.commit()
    assert count(open_history(), "h-1") == 2


def test_any_thread_adds_and_reads(open_history: Opener) -> None:
    history = open_history(memory_subjects=3)
    wrong: list[BaseException] = []

    def visit(name: int) -> None:
        try:
            for number in range(60):
                owner = f"h-{(name + number) % 5}"
                with history.changing(owner) as ledger:
                    ledger.add("seen", [""], NOON + number)
                history.recall(owner).count("seen", "", parse_window("7d"), NOON)
                if number % 10 == name:
                    history.commit()
        except BaseException as error:  # noqa: BLE001  told by the test
            wrong.append(error)

    threads = [threading.Thread(target=visit, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    history.commit()
    assert sum(count(open_history(), f"h-{number}") for number in range(5)) == 240


def test_a_kill_costs_no_more_than_what_was_not_committed(tmp_path: Path, open_history: Opener) -> None:
    script = Path(__file__).with_name("killed_history.py")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for round_ in range(3):
        child = subprocess.Popen(
            [sys.executable, str(script), str(tmp_path / f"{round_}.db")],
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        assert child.stdout is not None
        lines = [child.stdout.readline() for _ in range(60 + 17 * round_)]
        child.kill()
        lines += child.stdout.read().splitlines()
        child.stdout.close()
        child.wait()
        numbers = {kind: [int(line[1:]) for line in lines if line[:1] == kind] for kind in "ac"}
        history = HistoryStore(str(tmp_path / f"{round_}.db"), HistoryLimits(), time.time)
        found = sum(count(history, f"h-{number}") for number in range(7))
        assert max(numbers["c"]) <= found <= max(numbers["a"]) + 1
        assert history.marked == ("e", found)
        assert history.figures().damaged == ()
        history.close()


def test_a_forked_child_remembers_in_memory_and_leaves_the_file_alone(open_history: Opener) -> None:
    history = open_history()
    add(history, "h-1")
    history.commit()
    history.leave_to_parent()
    add(history, "h-1")
    history.commit()
    assert count(history, "h-1") == 2
    assert history.figures().durable is False
    assert count(open_history(), "h-1") == 1


def test_the_limits_are_those_of_the_settings() -> None:
    settings = Settings(history_days=30, history_subjects=100, history_bytes=1 << 20, history_memory_subjects=10)
    assert HistoryLimits.of(settings) == HistoryLimits(subjects=100, memory_subjects=10, days=30, bytes=1 << 20)
    assert HistoryLimits.of(Settings()) == HistoryLimits()


def test_events_are_forgotten_when_they_may_not_be_remembered_any_longer(open_history: Opener) -> None:
    first = open_history(lambda: NOON - 9 * DAY)
    for number in range(5):
        add(first, f"h-{number}", 2, at=NOON - 9 * DAY)
    for owner in ("h-3", "h-4"):
        add(first, owner, 1, at=NOON - DAY)
    add(first, DEVICE, 1, at=NOON - 9 * DAY, event="visit")
    first.close()
    second = open_history(lambda: NOON)
    assert (count(second, "h-0"), count(second, "h-4")) == (2, 3)  # these are in memory, the others are not
    second.remember_for(lambda event: 7 * DAY if event == "seen" else float("inf"))
    second.commit()
    second.close()
    third = open_history(lambda: NOON)
    assert [count(third, f"h-{number}") for number in range(5)] == [0, 0, 0, 1, 1]
    assert third.recall(DEVICE).count("visit", "", EVER, NOON) == 1
    assert third.figures().subjects == 3


def test_what_may_not_be_remembered_is_not_loaded(open_history: Opener) -> None:
    history = open_history()
    add(history, "h-1", 2, at=NOON - 9 * DAY)
    add(history, "h-1", 1)
    history.commit()
    again = open_history()
    again.remember_for(lambda _: 7 * DAY)
    assert count(again, "h-1") == 1
