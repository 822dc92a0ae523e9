"""Batches: consecutive, unchanged until answered, never reusing a number that was sent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nearwise.errors import ClientClosed
from nearwise.files import pack_record
from nearwise.outbox.batches import NO_EVENT, Batch, BatchLimits, LogLimits
from nearwise.outbox.cursor import read_cursor
from nearwise.outbox.frames import pack_frame
from nearwise.outbox.memory import MemoryLog
from nearwise.outbox.sealing import Outbox, memory_outbox, open_outbox
from tests.sdk.conftest import unpacked

SMALL = LogLimits(total_bytes=64 * 1024, segment_bytes=4096, critical_segment_bytes=2048, event_bytes=512)


def opened(folder: Path) -> Outbox:
    return open_outbox(str(folder), clock=lambda: 1000.0, limits=SMALL)


def in_memory(events: int = 100) -> Outbox:
    return memory_outbox(MemoryLog(events=events, event_bytes=512, clock=lambda: 1000.0))


def filled(outbox: Outbox, count: int, start: int = 0) -> None:
    for number in range(start, start + count):
        outbox.append(b"event %d" % number, critical=number % 10 == 9)


def sealed(outbox: Outbox, events: int = 1000, size_bytes: int = 1 << 20) -> Batch:
    batch = outbox.seal(BatchLimits(events, size_bytes))
    assert batch is not None
    return batch


def test_everything_is_sent_once_in_order(tmp_path: Path) -> None:
    outbox = opened(tmp_path)
    filled(outbox, 95)
    got: list[bytes] = []
    while (batch := outbox.seal(BatchLimits(30, 1 << 20))) is not None:
        assert batch.first == len(got)
        got.extend(batch.events)
        outbox.settle(batch)
    assert got == [b"event %d" % number for number in range(95)]
    assert outbox.figures().queued == 0
    outbox.close()


def test_an_answer_that_comes_after_closing_leaves_the_folder_to_the_next_client(tmp_path: Path) -> None:
    late = opened(tmp_path)
    filled(late, 10)
    answered = sealed(late)
    late.close()
    following = opened(tmp_path)
    filled(following, 200, start=10)
    while (batch := following.seal(BatchLimits(30, 1 << 20))) is not None:
        following.settle(batch)
    cursor = (tmp_path / "cursor.json").read_bytes()
    late.settle(answered)
    assert late.seal(BatchLimits()) is None
    with pytest.raises(ClientClosed):
        late.halve(answered)
    assert (tmp_path / "cursor.json").read_bytes() == cursor
    following.close()


def test_a_batch_is_bounded_by_bytes_and_holds_at_least_one_event(tmp_path: Path) -> None:
    outbox = opened(tmp_path)
    for _ in range(10):
        outbox.append(b"x" * 100)
    assert len(sealed(outbox, size_bytes=350).events) == 3
    outbox.settle(sealed(outbox))
    assert len(sealed(outbox, size_bytes=1).events) == 1
    outbox.close()


def test_an_unanswered_batch_is_the_same_after_new_events_and_after_a_restart(tmp_path: Path) -> None:
    outbox = opened(tmp_path)
    filled(outbox, 5)
    first = sealed(outbox)
    filled(outbox, 5, start=5)
    assert sealed(outbox) == first
    outbox.close()
    again = opened(tmp_path)
    assert sealed(again) == first
    again.settle(first)
    assert sealed(again).first == 5
    again.close()


def test_a_restart_after_everything_was_sent_goes_on_numbering(tmp_path: Path) -> None:
    outbox = opened(tmp_path)
    filled(outbox, 5)
    outbox.settle(sealed(outbox))
    outbox.close()
    for segment in tmp_path.glob("*.seg"):
        segment.unlink()  # as after a power cut that also took the newest, empty segment
    again = opened(tmp_path)
    assert again.append(b"next") == 5
    again.close()


def test_numbers_of_a_sealed_batch_are_not_given_again_when_its_events_are_lost(tmp_path: Path) -> None:
    outbox = opened(tmp_path)
    filled(outbox, 5)
    batch = sealed(outbox)
    for segment in tmp_path.glob("*.seg"):
        segment.unlink()
    again = opened(tmp_path)
    assert again.append(b"next") == batch.end
    assert sealed(again).events == (b"next",)
    again.close()
    outbox.close()


def test_a_lost_cursor_begins_a_new_epoch_and_still_sends_the_old_one(tmp_path: Path) -> None:
    outbox = opened(tmp_path)
    filled(outbox, 5)
    epoch = sealed(outbox).epoch
    outbox.close()
    (tmp_path / "cursor.json").write_bytes(b"\x00garbage")
    again = opened(tmp_path)
    assert again.append(b"new") == 0
    old = sealed(again)
    assert (old.epoch, old.first, len(old.events)) == (epoch, 0, 5)
    again.settle(old)
    new = sealed(again)
    assert new.epoch != epoch
    assert (new.first, new.events) == (0, (b"new",))
    again.settle(new)
    assert again.seal(BatchLimits()) is None
    again.close()


def test_a_batch_known_to_the_server_in_part_is_settled_in_part(tmp_path: Path) -> None:
    outbox = opened(tmp_path)
    filled(outbox, 10)
    outbox.settle(sealed(outbox), end=4)
    assert sealed(outbox).first == 4
    assert outbox.figures().queued == 6
    outbox.close()


def test_a_lost_event_leaves_a_place_so_that_the_others_keep_their_numbers(tmp_path: Path) -> None:
    outbox = opened(tmp_path)
    filled(outbox, 5)
    outbox.close()
    (segment,) = tmp_path.glob("*.seg")
    whole = segment.read_bytes()
    start = 40 + 2 * len(pack_frame(0, b"event 0"))
    segment.write_bytes(whole[: start + 16] + b"damaged" + whole[start + 23 :])
    again = opened(tmp_path)
    assert sealed(again).events == (b"event 0", b"event 1", NO_EVENT, b"event 3", b"event 4")
    assert again.figures().damaged_bytes == 23
    again.close()


def test_a_batch_too_large_for_the_server_is_halved_down_to_one_event(tmp_path: Path) -> None:
    outbox = opened(tmp_path)
    filled(outbox, 5)
    sizes = [len(sealed(outbox).events)]
    while outbox.halve(sealed(outbox)):
        sizes.append(len(sealed(outbox).events))
    assert sizes == [5, 2, 1]
    outbox.close()


def test_buried_events_are_kept_in_a_file_with_their_reason(tmp_path: Path) -> None:
    outbox = opened(tmp_path)
    filled(outbox, 3)
    batch = sealed(outbox)
    outbox.bury(batch, {1: "bad", 7: "no such index"})
    outbox.settle(batch)
    (letter,) = map(json.loads, (tmp_path / "dead-letters.jsonl").read_text().splitlines())
    assert (letter["epoch"], letter["sequence"], letter["reason"]) == (batch.epoch, 1, "bad")
    assert outbox.figures().dead == 1
    outbox.close()


def test_what_waits_is_counted_across_restarts(tmp_path: Path) -> None:
    outbox = opened(tmp_path)
    filled(outbox, 200)
    outbox.commit()
    outbox.prepare()
    outbox.settle(sealed(outbox, events=150))
    outbox.close()
    again = opened(tmp_path)
    assert again.figures().queued == 50
    again.close()


def test_closed_segments_say_in_their_names_what_they_hold(tmp_path: Path) -> None:
    outbox = opened(tmp_path)
    for number in range(300):
        outbox.append(b"event %d" % number)
    outbox.commit()
    outbox.prepare()
    names = sorted(path.name for path in tmp_path.glob("standard-*.seg"))
    assert names[0].startswith("standard-00000000-0-")
    again = opened(tmp_path)
    got = sealed(again)
    assert got.events == tuple(b"event %d" % number for number in range(300))
    again.close()
    outbox.close()


def test_damage_in_a_segment_that_was_not_read_at_the_start_is_found_when_it_is_sent(tmp_path: Path) -> None:
    outbox = opened(tmp_path)
    for number in range(300):
        outbox.append(b"event %d" % number)
    outbox.commit()
    outbox.prepare()
    outbox.close()
    segment = min(tmp_path.glob("standard-00000000-*.seg"))
    content = bytearray(segment.read_bytes())
    content[60] ^= 0xFF
    segment.write_bytes(bytes(content))
    again = opened(tmp_path)
    batch = sealed(again)
    assert batch.events[:2] == (b"event 1", b"event 2") or batch.events[0] == NO_EVENT
    again.settle(batch)
    assert again.figures().damaged_bytes > 0
    assert (tmp_path / "damaged" / segment.name).exists()
    again.close()


def test_events_in_memory_are_sealed_the_same_way_and_the_oldest_go_first() -> None:
    outbox = in_memory(10)
    for number in range(15):
        outbox.append(b"event %d" % number)
    figures = outbox.figures()
    assert not figures.durable
    assert figures.lost > 0
    batch = sealed(outbox)
    payloads = [event for event in batch.events if event != NO_EVENT]
    assert payloads[-1] == b"event 14"
    losses = [unpacked(event) for event in payloads if not event.startswith(b"event")]
    assert sum(loss["count"] for loss in losses) == figures.lost
    outbox.settle(batch)
    assert outbox.figures().queued == 0
    assert outbox.seal(BatchLimits()) is None
    outbox.close()


def test_a_quiet_outbox_wakes_its_thread_with_the_first_event_only() -> None:
    outbox = in_memory()
    calls: list[int] = []
    outbox.on_event(lambda: calls.append(1))
    outbox.append(b"one")
    outbox.append(b"two")
    assert outbox.stirred
    outbox.settle_down()
    outbox.append(b"three")
    assert len(calls) == 2


EPOCH = "00" * 16
GOOD: dict[str, object] = {"format": 1, "epoch": EPOCH, "done": {EPOCH: 5}, "sealed": None}
BAD_CURSORS: dict[str, bytes] = {
    "empty": b"",
    "a-list": b"[]",
    "no-sum": b"{}",
    "wrong-sum": pack_record(GOOD).replace(b": 5", b": 6"),
    "no-fields": pack_record({}),
    "another-format": pack_record({**GOOD, "format": 2}),
    "no-epoch": pack_record({**GOOD, "epoch": "xyz"}),
    "short-epoch": pack_record({**GOOD, "epoch": "00"}),
    "done-of-texts": pack_record({**GOOD, "done": {EPOCH: "many"}}),
    "sealed-in-part": pack_record({**GOOD, "sealed": [EPOCH, None, 1]}),
}


@pytest.mark.parametrize("content", BAD_CURSORS.values(), ids=BAD_CURSORS)
def test_a_cursor_that_cannot_be_believed_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "cursor.json").write_bytes(content)
    assert read_cursor(str(tmp_path)) is None
    outbox = opened(tmp_path)
    filled(outbox, 1)
    assert sealed(outbox).first == 0
    outbox.close()


def test_a_whole_cursor_is_believed(tmp_path: Path) -> None:
    (tmp_path / "cursor.json").write_bytes(pack_record(GOOD))
    outbox = opened(tmp_path)
    filled(outbox, 1)
    assert (sealed(outbox).epoch, sealed(outbox).first) == (EPOCH, 5)
    outbox.close()
