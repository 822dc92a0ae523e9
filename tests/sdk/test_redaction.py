"""Redaction: no byte of what was taken out is in any file, and everything else is as it was."""

from __future__ import annotations

import base64
import errno
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest

from nearwise.errors import ClientClosed
from nearwise.outbox.batches import NO_EVENT, Batch, BatchLimits, LogLimits
from nearwise.outbox.cursor import Cursor, read_cursor, write_cursor
from nearwise.outbox.dead import DeadLetters
from nearwise.outbox.log import EventLog
from nearwise.outbox.memory import MemoryLog
from nearwise.outbox.sealing import Outbox, memory_outbox, open_outbox
from nearwise.outbox.segments import LogPlace, MappedSegment, Segment, WrittenSegment

SMALL = LogLimits(total_bytes=256 * 1024, segment_bytes=4096, critical_segment_bytes=2048, event_bytes=512)
Maker = Callable[[str, int], Segment]
both_kinds = pytest.mark.parametrize("make", [MappedSegment, WrittenSegment])


def opened(folder: Path, make: Maker | None = None) -> Outbox:
    if make is None:
        return open_outbox(str(folder), clock=lambda: 1000.0, limits=SMALL)
    folder.mkdir(exist_ok=True)
    known = open_outbox(str(folder), clock=lambda: 1000.0, limits=SMALL)
    known.close()
    cursor = read_cursor(str(folder))
    assert cursor is not None
    log = EventLog(LogPlace(folder=str(folder), clock=lambda: 1000.0, make=make), SMALL, cursor.epoch)

    def keep(cursor: Cursor, durable: bool) -> None:
        write_cursor(str(folder), cursor, durable=durable)

    return Outbox(log, cursor, keep, DeadLetters(str(folder / "dead-letters.jsonl")))


def filled(outbox: Outbox, count: int, start: int = 0) -> None:
    """Every third event is of `anna`, the others are of `berta`; some of both are critical."""
    for number in range(start, start + count):
        name = b"anna" if number % 3 == 0 else b"berta"
        outbox.append(b"event %d of %s" % (number, name), critical=number % 10 in (0, 1))


def of_anna(payload: bytes) -> bool:
    return payload.endswith(b"anna")


def endswith(text: bytes) -> Callable[[bytes], bool]:
    return lambda payload: payload.endswith(text)


def left_of(number: int) -> bytes:
    return NO_EVENT if number % 3 == 0 else b"event %d of berta" % number


def all_bytes(folder: Path) -> bytes:
    """What is in the files of a folder and of those below it."""
    return b"\n".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def sealed(outbox: Outbox, events: int = 10_000) -> Batch:
    batch = outbox.seal(BatchLimits(events, 1 << 20))
    assert batch is not None
    return batch


@both_kinds
def test_no_byte_of_a_redacted_event_is_in_any_file_and_the_others_keep_their_numbers(
    tmp_path: Path, make: Maker
) -> None:
    outbox = opened(tmp_path, make)
    filled(outbox, 300)
    outbox.prepare()
    assert b"anna" in all_bytes(tmp_path)
    assert outbox.redact(of_anna) == 100
    assert b"anna" not in all_bytes(tmp_path)
    assert outbox.figures().queued == 200
    filled(outbox, 30, start=300)
    assert sealed(outbox).events[:300] == tuple(map(left_of, range(300)))
    outbox.close()
    again = opened(tmp_path, make)
    assert again.figures().queued == 230
    assert sealed(again).events[:300] == tuple(map(left_of, range(300)))
    again.close()


def test_an_outbox_without_such_events_is_left_alone(tmp_path: Path) -> None:
    outbox = opened(tmp_path)
    filled(outbox, 300)
    outbox.commit()
    outbox.prepare()
    files = {path: path.stat().st_ino for path in tmp_path.glob("*.seg")}
    assert outbox.redact(lambda payload: payload == b"nothing") == 0
    assert {path: path.stat().st_ino for path in tmp_path.glob("*.seg")} == files
    outbox.close()


