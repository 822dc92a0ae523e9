"""A lane: the segments of one class of events in their order on disk. Opening, rolling, syncing, reading, removing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import RLock
from typing import TYPE_CHECKING, NamedTuple

from .batches import NO_EVENT
from .frames import FORMAT_VERSION, HEADER_BYTES, Header, Scan, read_header, scan
from .rewriting import Rewritten
from .segment_files import COPY, content_of, discard, short_path, size_of, told_by_name
from .segments import Segment

if TYPE_CHECKING:
    from .batches import Span

_TOLD = 4


class Closed(NamedTuple):
    """A segment that takes no more frames: `events` in number, none below `first`, none above `last`.

    Frames that only hold the place of an event that was taken out are not counted.
    """

    path: str
    epoch: str
    first: int
    last: int
    events: int
    size_bytes: int

    def overlaps(self, span: Span) -> bool:
        """Whether events of a span may be here."""
        epoch, first, end = span
        return self.epoch == epoch and self.first < end and self.last >= first


class LaneShape(NamedTuple):
    """Where a lane keeps its segments, what they are called, how long they are, and how one is made."""

    folder: str
    name: str
    segment_bytes: int
    make: Callable[[str, int], Segment]


class Lane:
    """The segments of one class. The outbox calls it under its own lock; only syncing runs outside, under `syncing`."""

    def __init__(self, shape: LaneShape, epoch: str) -> None:
        """Find the segments of earlier runs: they are only read. `epoch` stands in for a lost header."""
        self.shape = shape
        self.closed: list[Closed] = []
        self.active: Segment | None = None
        self.spare: Segment | None = None
        self.damaged_bytes = 0
        self.syncing = RLock()
        self.synced = 0
        self._suspects: set[str] = set()
        self._retired: list[Segment] = []
        self._renamed = False
        self.count = 0
        self._ordinal = self._base = 0
        self._epoch = epoch
        for name in sorted(os.listdir(shape.folder)):
            path = os.path.join(shape.folder, name)
            if name.startswith(f"{shape.name}-") and name.endswith(".seg"):
                self._recover(path, epoch)
            elif name.startswith(f"{shape.name}-") and name.endswith(f".seg{COPY}"):
                discard(path, damaged=False)

    def _recover(self, path: str, epoch: str) -> None:
        told = told_by_name(path)
        self._ordinal = max(self._ordinal, told[0] + 1)
        if len(told) == _TOLD:
            header = read_header(content_of(path, HEADER_BYTES))
            if header is not None and header.version == FORMAT_VERSION:
                _, first, last, events = told
                self.closed.append(Closed(path, header.epoch, first, last, events, size_of(path)))
                return
        self._recover_by_reading(path, epoch)

    def _recover_by_reading(self, path: str, epoch: str) -> None:
        segment = content_of(path)
        header = read_header(segment)
        found = scan(segment, None if header is None else header.base)
        if not found.frames:
            self.damaged_bytes += len(segment) if found.torn else 0
            discard(path, damaged=found.torn)
            return
        self._suspect(path, _damage(header, found))
        if found.end < len(segment):
            with suppress(OSError):
                os.truncate(path, found.end)
        sequences = [frame.sequence for frame in found.frames]
        events = sum(segment[frame.start : frame.end] != NO_EVENT for frame in found.frames)
        epoch = header.epoch if header else epoch
        self.closed.append(Closed(path, epoch, min(sequences), max(sequences), events, found.end))

    def _suspect(self, path: str, damaged_bytes: int) -> None:
        if damaged_bytes and path not in self._suspects:
            self._suspects.add(path)
            self.damaged_bytes += damaged_bytes

    def tidy(self) -> None:
        """Put into the names of closed segments what they hold, so that the next start need not read them."""
        waiting = {segment.path for segment in self._retired}
        for index, closed in enumerate(self.closed):
            if closed.path in waiting or closed.path in self._suspects or len(told_by_name(closed.path)) == _TOLD:
                continue
            path = f"{closed.path.removesuffix('.seg')}-{closed.first}-{closed.last}-{closed.events}.seg"
            with suppress(OSError):
                os.replace(closed.path, path)
                self.closed[index] = closed._replace(path=path)

    def append(self, sequence: int, frame: bytes, epoch: str) -> bool:
        """Put one frame at the end of the lane; True when that began a new segment.

        Raises:
            OSError: no segment could be made or written; the lane is as before.
        """
        active = self.active
        rolled = active is None or not active.write(frame)
        if rolled:
            self._roll(sequence, epoch).write(frame)
        self.count += 1
        return rolled

    def _roll(self, base: int, epoch: str) -> Segment:
        fresh = self.spare or self._make()
        self.spare = None
        fresh.begin(Header(epoch, base))
        self.retire(base)
        self._base = base
        self._epoch = epoch
        self.active = fresh
        return fresh

    def retire(self, following: int) -> None:
        """Put no more frames into the active segment: its events are below `following`. The next sync closes it."""
        if self.active is None:
            return
        active, self.active = self.active, None
        if self.count:
            last, size = following - 1, active.position
            self.closed.append(Closed(active.path, self._epoch, self._base, last, self.count, size))
        self._retired.append(active)
        self.count = 0

    def prepare(self) -> None:
        """Allocate the next segment ahead: an append need not, and a full disk still has room for it.

        Raises:
            OSError: the disk is full.
        """
        if self.spare is None:
            self.spare = self._make()

    def _make(self) -> Segment:
        path = os.path.join(self.shape.folder, f"{self.shape.name}-{self._ordinal:08d}.seg")
        self._ordinal += 1
        made = self.shape.make(path, self.shape.segment_bytes)
        self._renamed = True
        return made

    def to_sync(self) -> tuple[list[Segment], Segment | None, bool]:
        """What a sync has to wait for: the retired segments, the active one, and whether names are new."""
        retired, self._retired = self._retired, []
        renamed, self._renamed = self._renamed, False
        return retired, self.active, renamed

    def replace_active(self, failed: Segment) -> None:
        """Copy the frames of a segment whose sync failed into a new one: syncing the old again would lie.

        Raises:
            OSError: the disk refused that too.
        """
        frames = failed.read()[HEADER_BYTES:]
        fresh = self.spare or self._make()
        self.spare = None
        fresh.begin(Header(self._epoch, self._base))
        fresh.write(frames)
        self.active = fresh
        failed.close()
        discard(failed.path, damaged=True)

    def sources(self, epoch: str, start: int) -> list[str | bytes]:
        """Where the events of an epoch from a sequence on stand: paths of segments, and the bytes of the active one."""
        found: list[str | bytes] = [
            closed.path for closed in self.closed if closed.epoch == epoch and closed.last >= start
        ]
        if self.active is not None and self._epoch == epoch and self.count:
            found.append(self.active.read())
        return found

    def payloads(self, sources: list[str | bytes], start: int) -> Iterator[tuple[int, bytes]]:
        """The events of `sources` from a sequence on as (sequence, payload), in order; one source in memory at once."""
        for source in sources:
            segment = content_of(source) if isinstance(source, str) else source
            header = read_header(segment)
            found = scan(segment, None if header is None else header.base)
            if isinstance(source, str):
                self._suspect(source, _damage(header, found))
            for frame in sorted(found.frames, key=lambda frame: frame.sequence):
                if frame.sequence >= start:
                    yield frame.sequence, segment[frame.start : frame.end]

    def unsettled(self, confirmed: Callable[[str], int]) -> int:
        """How many events of closed segments no server has confirmed."""
        count = 0
        for each in self.closed:
            start = confirmed(each.epoch)
            if each.first >= start:
                count += each.events
            elif each.last >= start:
                count += sum(payload != NO_EVENT for _, payload in self.payloads([each.path], start))
        return count

    @property
    def size_bytes(self) -> int:
        """What the lane takes on disk, with what is allocated ahead."""
        opened = (self.active is not None) + (self.spare is not None)
        return sum(closed.size_bytes for closed in self.closed) + opened * self.shape.segment_bytes

    def current(self, closed: Closed) -> Closed | None:
        """A segment under the name that `tidy` may have given it since; None when it was removed."""
        path = short_path(closed.path)
        return next((each for each in self.closed if short_path(each.path) == path), None)

    def exchange(self, closed: Closed, copy: str, rewritten: Rewritten) -> bool:
        """Put a rewritten copy in the place of a segment; False when that was removed in the meantime.

        Raises:
            OSError: the disk refused; the segment still stands, perhaps under its shorter name.
        """
        current = self.current(closed)
        if current is None:
            discard(copy, damaged=False)
            return False
        index = self.closed.index(current)
        self._suspect(current.path, rewritten.damaged_bytes)
        self._suspects.discard(current.path)
        path = short_path(current.path)  # the long name tells how many events it holds, which is no longer true
        os.replace(current.path, path)
        self.closed[index] = current._replace(path=path)
        os.replace(copy, path)
        size = len(rewritten.content)
        self.closed[index] = current._replace(path=path, events=rewritten.events, size_bytes=size)
        return True

    def remove(self, closed: Closed) -> None:
        """Delete a segment; a damaged one is set aside for diagnosis instead."""
        self.closed.remove(closed)
        discard(closed.path, damaged=closed.path in self._suspects)

    def close(self, following: int) -> None:
        """Give back every file. What was allocated ahead is deleted. All events are below `following`."""
        self.retire(following)
        for segment in self._retired:
            give_back(segment)
        self._retired.clear()
        self.release_spare()

    def release_spare(self) -> None:
        """Give back what was allocated ahead."""
        if self.spare is not None:
            give_back(self.spare)
            self.spare = None


def give_back(segment: Segment) -> None:
    """Close a segment, and delete it when it holds no event."""
    segment.close()
    if segment.position <= HEADER_BYTES:
        discard(segment.path, damaged=False)


def _damage(header: Header | None, found: Scan) -> int:
    lost = sum(end - start for start, end in found.damaged)
    if header is None or header.version != FORMAT_VERSION:
        lost += HEADER_BYTES
    return lost
