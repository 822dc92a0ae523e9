"""The file of consents: a record for each time that a subject said something, the last one counts.

Framed as the segments of the outbox are (`outbox.frames`). A record is synced, then the header says up to which byte
the file is good (in the place of a segment's base sequence), and is synced too. So bytes behind that are an append that
never returned, and are left out; bytes before it that cannot be read are records that the disk has lost. A file with
many outdated records is replaced whole.

A lost record can be anybody's withdrawal. So it lets nobody keep a grant that he may have taken back in it, and the
file remembers, in the epoch of its header, that it does not know everybody's last word any more.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from io import FileIO
from typing import NamedTuple, cast

from nearwise.files import sync_file, write_whole
from nearwise.outbox.frames import HEADER_BYTES, Header, pack_frame, pack_header, read_header, scan
from nearwise_rules import PURPOSES, purposes_mask

_WHOLE, _LOSSY = "00" * 16, "ff" * 16
_OUTDATED = 200
"""So many records beyond the subjects, and more than half of all, make the file be replaced."""


class Said(NamedTuple):
    """What a subject said: masks of the purposes that he granted and denied, under which policy and when.

    `undone` are purposes that he withdrew and that something may still be stored under.
    """

    granted: int = 0
    denied: int = 0
    policy: str | None = None
    at: float | None = None
    gpc: bool = False
    undone: int = 0


NOT_HEARD = Said(denied=purposes_mask(PURPOSES))
"""Of someone who may have withdrawn everything: what he said is lost."""


class ConsentFile:
    """One file of records. Without a path nothing is kept. One thread at a time."""

    def __init__(self, path: str | None) -> None:
        self.damaged: str | None = None
        """Why it is not known what everybody said last; None: it is known."""
        self.unreadable = False
        """The disk refused to read it."""
        self._path = path
        self._end = self._records = 0
        self._known: dict[str, Said] = {}

    def holds(self, owner: str) -> bool:
        """Whether a record of a subject is in the file."""
        return owner in self._known

    def read(self, *, mend: bool = True) -> dict[str, Said]:
        """The last record of each subject, or NOT_HEARD. What is damaged is gone from the file when it is mended."""
        content = self._content(mend)
        if content is None:
            return {}
        header = read_header(content)
        found = scan(content, 0)
        records = [(frame, _unpacked(content[frame.start : frame.end])) for frame in found.frames]
        gaps = [end for _, end in found.damaged] + [frame.end for frame, record in records if record is None]
        if header is None or found.end < header.base:
            gaps.append(len(content))
        for frame, record in records:
            if record is not None:
                owner, said = record
                lost = frame.start < max(gaps, default=0)
                self._known[owner] = NOT_HEARD._replace(undone=said.undone) if lost else said
        self._records, self._end = len(found.frames), found.end
        if gaps or (header is not None and header.epoch == _LOSSY):
            self.damaged = f"{self._path}: records were lost, and whoever spoke before is to be asked again"
        if mend and (gaps or len(content) > found.end):
            with suppress(OSError):  # a disk that refuses has the damaged records still
                self.replace(self._known)
        return dict(self._known)

    def _content(self, mend: bool) -> bytes | None:
        if self._path is None:
            return None
        if mend:
            with suppress(OSError):
                os.unlink(f"{self._path}.new")  # what a crash has left
        self.unreadable = False
        try:
            with open(self._path, "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None
        except OSError as error:
            self.damaged, self.unreadable = f"{self._path} cannot be read: {error}", True
            return None

    def append(self, owner: str, said: Said) -> None:
        """Add a record; it is on the disk when this returns. What an append that failed has left is overwritten.

        Raises:
            OSError: the disk refused.
        """
        if self._path is None:
            return
        is_long = self._records > 2 * len(self._known) + _OUTDATED
        if is_long or not self._end or not os.path.exists(self._path):
            self.replace({**self._known, owner: said})
            return
        frame = pack_frame(self._records, _packed(owner, said))
        end = self._end + len(frame)
        with open(self._path, "r+b", buffering=0) as file:
            file.truncate(self._end)
            file.seek(self._end)
            _write(file, frame)
            sync_file(file.fileno())
            file.seek(0)
            _write(file, self._header(end))
            sync_file(file.fileno())
        self._known[owner] = said
        self._records, self._end = self._records + 1, end

    def replace(self, known: Mapping[str, Said]) -> None:
        """Let the file hold these records and no other byte.

        Raises:
            OSError: the disk refused; the file is as before.
        """
        if self._path is None:
            return
        records = [pack_frame(number, _packed(owner, said)) for number, (owner, said) in enumerate(known.items())]
        body = b"".join(records)
        end = HEADER_BYTES + len(body)
        write_whole(self._path, self._header(end) + body, durable=True)
        self._known, self._records, self._end = dict(known), len(records), end

    def _header(self, end: int) -> bytes:
        return pack_header(Header(_WHOLE if self.damaged is None else _LOSSY, end))


def _write(file: FileIO, content: bytes) -> None:
    if file.write(content) != len(content):
        raise OSError(errno.ENOSPC, "the disk took a part only")


def _packed(owner: str, said: Said) -> bytes:
    from msgpack import packb  # pyright: ignore[reportUnknownVariableType]

    return cast("Callable[[object], bytes]", packb)([owner, *said])


def _unpacked(record: bytes) -> tuple[str, Said] | None:
    from msgpack import unpackb  # pyright: ignore[reportUnknownVariableType]

    try:
        owner, *fields = cast("Callable[[bytes], list[object]]", unpackb)(record)
        granted, denied, policy, at, gpc, undone = fields
    except (ValueError, TypeError):
        return None
    return str(owner), Said(
        granted=cast("int", granted),
        denied=cast("int", denied),
        policy=cast("str | None", policy),
        at=cast("float | None", at),
        gpc=bool(gpc),
        undone=cast("int", undone),
    )
