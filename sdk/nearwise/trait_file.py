"""traits.db: what the centre last said of subjects, one row for each, in SQLite.

It may be lost: a damaged file is begun anew. One caller at a time. Imported with the first subject that may be kept.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from typing import NamedTuple, TypeVar, cast

from nearwise.errors import StorageFailed

T = TypeVar("T")

_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT, sqlite3.SQLITE_ERROR)
"""The last: the table is not that of this file, for the statements are always the same."""
_BUSY_SECONDS = 1.0
_TABLE = """
CREATE TABLE IF NOT EXISTS trait (
    owner TEXT PRIMARY KEY, at REAL NOT NULL, etag TEXT, basis TEXT NOT NULL, body TEXT NOT NULL
)
"""


class Known(NamedTuple):
    """What the centre said of a subject, and when (Unix seconds).

    `etag` names its answer, `basis` what of it was kept: the consent and the declarations of that moment.
    """

    traits: Mapping[str, object]
    at: float
    etag: str | None = None
    basis: str = ""


class TraitFile:
    """At most `subjects` rows. Every method raises StorageFailed when the disk refuses."""

    def __init__(self, path: str, subjects: int) -> None:
        self._path = path
        self._subjects = subjects
        self._connection: sqlite3.Connection | None = None

    @property
    def exists(self) -> bool:
        """Whether anything was ever kept."""
        return os.path.exists(self._path)

    def read(self, owner: str) -> Known | None:
        """What is kept of a subject."""
        query = "SELECT at, etag, basis, body FROM trait WHERE owner = ?"
        row = self._run(lambda db: cast("tuple[object, ...] | None", db.execute(query, (owner,)).fetchone()))
        return None if row is None else _known(row)

    def write(self, owner: str, known: Known) -> None:
        """Keep this of a subject; those of whom was heard longest ago make room."""
        row = (owner, known.at, known.etag, known.basis, json.dumps(known.traits, separators=(",", ":")))
        oldest = "DELETE FROM trait WHERE owner IN (SELECT owner FROM trait ORDER BY at DESC LIMIT -1 OFFSET ?)"

        def write(db: sqlite3.Connection) -> None:
            with db:
                db.execute("REPLACE INTO trait (owner, at, etag, basis, body) VALUES (?, ?, ?, ?, ?)", row)
                db.execute(oldest, (self._subjects,))

        self._run(write)

    def erase(self, owner: str) -> int:
        """Forget a subject so that no byte of him is left in the file or in its log; how many rows there were."""

        def erase(db: sqlite3.Connection) -> int:
            with db:
                rows = db.execute("DELETE FROM trait WHERE owner = ?", (owner,)).rowcount
            _leave_no_byte(db)
            return rows

        return self._run(erase) if self.exists else 0

    def sweep(self, before: float, now: float) -> None:
        """Forget what was said before this. What a wrong clock wrote in the future was said now at the latest."""

        def sweep(db: sqlite3.Connection) -> None:
            with db:
                db.execute("UPDATE trait SET at = ? WHERE at > ?", (now, now))
                rows = db.execute("DELETE FROM trait WHERE at < ?", (before,)).rowcount
            if rows:
                _leave_no_byte(db)

        self._run(sweep)

    def close(self) -> None:
        """Give the file back."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()

    def leave(self) -> None:
        """For a forked child: never touch the file again. It is not closed, for that is its parent's."""
        _left.append(self._connection)
        self._connection = None

    def _run(self, step: Callable[[sqlite3.Connection], T]) -> T:
        try:
            try:
                return step(self._opened())
            except sqlite3.DatabaseError as error:
                if getattr(error, "sqlite_errorcode", -1) & 0xFF not in _DAMAGE:
                    raise
                self._discard()
                return step(self._opened())
        except (sqlite3.Error, OSError) as error:
            raise StorageFailed(f"traits cannot be kept: {error}") from error

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
            self._connection = sqlite3.connect(self._path, _BUSY_SECONDS, check_same_thread=False)
            for setting in ("secure_delete = ON", "journal_mode = WAL", "synchronous = NORMAL", "temp_store = MEMORY"):
                with closing(self._connection.execute(f"PRAGMA {setting}")) as cursor:
                    cursor.fetchall()
            self._connection.execute(_TABLE)
        return self._connection

    def _discard(self) -> None:
        self.close()
        for suffix in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                os.unlink(self._path + suffix)


_left: list[sqlite3.Connection | None] = []
"""SQLite must not so much as close a file that another process opened."""


def _leave_no_byte(db: sqlite3.Connection) -> None:
    """Deleted rows are zeroed already; the pages are written anew without them, and the log is emptied.

    Raises:
        OSError: somebody else reads the log.
    """
    db.execute("VACUUM")
    busy, _, _ = cast("tuple[int, int, int]", db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone())
    if busy:
        raise OSError("the log of the file is in use")


def _known(row: tuple[object, ...]) -> Known | None:
    """A row as it was written; None when it is none of ours."""
    at, etag, basis, body = row
    try:
        traits: object = json.loads(body) if isinstance(body, str) else None
    except ValueError:
        return None
    if not isinstance(traits, dict) or not isinstance(at, float) or not isinstance(basis, str):
        return None
    return Known(cast("dict[str, object]", traits), at, etag if isinstance(etag, str) else None, basis)
