"""Erasures: what was asked to be forgotten, how far that is, and the server's receipts. The journal names nobody."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from threading import RLock
from types import MappingProxyType
from typing import NamedTuple, cast

from nearwise.files import pack_record, read_record, read_whole, write_whole

_FORMAT = 1
_MOST_BYTES = 4 * 1024 * 1024
_MOST_DONE = 1000
"""So many finished erasures are kept, the newest."""


class Erasure(NamedTuple):
    """One subject forgotten on this device, and what the server said about the same in its stores."""

    id: str
    at: float
    """When it was asked for, in Unix seconds."""
    digest: str
    """`erasure_digest` of the subject: who knows the subject can tell that it is meant."""
    erased: Mapping[str, int] = MappingProxyType({})
    """How much was erased on this device, by where it was."""
    receipt: Mapping[str, object] | None = None
    """The server's answer; None until it has carried the erasure out."""

    @property
    def done(self) -> bool:
        """Whether the server has carried it out too."""
        return self.receipt is not None


class _Entry(NamedTuple):
    """An erasure in the journal. `owner` is the subject, until everything here is erased."""

    erasure: Erasure
    owner: str | None


class ErasureJournal:
    """Every erasure of a device, in one file that is replaced whole. Any thread may ask and tell."""

    def __init__(self, path: str | None) -> None:
        """The file is read when it is first needed. Without a path the journal ends with the process."""
        self._path = path
        self._read: dict[str, _Entry] | None = {} if path is None else None
        self._lock = RLock()

    @property
    def _entries(self) -> dict[str, _Entry]:
        if self._read is None:
            self._read = _entries_in(self._path or "")
        return self._read

    def erasures(self) -> tuple[Erasure, ...]:
        """Every erasure, the oldest first."""
        with self._lock:
            return tuple(entry.erasure for entry in self._entries.values())

    def begun(self) -> list[tuple[Erasure, str]]:
        """The erasures that were not carried out to their end here, with the subject of each."""
        with self._lock:
            return [(entry.erasure, entry.owner) for entry in self._entries.values() if entry.owner is not None]

    def unanswered(self) -> list[Erasure]:
        """The erasures that are carried out here and for which the server's receipt is missing."""
        with self._lock:
            entries = self._entries.values()
            return [entry.erasure for entry in entries if entry.owner is None and not entry.erasure.done]

    def begin(self, erasure: Erasure, owner: str) -> None:
        """Note what is to be erased, before anything is.

        Raises:
            OSError: the disk refused.
        """
        self._put(erasure, owner)

    def finish(self, erasure: Erasure) -> None:
        """Everything here is erased: from now on the journal names nobody.

        Raises:
            OSError: the disk refused; it will be erased once more.
        """
        self._put(erasure, None)

    def receive(self, erasure: Erasure, receipt: Mapping[str, object]) -> None:
        """Keep the server's receipt.

        Raises:
            OSError: the disk refused; it will be asked for once more.
        """
        self._put(erasure._replace(receipt=dict(receipt)), None)

    def _put(self, erasure: Erasure, owner: str | None) -> None:
        with self._lock:
            entries = {**self._entries, erasure.id: _Entry(erasure, owner)}
            done = [number for number, entry in entries.items() if entry.erasure.done]
            for number in done[:-_MOST_DONE]:
                del entries[number]
            if self._path is not None:
                listed = [_document(entry) for entry in entries.values()]
                write_whole(self._path, pack_record({"format": _FORMAT, "erasures": listed}), durable=True)
            self._read = entries


def _entries_in(path: str) -> dict[str, _Entry]:
    with suppress(OSError):
        os.unlink(f"{path}.new")  # what a crash has left
    try:
        fields = read_record(read_whole(path, _MOST_BYTES))
        listed = cast("list[dict[str, object]]", fields["erasures"] if fields["format"] == _FORMAT else [])
        return {str(each["id"]): _entry(each) for each in listed}
    except (ValueError, TypeError, KeyError):
        return {}


def _document(entry: _Entry) -> dict[str, object]:
    erasure = entry.erasure
    return {**erasure._asdict(), "erased": dict(erasure.erased), "owner": entry.owner}


def _entry(fields: dict[str, object]) -> _Entry:
    erasure = Erasure(
        id=str(fields["id"]),
        at=float(cast("float", fields["at"])),
        digest=str(fields["digest"]),
        erased=cast("Mapping[str, int]", fields["erased"]),
        receipt=cast("Mapping[str, object] | None", fields["receipt"]),
    )
    owner = fields["owner"]
    return _Entry(erasure, owner if isinstance(owner, str) else None)
