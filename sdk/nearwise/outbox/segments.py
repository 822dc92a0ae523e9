"""One open segment file of the event log, and how its bytes reach the kernel.

`MappedSegment` copies a frame into a shared mapping (0.2 us): the page belongs to the kernel, so it survives the death
of the process. It is used only where every byte was allocated beforehand on a file system that writes in place, so
that a full disk cannot turn a store into SIGBUS. `WrittenSegment` makes one `write` call for each frame (1.3 us) and
works everywhere. See docs/decisions/mapped-event-log.md.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from mmap import mmap
from typing import NamedTuple, Protocol

from nearwise.files import sync_file

from .frames import HEADER_BYTES, Header, pack_header

_IN_PLACE = frozenset({"ext4", "xfs", "tmpfs"})
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


class Segment(Protocol):
    """A segment that takes frames. `position` is where the next frame goes, in bytes from the start of the file."""

    path: str
    limit: int
    position: int

    def begin(self, header: Header) -> None: ...
    def write(self, frame: bytes) -> bool: ...
    def read(self) -> bytes: ...
    def sync(self) -> None: ...
    def close(self) -> None: ...


class WrittenSegment:
    """A segment written with one system call for each frame."""

    def __init__(self, path: str, limit: int) -> None:
        """Create the file and, where the system can, allocate all of it.

        Raises:
            OSError: the file cannot be created or the disk is full; nothing is left behind.
        """
        self.path = path
        self.limit = limit
        self.position = 0
        self._file = os.open(path, _NEW, 0o600)
        try:
            _allocate_if_possible(self._file, limit)
        except OSError:
            os.close(self._file)
            os.unlink(path)
            raise

    def begin(self, header: Header) -> None:
        """Write the header: from now on the file is part of the log."""
        self.write(pack_header(header))

    def write(self, frame: bytes) -> bool:
        """Hand one frame to the kernel; False when it does not fit any more.

        Raises:
            OSError: the disk refused; the next frame takes this one's place.
        """
        start = self.position
        if start + len(frame) > self.limit:
            return False
        self.position = start + len(frame)
        try:
            written = os.write(self._file, frame)
            while written < len(frame):
                written += os.write(self._file, frame[written:])
        except OSError:
            os.lseek(self._file, start, os.SEEK_SET)
            self.position = start
            os.ftruncate(self._file, start)  # no part of a refused event stays behind
            raise
        return True

    def read(self) -> bytes:
        """All bytes up to `position`."""
        with open(self.path, "rb") as file:
            return file.read(self.position)

    def sync(self) -> None:
        """Wait until the disk has every frame written so far.

        Raises:
            OSError: the disk failed; nothing is known about this segment and syncing again would lie.
        """
        sync_file(self._file)

    def close(self) -> None:
        """Give the file back, cut to what is used. Not a sync."""
        with suppress(OSError):
            os.ftruncate(self._file, self.position)
        with suppress(OSError):
            os.close(self._file)


class MappedSegment:
    """A segment whose frames are copied into a shared mapping of a wholly allocated file."""

    def __init__(self, path: str, limit: int) -> None:
        """Create, allocate and map the file.

        Raises:
            OSError: the file cannot be created or the disk is full; nothing is left behind.
        """
        self.path = path
        self.limit = limit
        self.position = 0
        self._file = os.open(path, _NEW, 0o600)
        try:
            os.posix_fallocate(self._file, 0, limit)
            self._bytes = mmap(self._file, limit)
        except OSError:
            os.close(self._file)
            os.unlink(path)
            raise

    def begin(self, header: Header) -> None:
        """Write the header: from now on the file is part of the log."""
        self._bytes[:HEADER_BYTES] = pack_header(header)
        self.position = HEADER_BYTES

    def write(self, frame: bytes) -> bool:
        """Copy one frame into the page cache; False when it does not fit any more."""
        size = len(frame)
        start = self.position
        end = start + size
        if end > self.limit:
            return False
        # Claimed before it is filled: with no call in between, a signal handler that records an event cannot collide.
        self.position = end
        self._bytes[start:end] = frame
        return True

    def read(self) -> bytes:
        """All bytes up to `position`."""
        return self._bytes[: self.position]

    def sync(self) -> None:
        """Wait until the disk has every frame written so far. `mmap.flush` would do it holding the interpreter lock.

        Raises:
            OSError: the disk failed; nothing is known about this segment and syncing again would lie.
        """
        sync_file(self._file)

    def close(self) -> None:
        """Give the file back, cut to what is used. Not a sync."""
        self._bytes.close()
        with suppress(OSError):
            os.ftruncate(self._file, self.position)
        with suppress(OSError):
            os.close(self._file)


def _allocate_if_possible(file: int, size: int) -> None:
    if not hasattr(os, "posix_fallocate"):
        return
    try:
        os.posix_fallocate(file, 0, size)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS):
            raise


class LogPlace(NamedTuple):
    """Where a log lives, how it makes its files, and the clock (Unix seconds) of its loss records."""

    folder: str
    clock: Callable[[], float]
    make: Callable[[str, int], Segment] | None = None


def segment_maker(folder: str) -> Callable[[str, int], Segment]:
    """The fastest kind of segment that is safe in this folder."""
    if sys.platform == "linux" and file_system_of(folder) in _IN_PLACE:
        return MappedSegment
    return WrittenSegment


def file_system_of(folder: str) -> str:
    """The type of the file system that holds a folder ("ext4"), or "" when it cannot be told.

    Source: /proc/self/mountinfo, proc_pid_mountinfo(5): field 3 is the device, the field after "-" the type.
    """
    try:
        device = os.stat(folder).st_dev
        with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as table:
            rows = [line.split() for line in table]
    except OSError:
        return ""
    wanted = f"{os.major(device)}:{os.minor(device)}"
    kinds = [row[row.index("-") + 1] for row in rows if "-" in row and row[2] == wanted]
    return kinds[-1] if kinds else ""
