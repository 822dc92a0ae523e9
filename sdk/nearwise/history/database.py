"""history.db: one row for each owner, in SQLite. What it costs and survives is said in docs/history.md.

Imported with the first owner that is looked up or written, because SQLite is not free. Reading and writing have a
connection each, so that a decision never waits for a commit.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager, suppress
from threading import Lock
from typing import NamedTuple

from nearwise.errors import NearwiseError, StorageFailed

_VERSION = 1
_PAGE_BYTES = 4096
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT, sqlite3.SQLITE_ERROR)
"""The last: the tables are not those of this file, for the statements are always the same."""
_READ_SECONDS = 0.05
_WRITE_SECONDS = 1.0
_TABLES = """
CREATE TABLE ledger (owner TEXT PRIMARY KEY, seen INTEGER NOT NULL, newest REAL NOT NULL, body BLOB NOT NULL);
CREATE INDEX ledger_seen ON ledger (seen);
CREATE INDEX ledger_newest ON ledger (newest);
CREATE TABLE note (name TEXT PRIMARY KEY, text TEXT NOT NULL);
"""


class HistoryDamaged(NearwiseError):
    """The file is no history any more, or one of a later version. Never leaves this package."""


class Row(NamedTuple):
    """The ledger of an owner, and the time of the newest thing in it."""

    owner: str
    newest: float
    body: bytes


class Changes(NamedTuple):
    """What one transaction writes: ledgers, owners to forget, owners that were seen, notes."""

    rows: Sequence[Row] = ()
    gone: Sequence[str] = ()
    seen: Sequence[str] = ()
    notes: Mapping[str, str] = {}


class Bounds(NamedTuple):
    """At most so many owners, in so many bytes."""

    subjects: int
    bytes: int


class Database:
    """One open file. Every method raises HistoryDamaged or StorageFailed; the file is as before then."""

    def __init__(self, path: str, bounds: Bounds) -> None:
        self._path = path
        self._bounds = bounds
        self._reading = Lock()
        self._closed = False
        self._reader: sqlite3.Connection | None = None
        self._log_pages = max(min(bounds.bytes // 8 // _PAGE_BYTES, 256), 8)
        with self._translated():
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self._writer = self._connect(_WRITE_SECONDS)
            self._prepare()
            self._next_seen = self._number("SELECT coalesce(max(seen), 0) + 1 FROM ledger")
            self.subjects = self._number("SELECT count(*) FROM ledger")

    def _connect(self, seconds: float) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, seconds, isolation_level=None, check_same_thread=False)
        for setting in (
            "secure_delete = ON",
            "synchronous = FULL",
            f"wal_autocheckpoint = {self._log_pages}",
            "temp_store = MEMORY",
            "cache_size = -512",
            "trusted_schema = OFF",
        ):
            connection.execute(f"PRAGMA {setting}").close()
        return connection

    def _prepare(self) -> None:
        version = self._number("PRAGMA user_version")
        if version > _VERSION:
            raise HistoryDamaged(f"format {version} is of a later version")
        if version == _VERSION:
            return
        self._writer.execute("PRAGMA auto_vacuum = INCREMENTAL").close()
        self._writer.execute("PRAGMA journal_mode = WAL").close()
        self._writer.executescript(f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version = {_VERSION}; COMMIT;").close()

    def _number(self, query: str) -> int:
        found: tuple[object, ...] = self._writer.execute(query).fetchone()
        return found[0] if isinstance(found[0], int) else 0

    def read(self, owner: str) -> bytes | None:
        """The ledger of an owner; None when there is none."""
        with self._reading, self._translated():
            if self._closed:
                raise StorageFailed("the history was closed")
            if self._reader is None:
                self._reader = self._connect(_READ_SECONDS)
            row = self._reader.execute("SELECT body FROM ledger WHERE owner = ?", (owner,)).fetchone()
        return row[0] if row is not None and isinstance(row[0], bytes) else None

    def note(self, name: str) -> str | None:
        """What was last written under a name."""
        with self._translated():
            row = self._writer.execute("SELECT text FROM note WHERE name = ?", (name,)).fetchone()
        return row[0] if row is not None and isinstance(row[0], str) else None

    def write(self, changes: Changes) -> None:
        """Write all of it or nothing, within the bounds: the least recently seen owners leave."""
        with self._transaction():
            self._write(changes)
            self.subjects = self._number("SELECT count(*) FROM ledger")
            self._keep_within(self.subjects - self._bounds.subjects)
        self._shrink()
        if self.size_bytes > self._bounds.bytes:
            with suppress(StorageFailed):  # somebody reads; the next write tries again
                self._empty_log()

    def _write(self, changes: Changes) -> None:
        execute = self._writer.executemany
        execute("DELETE FROM ledger WHERE owner = ?", [(owner,) for owner in changes.gone]).close()
        execute("UPDATE ledger SET seen = ? WHERE owner = ?", self._ticks(changes.seen)).close()
        ticks = self._ticks(row.owner for row in changes.rows)
        rows = [(owner, seen, row.newest, row.body) for (seen, owner), row in zip(ticks, changes.rows, strict=True)]
        execute("REPLACE INTO ledger (owner, seen, newest, body) VALUES (?, ?, ?, ?)", rows).close()
        execute("REPLACE INTO note (name, text) VALUES (?, ?)", changes.notes.items()).close()

    def _ticks(self, owners: Iterable[str]) -> list[tuple[int, str]]:
        numbered = list(enumerate(owners, self._next_seen))
        self._next_seen += len(numbered)
        return numbered

    def _keep_within(self, too_many: int) -> None:
        """Let the least recently seen leave, the device's own ledger last, until everything has room."""
        most_pages = self._bounds.bytes * 3 // 4 // _PAGE_BYTES
        while self.subjects and (too_many > 0 or self._used_pages() > most_pages):
            leaving = max(too_many, self.subjects // 20, 1)
            query = "SELECT owner FROM ledger ORDER BY owner = '', seen LIMIT ?"
            self._writer.execute(f"DELETE FROM ledger WHERE owner IN ({query})", (leaving,)).close()  # noqa: S608
            self.subjects, too_many = max(self.subjects - leaving, 0), 0

    def _used_pages(self) -> int:
        return self._number("PRAGMA page_count") - self._number("PRAGMA freelist_count")

    def owners(self) -> list[str]:
        """Everybody, the least recently seen first."""
        with self._translated():
            return [str(row[0]) for row in self._writer.execute("SELECT owner FROM ledger ORDER BY seen").fetchall()]

    def sweep(self, before: float) -> int:
        """Forget the owners of whom nothing is newer than this; how many there were."""
        with self._transaction():
            gone = self._writer.execute("DELETE FROM ledger WHERE newest < ?", (before,)).rowcount
            self.subjects = self._number("SELECT count(*) FROM ledger")
        if gone:
            self._shrink()
            self._empty_log()
        return gone

    def erase(self, owners: Iterable[str]) -> None:
        """Forget owners so that no byte of them is left: pages are zeroed, written anew without them, the log emptied.

        Raises:
            StorageFailed: also when they are forgotten, but a byte may be left; to be called again.
        """
        with self._transaction():
            self._writer.executemany("DELETE FROM ledger WHERE owner = ?", [(owner,) for owner in owners]).close()
            self.subjects = self._number("SELECT count(*) FROM ledger")
        with self._translated():
            self._writer.execute("VACUUM").close()
        self._empty_log()

    def _empty_log(self) -> None:
        with self._reading, self._translated():
            self._close_reader()
            busy: tuple[object, ...] = self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy[0]:
            raise StorageFailed("the log of the history is in use")

    def _shrink(self) -> None:
        """Give pages that nothing uses back to the disk."""
        with self._translated():
            if self._number("PRAGMA freelist_count") > self._log_pages:
                self._writer.execute("PRAGMA incremental_vacuum").fetchall()

    @property
    def size_bytes(self) -> int:
        """What the file and its log take on the disk."""
        size = 0
        for suffix in _SUFFIXES[:2]:
            with suppress(OSError):
                size += os.path.getsize(self._path + suffix)
        return size

    def close(self) -> None:
        """Give the file back."""
        with self._reading:
            self._closed = True
            self._close_reader()
        with suppress(sqlite3.Error):
            self._writer.close()

    def _close_reader(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    @contextmanager
    def _transaction(self) -> Generator[None]:
        with self._translated():
            self._writer.execute("BEGIN IMMEDIATE").close()
            try:
                yield
                self._writer.execute("COMMIT").close()
            except BaseException:
                with suppress(sqlite3.Error):
                    self._writer.execute("ROLLBACK").close()
                raise

    @contextmanager
    def _translated(self) -> Generator[None]:
        try:
            yield
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", -1) & 0xFF in _DAMAGE:
                raise HistoryDamaged(str(error)) from error
            raise StorageFailed(f"the history cannot be kept: {error}") from error
        except OSError as error:
            raise StorageFailed(f"the history cannot be kept: {error}") from error


_SUFFIXES = ("", "-wal", "-shm")


def set_aside(path: str, stamp: int) -> None:
    """Put a damaged file out of the way, in place of the one that was before; its log goes.

    Raises:
        OSError: the disk refused.
    """
    remove_damaged(path)
    os.replace(path, f"{path}.damaged-{stamp}")
    for suffix in _SUFFIXES[1:]:
        with suppress(FileNotFoundError):
            os.unlink(path + suffix)


def remove_damaged(path: str) -> None:
    """Remove what was set aside.

    Raises:
        OSError: the disk refused.
    """
    folder, name = os.path.split(path)
    for other in os.listdir(folder):
        if other.startswith(f"{name}.damaged-"):
            os.unlink(os.path.join(folder, other))
