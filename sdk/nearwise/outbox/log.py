"""The outbox on disk: events of two classes in one sequence, bounded by bytes, read back in order for sending."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from heapq import merge
from threading import RLock
from zlib import crc32

from nearwise.errors import ClientClosed, EventRefused, StorageFailed
from nearwise.events import encode_loss
from nearwise.files import sync_folder

from .batches import LogLimits, Span
from .frames import FRAME, pack_frame
from .lanes import Closed, Lane, LaneShape, give_back
from .rewriting import Matches
from .segment_files import clear_damaged
from .segments import LogPlace, Segment, segment_maker

_pack = FRAME.pack


def _nothing() -> None: ...


class EventLog:
    """Events on disk in two lanes: critical (synced before `append` returns) and standard (synced by `commit`).

    Every event is in the kernel when `append` returns, so the death of the process loses none. Any thread may append.
    The first event after `quiet` was set clears it and calls `wake`: nothing has to look whether there is work.
    """

    def __init__(self, place: LogPlace, limits: LogLimits, epoch: str) -> None:
        """Open the log of a folder and recover what earlier runs left.

        Raises:
            OSError: the folder cannot be used.
        """
        os.makedirs(place.folder, mode=0o700, exist_ok=True)
        make = place.make or segment_maker(place.folder)
        self.durable = True
        self.epoch = epoch
        self.lost = 0
        self.held: Span | None = None
        self.quiet = True
        self.wake: Callable[[], None] = _nothing
        self._place = place
        self._limits = limits
        self._event_bytes = limits.event_bytes
        self._lock = RLock()
        self._acquire = self._lock.acquire
        self._release = self._lock.release
        self._closed = False
        self._unrecorded: list[tuple[int, int, int, str]] = []
        self._critical = Lane(LaneShape(place.folder, "critical", limits.critical_segment_bytes, make), epoch)
        self._standard = Lane(LaneShape(place.folder, "standard", limits.segment_bytes, make), epoch)
        self._lanes = (self._critical, self._standard)
        self._next = 1 + max((each.last for each in self.segments() if each.epoch == epoch), default=-1)

    def skip_to(self, sequence: int) -> None:
        """Number the next event not below this: the numbers before may have been sent."""
        self._next = max(self._next, sequence)

    @property
    def next(self) -> int:
        """The sequence of the next event."""
        return self._next

    def segments(self) -> list[Closed]:
        """Every segment that takes no more frames."""
        return [closed for lane in self._lanes for closed in lane.closed]

    def unsettled(self, confirmed: Callable[[str], int]) -> int:
        """How many events no server has confirmed, given the first unconfirmed sequence of each epoch."""
        return sum(lane.unsettled(confirmed) for lane in self._lanes)

    def epochs(self) -> list[str]:
        """The epochs that have events, those of earlier outboxes first."""
        earlier = dict.fromkeys(each.epoch for each in self.segments() if each.epoch != self.epoch)
        return [*earlier, self.epoch]

    def append(self, payload: bytes, *, critical: bool = False) -> int:
        """Keep one event and return its sequence. Critical: it is on disk when this returns.

        Raises:
            EventRefused: the event is larger than the limit.
            StorageFailed: no room for it; or its sync failed: it is in the log, but may not outlive a power cut.
            ClientClosed: the log was closed.
        """
        size = len(payload)
        if size > self._event_bytes:
            raise EventRefused(f"an event of {size} bytes; at most {self._event_bytes} are kept")
        if critical:
            return self._append_critical(payload)
        self._acquire()
        try:
            sequence = self._next
            self._next = sequence + 1
            # As `pack_frame` and `Lane.append`, in line: this is the path of every exposure.
            frame = _pack(size, crc32(payload, sequence & 0xFFFFFFFF), sequence) + payload
            lane = self._standard
            active = lane.active
            if active is not None and active.write(frame):
                lane.count += 1
            else:
                self._append(lane, sequence, frame)
            if self.quiet:
                self.quiet = False
                self.wake()
        finally:
            self._release()
        return sequence

    def _append_critical(self, payload: bytes) -> int:
        with self._lock:
            sequence = self._next
            self._next = sequence + 1
            self._append(self._critical, sequence, pack_frame(sequence, payload))
            if self.quiet:
                self.quiet = False
                self.wake()
        self._sync(self._critical, sequence)
        return sequence

    def _append(self, lane: Lane, sequence: int, frame: bytes) -> None:
        if self._closed:
            raise ClientClosed("the event log is closed")
        try:
            rolled = lane.append(sequence, frame, self.epoch)
        except OSError as error:
            self._append_when_full(lane, sequence, frame, error)
            rolled = True
        if rolled:
            self._keep_within_bounds()

    def _append_when_full(self, lane: Lane, sequence: int, frame: bytes, error: OSError) -> None:
        """Make room with the oldest segments of the lowest class, one at a time, until the frame fits."""
        while self._drop_oldest("full"):
            try:
                lane.append(sequence, frame, self.epoch)
            except OSError as again:
                error = again
            else:
                return
        self.lost += 1
        self._unrecorded.append((sequence, sequence, 1, "full"))
        raise StorageFailed(f"the disk refused the event: {error}") from error

    def _keep_within_bounds(self) -> None:
        while self.size_bytes > self._limits.total_bytes and self._drop_oldest("bound"):
            pass

    def _drop_oldest(self, why: str) -> bool:
        """Give up the oldest segment of the lowest class that is not on its way, and record the loss."""
        for lane in (self._standard, self._critical):
            for closed in lane.closed:
                if self.held is None or not closed.overlaps(self.held):
                    self._unrecorded.append((closed.first, closed.last, closed.events, why))
                    self.lost += closed.events
                    lane.remove(closed)
                    self._record_losses()
                    return True
        return False

    def _record_losses(self) -> None:
        while self._unrecorded:
            first, last, count, why = self._unrecorded[0]
            payload = encode_loss(int(self._place.clock() * 1000), first, last, count, why)
            sequence = self._next
            self._next = sequence + 1
            try:
                self._critical.append(sequence, pack_frame(sequence, payload), self.epoch)
            except OSError:
                self._next = sequence
                return
            del self._unrecorded[0]

    def commit(self) -> int:
        """Wait until the disk has every event appended before this call; all below the returned sequence are safe.

        Raises:
            StorageFailed: the disk failed, also in a new segment.
        """
        with self._lock:
            self._record_losses()
            upper = self._next
        for lane in self._lanes:
            self._sync(lane, upper - 1)
        return upper

    def _sync(self, lane: Lane, sequence: int) -> None:
        with lane.syncing:
            if lane.synced > sequence:  # covered by the sync that ran while this thread waited
                return
            with self._lock:
                upper = self._next
                retired, active, renamed = lane.to_sync()
            try:
                for segment in retired:
                    segment.sync()
                if active is not None:
                    active.sync()
                if renamed:
                    sync_folder(self._place.folder)
            except OSError:
                self._sync_elsewhere(lane, active)
            finally:
                for segment in retired:
                    give_back(segment)
            lane.synced = upper

    def _sync_elsewhere(self, lane: Lane, failed: Segment | None) -> None:
        try:
            with self._lock:
                if failed is not None and lane.active is failed:
                    lane.replace_active(failed)
                active = lane.active
            if active is not None:
                active.sync()
        except OSError as error:
            raise StorageFailed(f"the disk failed: {error}") from error

    def prepare(self) -> bool:
        """Tidy up and allocate the next segments ahead; False when the disk is too full. For the thread that reads."""
        with self._lock:
            if self._closed:
                return False
            self._critical.tidy()
            self._standard.tidy()
            try:
                self._critical.prepare()
                if self._standard.active is not None:
                    self._standard.prepare()
            except OSError:
                return False
        return True

    def read(self, span: Span) -> Iterator[tuple[int, bytes]]:
        """The events of a span as (sequence, payload), in order; at most one segment of each lane in memory."""
        epoch, start, end = span
        with self._lock:
            sources = [lane.sources(epoch, start) for lane in self._lanes]
        for sequence, payload in merge(
            *(lane.payloads(each, start) for lane, each in zip(self._lanes, sources, strict=True))
        ):
            if sequence >= end:
                return
            yield sequence, payload

    def redact(self, matches: Matches) -> Iterator[tuple[str, int]]:
        """Take the events that match out of every file, segment by segment; epoch and sequence of each that is gone.

        Raises:
            StorageFailed, OSError: the disk refused; what was not yielded is still there.
        """
        from .redaction import LaneRedaction

        clear_damaged(self._place.folder)
        for lane in self._lanes:
            redaction = LaneRedaction(lane, self._lock, matches)
            redaction.retire(lambda: self._next)
            self._sync(lane, self._next)  # closes the files that were retired
            yield from redaction.closed()
        sync_folder(self._place.folder)

    def remove_through(self, epoch: str, end: int) -> None:
        """Delete the segments of an epoch whose every event is below a sequence."""
        with self._lock:
            for lane in self._lanes:
                for closed in [each for each in lane.closed if each.epoch == epoch and each.last < end]:
                    lane.remove(closed)

    @property
    def size_bytes(self) -> int:
        """What the log takes on disk, with what is allocated ahead."""
        return self._critical.size_bytes + self._standard.size_bytes

    @property
    def damaged_bytes(self) -> int:
        """How much of the earlier runs' segments was unreadable."""
        return self._critical.damaged_bytes + self._standard.damaged_bytes

    def close(self) -> None:
        """Sync and give back every file. Closing twice is allowed.

        Raises:
            StorageFailed: the disk failed.
        """
        with self._lock:
            if self._closed:
                return
            self._closed = True
        try:
            self.commit()
        finally:
            with self._lock:
                for lane in self._lanes:
                    lane.close(self._next)