def test_a_batch_that_may_have_arrived_keeps_its_boundaries(tmp_path: Path) -> None:
    outbox = opened(tmp_path)
    filled(outbox, 20)
    before = sealed(outbox)
    filled(outbox, 20, start=20)
    outbox.redact(of_anna)
    after = sealed(outbox)
    assert (after.epoch, after.first, after.end) == (before.epoch, before.first, before.end)
    assert after.events == tuple(map(left_of, range(20)))
    outbox.close()
    again = opened(tmp_path)
    assert sealed(again) == after
    again.settle(after)
    assert again.figures().queued == sum(number % 3 != 0 for number in range(20, 40))
    again.close()


def test_a_batch_of_which_nothing_is_left_is_still_that_batch(tmp_path: Path) -> None:
    outbox = opened(tmp_path)
    filled(outbox, 20)
    before = sealed(outbox)
    assert outbox.redact(lambda _: True) == 20
    assert sealed(outbox) == Batch(before.epoch, before.first, (NO_EVENT,) * 20)
    outbox.settle(sealed(outbox))
    assert outbox.figures().queued == 0
    assert outbox.append(b"next") == 20
    outbox.close()


def test_an_answer_to_a_batch_that_was_on_its_way_counts_no_event_twice_and_buries_none(tmp_path: Path) -> None:
    outbox = opened(tmp_path)
    filled(outbox, 20)
    on_its_way = sealed(outbox)
    outbox.redact(of_anna)
    outbox.bury(on_its_way, dict.fromkeys(range(20), "refused"))
    outbox.settle(on_its_way, end=10)
    assert b"anna" not in all_bytes(tmp_path)
    assert base64.b64encode(b"event 3 of anna") not in all_bytes(tmp_path)
    assert outbox.figures().dead == 13
    assert outbox.figures().queued == sum(number % 3 != 0 for number in range(10, 20))
    outbox.close()


def test_events_that_were_confirmed_and_still_lie_there_go_too_and_change_no_figure(tmp_path: Path) -> None:
    outbox = opened(tmp_path)
    filled(outbox, 20)
    outbox.settle(sealed(outbox, events=10))
    assert b"event 3 of anna" in all_bytes(tmp_path)
    assert outbox.redact(of_anna) == 7
    assert b"anna" not in all_bytes(tmp_path)
    assert outbox.figures().queued == sum(number % 3 != 0 for number in range(10, 20))
    outbox.close()


def test_dead_letters_go_with_their_events(tmp_path: Path) -> None:
    outbox = opened(tmp_path)
    filled(outbox, 6)
    batch = sealed(outbox)
    outbox.bury(batch, {0: "bad", 1: "bad"})
    os.replace(tmp_path / "dead-letters.jsonl", tmp_path / "dead-letters.jsonl.old")
    outbox.bury(batch, {3: "bad"})
    with open(tmp_path / "dead-letters.jsonl.old", "a", encoding="utf-8") as file:
        file.write('{"event": "' + base64.b64encode(b"event 3 of anna, cut o").decode())
    outbox.settle(batch)
    assert outbox.redact(of_anna) == 2 + 2
    assert not (tmp_path / "dead-letters.jsonl").exists()
    (letter,) = (tmp_path / "dead-letters.jsonl.old").read_text().splitlines()
    assert base64.b64encode(b"event 1 of berta").decode() in letter
    outbox.close()


def test_what_is_damaged_goes_whole(tmp_path: Path) -> None:
    outbox = opened(tmp_path)
    for number in range(10):
        outbox.append(b"event %d of anna" % number)
    outbox.close()
    (segment,) = tmp_path.glob("*.seg")
    content = bytearray(segment.read_bytes())
    content[40 + 3 * 31] ^= 0xFF
    segment.write_bytes(bytes(content) + b"torn off: anna")
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "standard-00000009.seg").write_bytes(b"something of anna")
    again = opened(tmp_path)
    assert again.redact(lambda payload: payload == b"event 5 of anna") == 1
    content = bytearray(all_bytes(tmp_path))
    assert b"event 3" not in content
    assert b"event 5" not in content
    assert b"torn" not in content
    assert b"something" not in content
    assert sealed(again).events[:5] == (
        *(b"event %d of anna" % number for number in range(3)),
        NO_EVENT,
        b"event 4 of anna",
    )
    assert again.figures().damaged_bytes == 31
    again.close()


