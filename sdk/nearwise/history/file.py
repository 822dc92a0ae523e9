"""The file of the history as the store sees it: perhaps not there, perhaps damaged, perhaps refused by the disk.

A damaged file is set aside by the thread that writes; until then nobody reads it. SQLite is imported when there is a
file to read or something to write.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from nearwise.errors import StorageFailed
from nearwise.history.believed import BelievedTime

if TYPE_CHECKING:
    from nearwise.history.database import Changes, Database
    from nearwise.history.figures import HistoryLimits

T = TypeVar("T")

BELIEVED, MARK = "believed", "mark"
_DAY_SECONDS = 86_400.0


class HistoryFile:
    """One history.db. `renewals` counts how often a new one was begun, `damaged` says why.

    Every method that reads or writes raises StorageFailed, and nothing else, when the disk does not do it.
    """

    def __init__(self, path: str, limits: HistoryLimits, clock: Callable[[], float]) -> None:
        self.damaged: list[str] = []
        self.renewals = 0
        self.time = BelievedTime(clock, None)
        self.mark: str | None = None
        """What was last written under MARK, once the file was opened."""
        self._path = path
        self._limits = limits
        self._clock = clock
        self._opening = Lock()
        self._database: Database | None = None
        self._broken: str | None = None
        self._exists = os.path.exists(path)

    def open(self) -> None:
        """Be ready to read, when there is a file."""
        self._opened(create=False)

    def read(self, owner: str) -> bytes | None:
        """The ledger of an owner; None when there is none."""
        from_disk = self._opened(create=False)
        return None if from_disk is None else self._tried(lambda: from_disk.read(owner))

    def write(self, changes: Changes) -> None:
        """Write all of it or nothing."""
        database = self._opened(create=True)
        if database is None:
            raise StorageFailed("the history cannot be begun anew")
        self._tried(lambda: database.write(changes))

    def owners(self) -> list[str]:
        """Everybody on the disk, the least recently seen first."""
        database = self._opened(create=False)
        return [] if database is None else self._tried(database.owners)

    def sweep(self) -> None:
        """Forget owners of whom nothing is newer than the days that are kept."""
        database = self._opened(create=False)
        if database is not None:
            before = self.time.now() - self._limits.days * _DAY_SECONDS
            self._tried(lambda: database.sweep(before))

    def erase(self, owners: Iterable[str]) -> None:
        """Forget owners so that no byte of them is left, in what was set aside neither."""
        from nearwise.history.database import remove_damaged

        self.mend()
        database = self._opened(create=False)
        if database is not None:
            self._tried(lambda: database.erase(owners))
        try:
            remove_damaged(self._path)
        except OSError as error:
            raise StorageFailed(f"what was set aside cannot be removed: {error}") from error

    def mend(self) -> None:
        """Set a damaged file aside, so that the next write begins a new one. For the thread that writes."""
        with self._opening:
            if self._broken is not None:
                self._set_aside(self._broken)

    @property
    def subjects(self) -> int:
        """How many owners are on the disk."""
        return 0 if self._database is None else self._database.subjects

    @property
    def size_bytes(self) -> int:
        """What the file takes on the disk."""
        return 0 if self._database is None else self._database.size_bytes

    def _opened(self, *, create: bool) -> Database | None:
        with self._opening:
            if self._broken is not None:
                raise StorageFailed(f"the history is damaged: {self._broken}")
            if self._database is None and (create or self._exists):
                self._open()
            if self._database is None and create:  # what was there is set aside
                self._open()
            return self._database

    def _open(self) -> None:
        from nearwise.history.database import Bounds, Database, HistoryDamaged

        bounds = Bounds(self._limits.subjects, self._limits.bytes)
        try:
            database = Database(self._path, bounds)
            self.mark = database.note(MARK)
            self.time = BelievedTime(self._clock, _seconds(database.note(BELIEVED)))
            self._database, self._exists = database, True
        except HistoryDamaged as damage:
            self._set_aside(str(damage))

    def _set_aside(self, why: str) -> None:
        from nearwise.history.database import set_aside

        if self._database is not None:
            self._database.close()
            self._database = None
        try:
            set_aside(self._path, int(self._clock()))
        except OSError as error:
            raise StorageFailed(f"the damaged history cannot be set aside: {error}") from error
        self._broken, self._exists, self.mark = None, False, None
        self.renewals += 1
        self.damaged.append(f"{self._path}: {why}")

    def _tried(self, action: Callable[[], T]) -> T:
        from nearwise.history.database import HistoryDamaged

        try:
            return action()
        except HistoryDamaged as damage:
            self._broken = str(damage)
            raise StorageFailed(f"the history is damaged: {damage}") from damage

    def close(self) -> None:
        """Give the file back."""
        with self._opening:
            if self._database is not None:
                self._database.close()
                self._database = None

    def leave(self) -> None:
        """For a forked child: never touch the file again. It is not closed, for that is its parent's."""
        _left.append(self._database)
        self._database, self._exists = None, False


_left: list[Database | None] = []
"""SQLite must not so much as close a file that another process opened."""


def _seconds(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
