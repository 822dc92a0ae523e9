"""Taking events out of the segments of a lane for good: a copy without them takes the place of a file in one step.

A crash leaves each segment as it was or as it is to be; doing it again finishes the work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import RLock

from .frames import Header
from .lanes import Closed, Lane
from .rewriting import Matches, Rewritten, holds, rewrite
from .segment_files import write_copy


class LaneRedaction:
    """Takes events out of one lane. Other threads go on appending: `lock` is held only to look and to swap."""

    def __init__(self, lane: Lane, lock: RLock, matches: Matches) -> None:
        self._lane = lane
        self._lock = lock
        self._matches = matches

    def retire(self, following: Callable[[], int]) -> None:
        """Put no more frames into the active segment when an event in it matches: it is dealt with as a closed one.

        Raises:
            OSError: the segment cannot be read.
        """
        with self._lock:
            active = self._lane.active
            content = b"" if active is None else active.read()
        if holds(content, self._matches):
            with self._lock:
                if self._lane.active is active:
                    self._lane.retire(following())

    def closed(self) -> Iterator[tuple[str, int]]:
        """Rewrite the closed segments; epoch and sequence of each event that is gone.

        Raises:
            OSError: the disk refused; what was not yielded is still there.
        """
        with self._lock:
            segments = list(self._lane.closed)
        for segment in segments:
            yield from self._closed(segment)

    def _closed(self, segment: Closed) -> list[tuple[str, int]]:
        content = self._content(segment)
        rewritten = None if content is None else rewrite(content, Header(segment.epoch, segment.first), self._matches)
        if rewritten is None:
            return []
        copy = self._copy(segment, rewritten)
        with self._lock:
            in_place = self._lane.exchange(segment, copy, rewritten)
        return [(segment.epoch, sequence) for sequence in rewritten.taken] if in_place else []

    def _content(self, segment: Closed) -> bytes | None:
        """The bytes of a segment; None when it was removed in the meantime."""
        with self._lock:
            current = self._lane.current(segment)
            if current is None:
                return None
            file = open(current.path, "rb")  # noqa: SIM115  opened before anyone can rename it, read after
        with file:
            return file.read()

    def _copy(self, segment: Closed, rewritten: Rewritten) -> str:
        """On a full disk the segment that is allocated ahead makes room."""
        try:
            return write_copy(segment.path, rewritten.content)
        except OSError:
            with self._lock:
                self._lane.release_spare()
            return write_copy(segment.path, rewritten.content)