def test_damage_in_a_segment_that_was_not_read_at_the_start_goes_too(tmp_path: Path) -> None:
    outbox = opened(tmp_path)
    filled(outbox, 300)
    outbox.commit()
    outbox.prepare()
    outbox.close()
    segment = min(tmp_path.glob("standard-00000000-*.seg"))
    content = bytearray(segment.read_bytes())
    content[40 + 16 + 15 + 8] ^= 0xFF
    segment.write_bytes(bytes(content))
    again = opened(tmp_path)
    again.redact(of_anna)
    assert b"anna" not in all_bytes(tmp_path)
    assert again.figures().damaged_bytes > 0
    again.close()


def test_what_a_crash_left_of_a_copy_is_deleted_at_the_start(tmp_path: Path) -> None:
    opened(tmp_path).close()
    left = tmp_path / "standard-00000003-5-9-4.seg.new"
    left.write_bytes(b"half a copy")
    outbox = opened(tmp_path)
    assert not left.exists()
    outbox.close()


def test_a_full_disk_gives_up_what_is_allocated_ahead_for_the_redaction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = opened(tmp_path)
    filled(outbox, 20)
    outbox.prepare()
    real = os.open
    segments = len(list(tmp_path.glob("*.seg")))

    def full(path: str, flags: int, mode: int = 0o777) -> int:
        if path.endswith(".new") and len(list(tmp_path.glob("*.seg"))) >= segments:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(path, flags, mode)

    monkeypatch.setattr(os, "open", full)
    assert outbox.redact(of_anna) == 7
    assert b"anna" not in all_bytes(tmp_path)
    outbox.close()


def test_a_disk_that_refuses_is_told_and_nothing_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outbox = opened(tmp_path)
    filled(outbox, 300)
    real, calls = os.replace, list[str]()

    def failing(source: str, target: str) -> None:
        calls.append(source)
        if len(calls) == 4:
            raise OSError(errno.EIO, "Input/output error")
        real(source, target)

    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(OSError, match="Input/output"):
        outbox.redact(of_anna)
    monkeypatch.undo()
    events = sealed(outbox).events
    assert all(event in (left_of(number), b"event %d of anna" % number) for number, event in enumerate(events))
    assert outbox.figures().queued == sum(event != NO_EVENT for event in events) < 300
    outbox.redact(of_anna)
    assert b"anna" not in all_bytes(tmp_path)
    assert outbox.figures().queued == 200
    outbox.close()


