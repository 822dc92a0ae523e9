"""Where states of triggers and actions on their way are kept: one SQLite file, to be lost without losing an event.

Each call is one statement; what belongs together is done within `transaction`. One thread at a time.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple, cast

from nearwise_rules import Action, TriggerState, next_due

if TYPE_CHECKING:
    from nearwise_rules import JsonObject

MAX_STATES = 20_000
"""So many subjects and triggers are remembered; those that were quiet for longest leave first."""
MAX_ACTIONS = 1_000
"""So many actions wait for the app; older ones leave first."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS states (
  number INTEGER PRIMARY KEY, trigger TEXT NOT NULL, subject TEXT NOT NULL, since REAL, due_at REAL,
  state TEXT NOT NULL, UNIQUE (trigger, subject));
CREATE INDEX IF NOT EXISTS waiting ON states (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS begun ON states (since) WHERE since IS NOT NULL;
CREATE TABLE IF NOT EXISTS actions (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, subject TEXT NOT NULL, purposes INTEGER NOT NULL,
  expires_at REAL NOT NULL, epoch TEXT NOT NULL, sequence INTEGER NOT NULL, body TEXT NOT NULL,
  reported INTEGER NOT NULL DEFAULT 0, taken INTEGER NOT NULL DEFAULT 0);
PRAGMA user_version = 1;
"""
_SELECT = "SELECT number, id, subject, purposes, expires_at, epoch, sequence, body FROM actions "
_DELETE_QUIETEST = """
DELETE FROM states WHERE number IN (SELECT number FROM states ORDER BY due_at IS NOT NULL, number LIMIT ?)
"""
_FORMAT = 1
_COMPANIONS = ("", "-wal", "-shm")


class Kept(NamedTuple):
    """An action on its way. `place`: where in the log of events its report stands, or behind; `purposes`: a mask."""

    number: int
    action: Action
    subject: str
    bundle: int
    purposes: int
    expires_at: float
    place: tuple[str, int]


class TriggerStore:
    """One open file, or a database in memory when there is no path."""

    def __init__(self, path: str | None) -> None:
        """Open the file, or make it. One that is damaged is set aside first.

        Raises:
            sqlite3.Error: it cannot be used.
        """
        self.damaged: str | None = None
        self._path = path
        try:
            self._database = _opened(path)
        except sqlite3.DatabaseError as error:
            if path is None or not is_damage(error):
                raise
            set_aside(path)
            self.damaged = f"{path}: {error}"
            self._database = _opened(path)

    @contextmanager
    def transaction(self) -> Generator[None]:
        """All that is written within is on disk afterwards, or nothing of it."""
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._database.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                self._database.execute("ROLLBACK")
            raise

    def state(self, trigger: str, subject: str) -> TriggerState | None:
        """What is remembered; None for nothing, or nothing that can be read."""
        row = self._row("SELECT state FROM states WHERE trigger = ? AND subject = ?", trigger, subject)
        return None if row is None else _read_state(subject, cast("str", row[0]))

    def save(self, trigger: str, state: TriggerState) -> None:
        """Remember a state in place of the one before."""
        since = None if state.waiting is None else state.waiting.since
        self._database.execute(
            "INSERT OR REPLACE INTO states (trigger, subject, since, due_at, state) VALUES (?, ?, ?, ?, ?)",
            (trigger, state.subject, since, next_due(state), state.to_text()),
        )

    def due(self, at: float, most: int) -> list[tuple[str, TriggerState]]:
        """The triggers and states to be looked at: those whose time has come, and those that a clock left behind."""
        rows = self._database.execute(
            "SELECT trigger, subject, state FROM states WHERE due_at <= ? OR since > ? ORDER BY due_at LIMIT ?",
            (at, at, most),
        ).fetchall()
        found: list[tuple[str, TriggerState]] = []
        for trigger, subject, text in rows:
            state = _read_state(subject, text)
            if state is not None:
                found.append((trigger, state))
            else:
                self._database.execute("DELETE FROM states WHERE trigger = ? AND subject = ?", (trigger, subject))
        return found

    def next_due(self) -> float | None:
        """When the first of all waits ends."""
        row = self._row("SELECT MIN(due_at) FROM states WHERE due_at IS NOT NULL")
        return None if row is None else cast("float | None", row[0])

    def add(self, kept: Kept) -> None:
        """Keep a new action; its number is given here."""
        action, (epoch, sequence) = kept.action, kept.place
        body = [action.trigger, action.subject, action.payload, action.channel, action.at, kept.bundle]
        self._database.execute(
            "INSERT INTO actions (id, subject, purposes, expires_at, epoch, sequence, body)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (action.id, kept.subject, kept.purposes, kept.expires_at, epoch, sequence, json.dumps(body)),
        )

    def unreported(self, most: int) -> list[Kept]:
        """Actions of which no report is in the log of events yet, oldest first."""
        return self._kept(_SELECT + "WHERE reported = 0 ORDER BY number LIMIT ?", most)

    def untaken(self, most: int) -> list[Kept]:
        """Actions that nobody has yet, oldest first."""
        return self._kept(_SELECT + "WHERE taken = 0 ORDER BY number LIMIT ?", most)

    def mark_reported(self, number: int) -> None:
        """The report is in the log of events."""
        self._mark("UPDATE actions SET reported = 1 WHERE number = ?", number)

    def mark_taken(self, number: int) -> None:
        """The app has it, or nobody will."""
        self._mark("UPDATE actions SET taken = 1 WHERE number = ?", number)

    def expired(self, at: float) -> list[int]:
        """The numbers of the actions that nobody took in time."""
        rows = self._database.execute("SELECT number FROM actions WHERE taken = 0 AND expires_at < ?", (at,))
        return [number for (number,) in rows.fetchall()]

    def trim(self) -> int:
        """Let go of what is too much; how many actions that nobody took were among it."""
        excess = self._number("SELECT COUNT(*) FROM states") - MAX_STATES
        if excess > 0:
            self._database.execute(_DELETE_QUIETEST, (excess,))
        crowding = max(self.waiting_and_untaken()[1] - MAX_ACTIONS, 0)
        for kept in self.untaken(crowding):
            self.mark_taken(kept.number)
        return crowding

    def waiting_and_untaken(self) -> tuple[int, int]:
        """How many waits there are, and how many actions that nobody has yet."""
        return (
            self._number("SELECT COUNT(*) FROM states WHERE due_at IS NOT NULL"),
            self._number("SELECT COUNT(*) FROM actions WHERE taken = 0"),
        )

    def forget(self, subject: str) -> None:
        """Let go of everything about a subject: no byte of it stays in the file or beside it, set aside or not."""
        with self.transaction():
            self._database.execute("DELETE FROM states WHERE subject = ?", (subject,))
            self._database.execute("DELETE FROM actions WHERE subject = ?", (subject,))
        for statement in ("PRAGMA wal_checkpoint(TRUNCATE)", "VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"):
            self._database.execute(statement).fetchall()
        for ending in _COMPANIONS if self._path is not None else ():
            with suppress(OSError):
                os.remove(f"{self._path}.damaged{ending}")

    def close(self) -> None:
        """Give the file back."""
        with suppress(sqlite3.Error):
            self._database.close()

    def _kept(self, query: str, most: int) -> list[Kept]:
        return [_read_kept(row) for row in self._database.execute(query, (most,)).fetchall()]

    def _mark(self, update: str, number: int) -> None:
        self._database.execute(update, (number,))
        self._database.execute("DELETE FROM actions WHERE number = ? AND reported = 1 AND taken = 1", (number,))

    def _number(self, query: str) -> int:
        row = self._row(query)
        return 0 if row is None else cast("int", row[0])

    def _row(self, query: str, *parameters: object) -> tuple[object, ...] | None:
        return cast("tuple[object, ...] | None", self._database.execute(query, parameters).fetchone())


def is_damage(error: BaseException) -> bool:
    """Whether an error says that the file itself is no good, not that the disk refuses."""
    return type(error) is sqlite3.DatabaseError


def set_aside(path: str) -> None:
    """Move a damaged file and its companions out of the way."""
    for ending in _COMPANIONS:
        with suppress(OSError):
            os.replace(f"{path}{ending}", f"{path}.damaged{ending}")


def _opened(path: str | None) -> sqlite3.Connection:
    if path is not None:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    database = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False)
    try:
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON", "temp_store = MEMORY"):
            database.execute(f"PRAGMA {pragma}").fetchall()
        (version,), (state,) = (
            database.execute(f"PRAGMA {each}").fetchone() for each in ("user_version", "quick_check(1)")
        )
        if state != "ok" or version not in (0, _FORMAT):
            raise sqlite3.DatabaseError(f"format {version}, {state}")
        database.executescript(_SCHEMA)
    except BaseException:
        database.close()
        raise
    return database


def _read_state(subject: str, text: str) -> TriggerState | None:
    try:
        return TriggerState.from_text(subject, text)
    except ValueError:
        return None


def _read_kept(row: tuple[object, ...]) -> Kept:
    number, name, subject, purposes, expires_at, epoch, sequence, body = cast(
        "tuple[int, str, str, int, float, str, int, str]", row
    )
    trigger, named, payload, channel, at, bundle = cast(
        "tuple[str, str | None, JsonObject, str | None, float, int]", json.loads(body)
    )
    action = Action(name, trigger, named, payload, channel, at)
    return Kept(number, action, subject, bundle, purposes, expires_at, (epoch, sequence))
