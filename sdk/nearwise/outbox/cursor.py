"""What the outbox remembers besides the events: its epoch, how far the server has confirmed, and the sealed batch.

One small JSON file, replaced whole. It is synced before a batch leaves, so that a retry after any crash has the same
boundaries and no sequence number that has been sent is ever given to another event.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple, cast

from nearwise.files import pack_record, read_record, read_whole, write_whole

CURSOR_FILE = "cursor.json"
_FORMAT = 1


class Sealed(NamedTuple):
    """The boundaries of a batch that may already have reached the server: it never changes until it is answered."""

    epoch: str
    first: int
    length: int


class Cursor(NamedTuple):
    """The epoch of new events, the first unconfirmed sequence of each epoch, and the sealed batch if there is one."""

    epoch: str
    done: Mapping[str, int] = MappingProxyType({})
    sealed: Sealed | None = None

    def confirmed(self, epoch: str) -> int:
        """The first sequence of an epoch that the server has not confirmed."""
        return self.done.get(epoch, 0)

    def used(self, epoch: str) -> int:
        """The first sequence of an epoch that cannot have been sent."""
        sealed = self.sealed
        if sealed is None or sealed.epoch != epoch:
            return self.confirmed(epoch)
        return max(self.confirmed(epoch), sealed.first + sealed.length)


def read_cursor(folder: str) -> Cursor | None:
    """The cursor of an outbox folder, or None when there is none that can be believed."""
    try:
        return _cursor_from(read_record(read_whole(os.path.join(folder, CURSOR_FILE), 65536)))
    except (ValueError, TypeError, KeyError):
        return None


def write_cursor(folder: str, cursor: Cursor, *, durable: bool) -> None:
    """Replace the cursor of an outbox folder.

    Raises:
        OSError: the disk refused; the old cursor still stands.
    """
    sealed = cursor.sealed
    document = {
        "format": _FORMAT,
        "epoch": cursor.epoch,
        "done": dict(cursor.done),
        "sealed": None if sealed is None else [sealed.epoch, sealed.first, sealed.length],
    }
    write_whole(os.path.join(folder, CURSOR_FILE), pack_record(document), durable=durable)


def _cursor_from(fields: Mapping[str, object]) -> Cursor:
    if fields["format"] != _FORMAT:
        raise ValueError("another format")
    done = cast("dict[str, int]", fields["done"])
    sealed = cast("tuple[str, int, int] | None", fields["sealed"])
    epoch = str(fields["epoch"])
    if len(bytes.fromhex(epoch)) != 16:
        raise ValueError("an epoch is 16 bytes")
    return Cursor(
        epoch=epoch,
        done=MappingProxyType({str(key): int(value) for key, value in done.items()}),
        sealed=None if sealed is None else Sealed(str(sealed[0]), int(sealed[1]), int(sealed[2])),
    )