def test_other_threads_append_meanwhile_and_lose_nothing(tmp_path: Path) -> None:
    outbox = opened(tmp_path)
    kept = list[int]()

    def append() -> None:
        for number in range(3000):
            text = b"anna" if number % 2 else b"berta"
            sequence = outbox.append(b"%d of %s" % (number, text), critical=number % 100 == 0)
            if number % 2 == 0:
                kept.append(sequence)

    threads = [Thread(target=append) for _ in range(3)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        outbox.redact(of_anna)
        outbox.prepare()
        batch = outbox.seal(BatchLimits(100, 1 << 20))
        assert batch is not None
    outbox.redact(of_anna)
    assert b"anna" not in all_bytes(tmp_path)
    events = list[bytes]()
    while (batch := outbox.seal(BatchLimits(1000, 1 << 20))) is not None:
        assert batch.first == len(events)
        events.extend(batch.events)
        outbox.settle(batch)
    assert [sequence for sequence, event in enumerate(events) if event != NO_EVENT] == sorted(kept)
    assert outbox.figures().queued == 0
    outbox.close()


def test_events_in_memory_are_redacted_the_same_way() -> None:
    outbox = memory_outbox(MemoryLog(events=100, event_bytes=512, clock=lambda: 1000.0))
    filled(outbox, 20)
    on_its_way = sealed(outbox, events=5)
    assert outbox.redact(of_anna) == 7
    assert sealed(outbox).events == tuple(map(left_of, range(5)))
    outbox.settle(on_its_way)
    assert outbox.figures().queued == sum(number % 3 != 0 for number in range(5, 20))
    filled(outbox, 200, start=20)
    assert outbox.figures().lost > 0
    assert len(outbox.waiting()) == outbox.figures().queued
    outbox.close()


def test_a_closed_outbox_redacts_nothing(tmp_path: Path) -> None:
    outbox = opened(tmp_path)
    outbox.close()
    with pytest.raises(ClientClosed):
        outbox.redact(of_anna)


@pytest.mark.parametrize("seed", range(8))
def test_whatever_happens_in_between_the_figures_and_the_events_stay_right(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    outbox = opened(tmp_path)
    model = list[bytes]()  # by sequence number: what the server has to get
    done, batch = 0, None
    for _ in range(300):
        step = chance.randrange(12)
        if step < 5:
            for _ in range(chance.randrange(1, 30)):
                model.append(b"event %d of %d" % (len(model), chance.randrange(5)))
                outbox.append(model[-1], critical=chance.random() < 0.1)
        elif step < 7:
            matches = endswith(b"of %d" % chance.randrange(5))
            outbox.redact(matches)
            model = [NO_EVENT if matches(event) else event for event in model]
        elif step == 7:
            outbox.prepare()
        elif step == 8:
            outbox.close()
            outbox, batch = opened(tmp_path), None
        elif step == 9 and batch is not None:
            outbox.halve(batch)
            batch = None
        elif step == 10 and batch is not None:
            end = chance.randrange(batch.first + 1, batch.end + 1)
            outbox.settle(batch, end)
            done, batch = max(done, end), None
        else:
            batch = outbox.seal(BatchLimits(chance.randrange(1, 80), 4096))
            if batch is not None:
                assert batch.events == tuple(model[batch.first : batch.end])
        assert outbox.figures().queued == sum(event != NO_EVENT for event in model[done:])
    outbox.close()


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_an_outbox_killed_in_the_middle_loses_nothing_and_the_next_redaction_finishes_the_work(tmp_path: Path) -> None:
    chance = random.Random(20261122)
    promised = set[int]()
    boundaries = None
    paths = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    arguments = [sys.executable, str(Path(__file__).with_name("killed_redaction.py")), str(tmp_path)]
    for _ in range(6):
        start = str(max(promised, default=-1) + 1)
        victim = subprocess.Popen([*arguments, start], stdout=subprocess.PIPE, env={**os.environ, **paths})
        assert victim.stdout is not None
        lines = [victim.stdout.readline() for _ in range(chance.randrange(1, 1500))]
        victim.send_signal(signal.SIGKILL)
        lines += victim.stdout.read().splitlines(keepends=True)
        victim.wait()
        victim.stdout.close()
        promised |= {int(line[1:]) for line in lines if line[:1] == b"a" and line.endswith(b"\n")}
        cursor = read_cursor(str(tmp_path))
        assert cursor is not None
        assert boundaries is None or cursor.sealed == boundaries
        boundaries = cursor.sealed
    outbox = open_outbox(str(tmp_path), clock=lambda: 1000.0, limits=LogLimits(1 << 20, 4096, 2048, 512))
    outbox.redact(lambda payload: payload.endswith(b"odd"))
    assert b"odd" not in all_bytes(tmp_path)
    events = list[bytes]()
    while (batch := outbox.seal(BatchLimits(1000, 1 << 20))) is not None:
        assert batch.first == len(events)
        events.extend(batch.events)
        outbox.settle(batch)
    found = {int(event.split()[1]) for event in events if event != NO_EVENT}
    assert {number for number in promised if number % 2 == 0} <= found
    assert outbox.figures().queued == 0
    outbox.close()
