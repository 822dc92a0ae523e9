"""A lane: the segments of one class of events in their order on disk. Opening, rolling, syncing, reading, removing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import RLock
from typing import NamedTuple

from .frames import FORMAT_VERSION, HEADER_BYTES, Header, Scan, read_header, scan
from .segments import Segment

_DAMAGED_KEPT = 8
"""Damaged segments kept for diagnosis, per outbox."""


_TOLD = 4


class Closed(NamedTuple):
    """A segment that takes no more frames: `events` in number, none below `first`, none above `last`."""

    path: str
    epoch: str
    first: int
    last: int
    events: int
    size_bytes: int


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
            if name.startswith(f"{shape.name}-") and name.endswith(".seg"):
                self._recover(os.path.join(shape.folder, name), epoch)

    def _recover(self, path: str, epoch: str) -> None:
        told = _told_by_name(path)
        self._ordinal = max(self._ordinal, told[0] + 1)
        if len(told) == _TOLD:
            header = read_header(_content(path, HEADER_BYTES))
            if header is not None and header.version == FORMAT_VERSION:
                _, first, last, events = told
                self.closed.append(Closed(path, header.epoch, first, last, events, _size(path)))
                return
        self._recover_by_reading(path, epoch)

    def _recover_by_reading(self, path: str, epoch: str) -> None:
        segment = _content(path)
        header = read_header(segment)
        found = scan(segment, None if header is None else header.base)
        if not found.frames:
            self.damaged_bytes += len(segment) if found.torn else 0
            _discard(path, damaged=found.torn)
            return
        self._suspect(path, _damage(header, found))
        if found.end < len(segment):
            with suppress(OSError):
                os.truncate(path, found.end)
        sequences = [frame.sequence for frame in found.frames]
        epoch = header.epoch if header else epoch
        self.closed.append(Closed(path, epoch, min(sequences), max(sequences), len(sequences), found.end))

    def _suspect(self, path: str, damaged_bytes: int) -> None:
        if damaged_bytes and path not in self._suspects:
            self._suspects.add(path)
            self.damaged_bytes += damaged_bytes

    def tidy(self) -> None:
        """Put into the names of closed segments what they hold, so that the next start need not read them."""
        waiting = {segment.path for segment in self._retired}
        for index, closed in enumerate(self.closed):
            if closed.path in waiting or closed.path in self._suspects or len(_told_by_name(closed.path)) == _TOLD:
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
        _discard(failed.path, damaged=True)

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
            segment = _content(source) if isinstance(source, str) else source
            header = read_header(segment)
            found = scan(segment, None if header is None else header.base)
            if isinstance(source, str):
                self._suspect(source, _damage(header, found))
            for frame in sorted(found.frames, key=lambda frame: frame.sequence):
                if frame.sequence >= start:
                    yield frame.sequence, segment[frame.start : frame.end]

    @property
    def size_bytes(self) -> int:
        """What the lane takes on disk, with what is allocated ahead."""
        opened = (self.active is not None) + (self.spare is not None)
        return sum(closed.size_bytes for closed in self.closed) + opened * self.shape.segment_bytes

    def remove(self, closed: Closed) -> None:
        """Delete a segment; a damaged one is set aside for diagnosis instead."""
        self.closed.remove(closed)
        _discard(closed.path, damaged=closed.path in self._suspects)

    def close(self, following: int) -> None:
        """Give back every file. What was allocated ahead is deleted. All events are below `following`."""
        self.retire(following)
        for segment in self._retired:
            give_back(segment)
        self._retired.clear()
        if self.spare is not None:
            give_back(self.spare)
            self.spare = None


def give_back(segment: Segment) -> None:
    """Close a segment, and delete it when it holds no event."""
    segment.close()
    if segment.position <= HEADER_BYTES:
        _discard(segment.path, damaged=False)


def _damage(header: Header | None, found: Scan) -> int:
    lost = sum(end - start for start, end in found.damaged)
    if header is None or header.version != FORMAT_VERSION:
        lost += HEADER_BYTES
    return lost


def _told_by_name(path: str) -> list[int]:
    """The ordinal of a segment, and when its name tells them: its first and last sequence and how many events."""
    numbers = os.path.basename(path).removesuffix(".seg").split("-")[1:]
    return [int(number) for number in numbers] if all(number.isdecimal() for number in numbers) else [0]


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def _content(path: str, most_bytes: int = -1) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(most_bytes)
    except OSError:
        return b""


def _discard(path: str, *, damaged: bool) -> None:
    with suppress(OSError):
        if not damaged:
            os.unlink(path)
            return
        folder = os.path.join(os.path.dirname(path), "damaged")
        os.makedirs(folder, exist_ok=True)
        os.replace(path, os.path.join(folder, os.path.basename(path)))
        for name in sorted(os.listdir(folder))[:-_DAMAGED_KEPT]:
            os.unlink(os.path.join(folder, name))
