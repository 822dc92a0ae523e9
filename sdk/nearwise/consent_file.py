"""The file of consents: a record for each time that a subject said something, the last one counts.

Framed as the segments of the outbox are (`outbox.frames`), so that a torn end costs no other record. Each record is
synced before the call returns. A file with many outdated records is replaced whole.

A damaged record can be anybody's withdrawal. So damage lets nobody keep a grant that he may have taken back behind it,
and the file remembers, in the epoch of its header, that it does not know everybody's last word any more.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import NamedTuple, cast

from nearwise.files import sync_file, sync_folder, write_whole
from nearwise.outbox.frames import HEADER_BYTES, Header, pack_frame, pack_header, read_header, scan
from nearwise_rules import PURPOSES, purposes_mask

_WHOLE, _LOSSY = Header("00" * 16, 0), Header("ff" * 16, 0)
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
        self._path = path
        self._records = 0
        self._known: dict[str, Said] = {}

    def read(self, *, mend: bool = True) -> dict[str, Said]:
        """The last record of each subject, or NOT_HEARD. What is damaged is gone from the file when it is mended."""
        content = self._content(mend)
        header = read_header(content)
        found = scan(content, None if header is None else header.base)
        self._records = len(found.frames)
        records = [(frame, _unpacked(content[frame.start : frame.end])) for frame in found.frames]
        gaps = [end for _, end in found.damaged] + [frame.end for frame, record in records if record is None]
        is_damaged = bool(gaps) or (header is None and len(content) >= HEADER_BYTES)
        for frame, record in records:
            if record is not None:
                self._known[record[0]] = NOT_HEARD if frame.start < max(gaps, default=0) else record[1]
        if is_damaged or (header is not None and header.epoch == _LOSSY.epoch):
            self.damaged = f"{self._path}: records were lost, and whoever spoke before is to be asked again"
        if mend and content and (is_damaged or header is None or found.torn):
            with suppress(OSError):  # a disk that refuses has the damaged records still
                self.replace(self._known)
        return dict(self._known)

    def _content(self, mend: bool) -> bytes:
        if self._path is None:
            return b""
        if mend:
            with suppress(OSError):
                os.unlink(f"{self._path}.new")  # what a crash has left
        try:
            with open(self._path, "rb") as file:
                return file.read()
        except FileNotFoundError:
            return b""
        except OSError as error:
            self.damaged = f"{self._path} cannot be read: {error}"
            return b""

    def append(self, owner: str, said: Said) -> None:
        """Add a record; it is on the disk when this returns.

        Raises:
            OSError: the disk refused.
        """
        if self._path is None:
            return
        if self._records > 2 * len(self._known) + _OUTDATED:
            self.replace({**self._known, owner: said})
            return
        frame = pack_frame(self._records, _packed(owner, said))
        is_new = not os.path.exists(self._path)
        with open(self._path, "ab", opener=_private) as file:
            file.write(self._header + frame if is_new else frame)
            file.flush()
            sync_file(file.fileno())
        if is_new:
            sync_folder(os.path.dirname(self._path))
        self._known[owner] = said
        self._records += 1

    def replace(self, known: Mapping[str, Said]) -> None:
        """Let the file hold these records and no other byte.

        Raises:
            OSError: the disk refused; the file is as before.
        """
        if self._path is None:
            return
        records = [pack_frame(number, _packed(owner, said)) for number, (owner, said) in enumerate(known.items())]
        write_whole(self._path, self._header + b"".join(records), durable=True)
        self._known, self._records = dict(known), len(records)

    @property
    def _header(self) -> bytes:
        return pack_header(_WHOLE if self.damaged is None else _LOSSY)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


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
