"""The history of a device: read from memory by every decision, written behind, erased on request.

Any thread may ask and change. A disk that refuses is reported, and decisions go on from memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from threading import RLock
from time import monotonic
from typing import TYPE_CHECKING

from nearwise.errors import StorageFailed
from nearwise.history.figures import HistoryFigures, HistoryLimits
from nearwise.history.file import BELIEVED, MARK, HistoryFile
from nearwise.history.memory import LedgerMemory
from nearwise.history.retention import retain
from nearwise_rules import ANONYMOUS, DEVICE

if TYPE_CHECKING:
    from nearwise.history.database import Row
    from nearwise_rules import Calendar, Ledger

_NEVER = float("inf")
_SWEEP_SECONDS = 86_400.0


class HistoryStore:
    """What a device remembers, by owner: a subject's key, or one of DEVICE and ANONYMOUS.

    Without a `path` everything stays in memory. `clock` gives Unix seconds.
    """

    def __init__(self, path: str | None, limits: HistoryLimits, clock: Callable[[], float]) -> None:
        self.commit_seconds = 1.0
        self.retry_seconds = 10.0
        self._file = None if path is None else HistoryFile(path, limits, clock)
        self._memory = LedgerMemory(self._file, limits)
        self._pending = self._memory.pending
        self._absent = set[str]()
        self._writing = RLock()
        self._mark: str | None = None
        self._due = _NEVER
        self._sweep_due = 0.0
        self._renewals = 0
        self._last_error: str | None = None

    def on_change(self, wake: Callable[[], None]) -> None:
        """Call this with the first change after everything was written: `tick` has something to do."""
        self._pending.wake = wake

    def let_persist(self, persists: Callable[[str], bool]) -> None:
        """Who may be on the disk, asked whenever somebody is read or written; the others are in memory only."""
        self._memory.persists = persists

    def remember_for(self, seconds: Callable[[str], float] | None) -> None:
        """How long an event may be remembered, by its name. The rest is forgotten once a day, and when it is loaded."""
        self._memory.retention = seconds
        self._sweep_due = 0.0

    def use(self, calendar: Calendar) -> None:
        """Count days, weeks and months by this calendar from now on: that of the rule set's zone."""
        self._memory.use(calendar)

    def recall(self, owner: str) -> Ledger:
        """What is remembered of an owner. Add to it by `changing` only; assign and hold from anywhere.

        Never raises. From memory without a lock; the first time from the disk.
        """
        return self._memory.recall(owner)

    def changing(self, owner: str) -> AbstractContextManager[Ledger]:
        """The ledger of an owner while nobody else adds to it. Inside, do not commit, forget or wait."""
        return self._memory.changing(owner)

    def mark(self, epoch: str, sequence: int) -> None:
        """Every event up to this one of the outbox is recorded here: record first, then append, then mark."""
        self._mark = f"{epoch} {sequence}"

    @property
    def marked(self) -> tuple[str, int] | None:
        """The event of the outbox up to which the disk had the history at the start; None: it had none."""
        if self._file is None:
            return None
        try:
            self._file.open()
        except StorageFailed as error:
            self._last_error = str(error)
        epoch, _, sequence = (self._file.mark or "").partition(" ")
        return (epoch, int(sequence)) if sequence.isdigit() else None

    def join(self, anonymous: str, subject: str) -> None:
        """Let a subject remember what an anonymous one does, who is forgotten by it."""
        with self.changing(subject) as ledger, self.changing(anonymous) as other:
            ledger.merge(other)
            self._memory.drop(anonymous)

    def end_session(self) -> None:
        """Forget the customer that nobody named, and those who are in memory only."""
        memory = self._memory
        with memory.lock:
            if memory.recall(ANONYMOUS).newest is not None:
                memory.drop(ANONYMOUS)
            for owner in memory.owners():
                if owner not in (DEVICE, ANONYMOUS) and not memory.persists(owner):
                    memory.drop(owner)

    def forget(self, owner: str) -> int:
        """Erase an owner, on the disk to the last byte; how many series and assignments there were.

        Raises:
            StorageFailed: he is forgotten, but a byte of him may be left on the disk. To be called again.
        """
        with self._writing:
            with self._memory.changing(owner) as ledger:
                erased = len(list(ledger.all_series())) + len(ledger.assignments)
                self._memory.drop(owner)
            if self._file is not None:
                self._file.erase([owner])
                self._pending.erased(owner)
        return erased

    def tick(self) -> float:
        """Write what is due; after how many seconds to call again, infinite while nothing changes. Never raises."""
        if self._file is None:
            return _NEVER
        if self._due == _NEVER and (self._pending or not self._sweep_due):
            self._due = monotonic() + (self.commit_seconds if self._sweep_due else 0.0)
        if monotonic() >= self._due:
            self._due = _NEVER
            try:
                self.commit()
            except StorageFailed:
                self._due = monotonic() + self.retry_seconds
        return max(self._due - monotonic(), 0.0)

    def commit(self) -> None:
        """Write every change to the disk, in one transaction.

        Raises:
            StorageFailed: the disk refused; the next commit tries again.
        """
        if self._file is None:
            return
        with self._writing:
            try:
                self._write(self._file)
                if monotonic() >= self._sweep_due:
                    self._file.sweep()
                    retain(self._memory, self._file)
                    self._write(self._file)
                    self._sweep_due = monotonic() + _SWEEP_SECONDS
            except StorageFailed as error:
                self._last_error = str(error)
                raise
            self._last_error = self._memory.unread_error = None

    def _write(self, file: HistoryFile) -> None:
        file.mend()
        file.open()
        if file.renewals != self._renewals:
            self._renewals = file.renewals
            self._absent.clear()
            self._memory.begin_anew()
        if not self._pending:
            return
        from nearwise.history.database import Changes

        mark, batch = self._mark, self._pending.take()
        try:
            rows, without = self._rows(batch.changed, file)
            kept = {row.owner for row in rows}
            gone = (without | dict(batch.void).keys()) - kept - self._absent
            if rows or gone:
                notes = {BELIEVED: repr(file.time.reached())} | ({} if mark is None else {MARK: mark})
                file.write(Changes(rows, sorted(gone), batch.seen, notes))
            self._absent = {owner for owner in (self._absent | gone) - kept if owner in self._memory}
        except BaseException:
            self._pending.give_back(batch)
            raise
        with self._memory.lock:
            self._pending.settle(batch)

    def _rows(self, owners: Iterable[str], file: HistoryFile) -> tuple[list[Row], set[str]]:
        """How the disk is to know these owners, and whom of them it is not to know."""
        from nearwise.history.database import Row

        memory, rows, without = self._memory, list[Row](), set[str]()
        for owner in owners:
            with memory.lock:
                ledger = memory.get(owner)
                if ledger is None:
                    continue
                persists = memory.persists(owner)
                if persists:
                    memory.complete(owner, file)
                newest = ledger.newest
                if persists and newest is not None:
                    rows.append(Row(owner, newest, ledger.to_bytes()))
                else:
                    without.add(owner)
        return rows, without

    def figures(self) -> HistoryFigures:
        """How much there is, and how it fares."""
        file = self._file
        if file is None:
            return HistoryFigures(memory_subjects=len(self._memory))
        return HistoryFigures(
            subjects=file.subjects,
            memory_subjects=len(self._memory),
            unsaved=len(self._pending.changed),
            size_bytes=file.size_bytes,
            durable=True,
            damaged=tuple(file.damaged),
            last_error=self._last_error or self._memory.unread_error,
        )

    def leave_to_parent(self) -> None:
        """For a forked child: the file stays with the parent; this copy remembers in memory."""
        self._writing = RLock()
        self._memory.leave_disk()
        if self._file is not None:
            self._file.leave()
            self._file = None

    def close(self) -> None:
        """Write what is left and give the file back.

        Raises:
            StorageFailed: the disk refused the last changes.
        """
        try:
            self.commit()
        finally:
            if self._file is not None:
                self._file.close()
