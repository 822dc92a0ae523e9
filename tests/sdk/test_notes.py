"""Recording an event with a note of it: whoever lost the note finds the event, or it was never there."""

from __future__ import annotations

from pathlib import Path
from threading import Thread

import pytest

from nearwise.errors import StorageFailed
from nearwise.outbox.batches import BatchLimits, LogLimits
from nearwise.outbox.cursor import Cursor
from nearwise.outbox.dead import DeadLetters
from nearwise.outbox.memory import MemoryLog
from nearwise.outbox.sealing import Outbox, open_outbox

ALL = BatchLimits(1000, 1 << 20)


def opened(folder: Path) -> Outbox:
    return open_outbox(str(folder), clock=lambda: 1000.0, limits=LogLimits())


def test_the_event_is_in_the_log_when_it_is_noted(tmp_path: Path) -> None:
    outbox = opened(tmp_path)
    outbox.append(b"before")
    place = outbox.place
    seen: list[list[bytes]] = []
    outbox.record(b"noted", lambda: seen.append(outbox.since(place)))
    outbox.append(b"after")
    assert seen == [[b"noted"]]
    assert outbox.since(place) == [b"noted", b"after"]
    outbox.close()


def test_a_note_that_was_lost_finds_its_event_after_a_restart(tmp_path: Path) -> None:
    outbox = opened(tmp_path)
    place = outbox.place

    def lost() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        outbox.record(b"noted", lost)
    outbox.close()
    again = opened(tmp_path)
    assert again.since(place) == [b"noted"]
    again.close()


def test_no_answer_is_heeded_before_the_note(tmp_path: Path) -> None:
    outbox = opened(tmp_path)
    outbox.append(b"before")
    batch = outbox.seal(ALL)
    assert batch is not None
    order: list[str] = []

    def settle() -> None:
        outbox.settle(batch)
        order.append("answer")

    thread = Thread(target=settle)

    def noted() -> None:
        thread.start()
        thread.join(0.05)
        order.append("note")

    outbox.record(b"noted", noted)
    thread.join()
    assert order == ["note", "answer"]
    outbox.close()


class Failing(MemoryLog):
    """A log whose sync fails, or that has no room."""

    def __init__(self, *, keeps: bool) -> None:
        super().__init__(events=10, event_bytes=100, clock=lambda: 1000.0)
        self._keeps = keeps

    def append(self, payload: bytes, *, critical: bool = False) -> int:
        if self._keeps:
            super().append(payload)
        raise StorageFailed("the disk failed")


@pytest.mark.parametrize("keeps", [True, False])
def test_a_failed_sync_counts_when_the_event_is_in_the_log(keeps: bool) -> None:
    log = Failing(keeps=keeps)
    outbox = Outbox(log, Cursor(epoch=log.epoch), lambda _cursor, _durable: None, DeadLetters(None))
    noted: list[int] = []
    if keeps:
        outbox.record(b"noted", lambda: noted.append(1))
    else:
        with pytest.raises(StorageFailed):
            outbox.record(b"noted", lambda: noted.append(1))
    assert noted == [1] * keeps
