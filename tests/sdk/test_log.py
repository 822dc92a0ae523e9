"""The event log: nothing that was appended is lost by a restart; bounds, full disks and failing syncs are told."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from nearwise.errors import ClientClosed, EventRefused, StorageFailed
from nearwise.outbox.batches import LogLimits
from nearwise.outbox.log import EventLog
from nearwise.outbox.segments import LogPlace, MappedSegment, Segment, WrittenSegment
from tests.sdk.conftest import unpacked

EPOCH = "ab" * 16
SMALL = LogLimits(total_bytes=16 * 1024, segment_bytes=2048, critical_segment_bytes=1024, event_bytes=512)
EVERYTHING = 1 << 62
Maker = Callable[[str, int], Segment]


def open_log(folder: Path, limits: LogLimits = SMALL, make: Maker | None = None) -> EventLog:
    return EventLog(LogPlace(folder=str(folder), clock=lambda: 1000.5, make=make), limits, EPOCH)


def events_in(log: EventLog, start: int = 0) -> list[tuple[int, bytes]]:
    return list(log.read((EPOCH, start, EVERYTHING)))


def losses_in(log: EventLog) -> list[dict[str, object]]:
    found = [unpacked(payload) for _, payload in events_in(log) if payload[0] & 0xF0 == 0x80]
    return [event for event in found if event["type"] == "loss"]


@pytest.mark.parametrize("make", [MappedSegment, WrittenSegment])
def test_events_of_both_classes_are_read_in_the_order_of_their_sequence(tmp_path: Path, make: Maker) -> None:
    log = open_log(tmp_path, make=make)
    for number in range(100):
        assert log.append(b"e%d" % number, critical=number % 7 == 0) == number
    assert events_in(log) == [(number, b"e%d" % number) for number in range(100)]
    log.close()
    again = open_log(tmp_path, make=make)
    assert events_in(again) == [(number, b"e%d" % number) for number in range(100)]
    assert again.next == 100
    again.close()


def test_an_abandoned_log_is_recovered_whole(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    for number in range(50):
        log.append(b"e%d" % number)
    again = open_log(tmp_path)  # nothing was closed or committed: the kernel has it
    assert events_in(again) == [(number, b"e%d" % number) for number in range(50)]
    again.append(b"after")
    assert events_in(again, 50) == [(50, b"after")]
    again.close()
    log.close()


def test_a_torn_tail_at_every_byte_recovers_to_the_events_before_it(tmp_path: Path) -> None:
    log = open_log(tmp_path / "origin")
    for number in range(5):
        log.append(b"event %d" % number)
    log.close()
    (whole,) = (tmp_path / "origin").glob("*.seg")
    content = whole.read_bytes()
    for cut in range(len(content)):
        folder = tmp_path / f"cut-{cut}"
        folder.mkdir()
        (folder / whole.name).write_bytes(content[:cut])
        recovered = open_log(folder)
        assert events_in(recovered) == [(number, b"event %d" % number) for number in range(len(events_in(recovered)))]
        sequence = recovered.append(b"next")
        assert events_in(recovered, sequence) == [(sequence, b"next")]
        recovered.close()


def test_what_follows_a_damaged_middle_is_kept_and_the_segment_set_aside_when_sent(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    for number in range(10):
        log.append(b"event %d" % number)
    log.close()
    (segment,) = tmp_path.glob("*.seg")
    content = bytearray(segment.read_bytes())
    content[40 + 3 * 23 + 16 : 40 + 3 * 23 + 20] = b"XXXX"
    segment.write_bytes(bytes(content))
    again = open_log(tmp_path)
    assert [sequence for sequence, _ in events_in(again)] == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    assert again.damaged_bytes == 23
    again.remove_through(EPOCH, 10)
    assert not segment.exists()
    assert (tmp_path / "damaged" / segment.name).exists()
    again.close()


def test_a_segment_of_garbage_is_set_aside_and_the_log_goes_on(tmp_path: Path) -> None:
    (tmp_path / "standard-00000004.seg").write_bytes(os.urandom(500))
    log = open_log(tmp_path)
    assert log.damaged_bytes == 500
    log.append(b"event")
    assert events_in(log) == [(0, b"event")]
    assert (tmp_path / "damaged" / "standard-00000004.seg").exists()
    log.close()


def test_the_oldest_standard_segments_are_dropped_first_and_the_loss_is_recorded(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    for number in range(400):
        log.append(b"x" * 100, critical=number % 20 == 0)
    assert log.size_bytes <= SMALL.total_bytes
    kept = {sequence for sequence, _ in events_in(log)}
    losses = losses_in(log)
    assert log.lost == sum(int(str(loss["count"])) for loss in losses) > 0
    assert all(loss["why"] == "bound" and loss["at"] == 1_000_500 for loss in losses)
    assert len(kept) + log.lost == log.next
    payloads = [payload for _, payload in events_in(log)]
    assert payloads.count(b"x" * 100) == 400 - log.lost
    critical = [number for number in range(400) if number % 20 == 0]
    assert len(critical) == 20
    log.close()


def test_a_segment_on_its_way_is_never_dropped(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.append(b"first")
    log.held = (EPOCH, 0, 1)
    for _ in range(400):
        log.append(b"x" * 100)
    assert events_in(log)[0] == (0, b"first")
    log.close()


def test_a_full_disk_gives_up_the_oldest_exposures_for_the_newest_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = open_log(tmp_path, LogLimits(segment_bytes=2048, critical_segment_bytes=1024))
    for _ in range(100):
        log.append(b"x" * 100)
    log.prepare()
    count = len(list(tmp_path.glob("*.seg")))
    real = os.posix_fallocate

    def full(file: int, offset: int, length: int) -> None:
        if len(list(tmp_path.glob("*.seg"))) > count:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(file, offset, length)

    monkeypatch.setattr(os, "posix_fallocate", full)
    for _ in range(100):
        log.append(b"y" * 100)
    last = log.append(b"purchase", critical=True)
    assert events_in(log, last) == [(last, b"purchase")]
    assert log.lost > 0
    assert {loss["why"] for loss in losses_in(log)} == {"full"}
    log.close()


def test_when_nothing_is_left_to_drop_the_event_is_refused_and_later_ones_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: int, offset: int, length: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    log = open_log(tmp_path)
    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(StorageFailed, match="No space left"):
        log.append(b"exposure")
    assert not log.prepare()
    monkeypatch.undo()
    log.append(b"later")
    log.commit()
    assert [loss["count"] for loss in losses_in(log)] == [1]
    log.close()


def test_a_critical_event_still_fits_on_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: int, offset: int, length: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    log = open_log(tmp_path)
    log.prepare()
    monkeypatch.setattr(os, "posix_fallocate", full)
    log.append(b"purchase", critical=True)
    assert events_in(log) == [(0, b"purchase")]
    log.close()


def test_a_failed_sync_is_not_repeated_but_made_in_a_new_segment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = open_log(tmp_path)
    log.append(b"first", critical=True)
    calls: list[int] = []
    real = os.fdatasync

    def failing(file: int) -> None:
        calls.append(file)
        if len(calls) == 1:
            raise OSError(errno.EIO, "Input/output error")
        real(file)

    monkeypatch.setattr(os, "fdatasync", failing)
    log.append(b"second", critical=True)
    assert calls[0] != calls[1]
    assert events_in(log) == [(0, b"first"), (1, b"second")]
    assert len(list((tmp_path / "damaged").iterdir())) == 1
    log.close()


def test_a_disk_that_fails_every_sync_is_told_to_the_caller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(file: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    log = open_log(tmp_path)
    monkeypatch.setattr(os, "fdatasync", failing)
    with pytest.raises(StorageFailed, match="Input/output"):
        log.append(b"purchase", critical=True)
    assert events_in(log) == [(0, b"purchase")]  # it may still be sent
    monkeypatch.undo()
    log.close()


def test_an_event_over_the_limit_is_refused(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    with pytest.raises(EventRefused, match="513 bytes"):
        log.append(b"x" * 513)
    log.close()


def test_a_closed_log_refuses_events_and_may_be_closed_again(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.append(b"event")
    log.close()
    log.close()
    with pytest.raises(ClientClosed):
        log.append(b"event")
    with pytest.raises(ClientClosed):
        log.append(b"event", critical=True)


def test_a_closed_log_leaves_no_space_allocated(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.append(b"event")
    log.prepare()
    log.close()
    assert [file.stat().st_size for file in tmp_path.glob("*.seg")] == [40 + 16 + 5]


def test_a_critical_event_is_synced_before_append_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fdatasync", synced.append)
    log = open_log(tmp_path)
    log.append(b"exposure")
    assert synced == []
    log.append(b"purchase", critical=True)
    assert len(synced) == 1
    log.commit()
    assert len(synced) == 2
    log.commit()
    assert len(synced) == 2
    log.close()
