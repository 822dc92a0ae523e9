"""The ledgers that are in memory: loaded when first asked for, let go when not asked for longest."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from threading import RLock
from typing import TYPE_CHECKING

from nearwise.errors import StorageFailed
from nearwise.history.pending import Pending
from nearwise_rules import ANONYMOUS, DEVICE, Calendar, Ledger, LedgerLimits

if TYPE_CHECKING:
    from nearwise.history.figures import HistoryLimits
    from nearwise.history.file import HistoryFile


def _everybody(_owner: str) -> bool:
    return True


class LedgerMemory:
    """The ledgers by owner. Who asks for one that is here takes no lock; `lock` is held by whoever changes them."""

    def __init__(self, file: HistoryFile | None, limits: HistoryLimits) -> None:
        self.persists: Callable[[str], bool] = _everybody
        self.retention: Callable[[str], float] | None = None
        """The seconds for which an event may be remembered; None while nothing is limited."""
        self.lock = RLock()
        self.pending = Pending()
        self.unread_error: str | None = None
        self._file = file
        self._limits = limits
        self._calendar = Calendar()
        self._ledgers: OrderedDict[str, Ledger] = OrderedDict()
        self._unread = set[str]()
        self._held: list[str] = []

    def __len__(self) -> int:
        return len(self._ledgers)

    def __contains__(self, owner: object) -> bool:
        return owner in self._ledgers

    def owners(self) -> tuple[str, ...]:
        """Everybody who is here."""
        return tuple(self._ledgers)

    def get(self, owner: str) -> Ledger | None:
        """The ledger of an owner who is here."""
        return self._ledgers.get(owner)

    def recall(self, owner: str) -> Ledger:
        """The ledger of an owner, loaded if need be. Never raises."""
        ledger = self._ledgers.get(owner)
        if ledger is None:
            return self._loaded(owner)
        self.pending.seen.add(owner)
        return ledger

    @contextmanager
    def changing(self, owner: str) -> Generator[Ledger]:
        """The ledger of an owner while nobody else adds to it, and while it stays here."""
        with self.lock:
            self._held.append(owner)
            try:
                yield self.recall(owner)
            finally:
                self._held.pop()

    def use(self, calendar: Calendar) -> None:
        """Count by another calendar, if its zone is another."""
        with self.lock:
            if calendar.zone == self._calendar.zone:
                return
            self._calendar = calendar
            for owner, ledger in list(self._ledgers.items()):
                ledger.on_change = None
                self._ledgers[owner] = self._watched(owner, self._unpacked(ledger.to_bytes()))

    def drop(self, owner: str) -> None:
        """Let go of an owner; what the disk has of him is void."""
        ledger = self._ledgers.pop(owner, None)
        if ledger is not None:
            ledger.on_change = None
        self._unread.discard(owner)
        if self._file is not None:
            self.pending.drop(owner)

    def complete(self, owner: str, file: HistoryFile) -> None:
        """Add what the disk has of an owner whom it could not, or was not to, tell before.

        Raises:
            StorageFailed: it still cannot.
        """
        if owner not in self._unread:
            return
        body = None if self.pending.is_void(owner) else file.read(owner)
        self._unread.discard(owner)
        if body is not None:
            self._ledgers[owner].merge(self._unpacked(body))

    def begin_anew(self) -> None:
        """The disk has nothing any more: everything here is to be written."""
        self._unread.clear()
        self.pending.changed.update(self._ledgers)

    def leave_disk(self) -> None:
        """For a forked child: nobody is read or written any more, and whoever held the lock is not here."""
        self.lock = RLock()
        self._held = []
        self._file = None
        for ledger in self._ledgers.values():
            ledger.on_change = None

    def _loaded(self, owner: str) -> Ledger:
        with self.lock:
            ledger = self._ledgers.get(owner)
            if ledger is None:
                self._make_room()
                ledger = self._ledgers[owner] = self._watched(owner, self._read(owner))
            return ledger

    def _read(self, owner: str) -> Ledger:
        """What the disk has of an owner; what cannot be read now is put together with it when it is written."""
        if self._file is None or self.pending.is_void(owner):
            return self._unpacked(None)
        if not self.persists(owner):
            self._unread.add(owner)
            return self._unpacked(None)
        try:
            ledger = self._unpacked(self._file.read(owner))
        except StorageFailed as error:
            self.unread_error = str(error)
            self._unread.add(owner)
            return self._unpacked(None)
        now = self._file.time.now()
        ledger.prune(now)
        if self.retention is not None:
            ledger.retain(self.retention, now)
        return ledger

    def outdated(self, body: bytes | None) -> Ledger | None:
        """A ledger from the disk without what may not be remembered any more; None when nothing of it goes."""
        if body is None or self._file is None or self.retention is None:
            return None
        ledger = self._unpacked(body)
        before = ledger.version
        ledger.retain(self.retention, self._file.time.now())
        return None if ledger.version == before else ledger

    def _unpacked(self, body: bytes | None) -> Ledger:
        limits = LedgerLimits(days=self._limits.days)
        if body is not None:
            try:
                return Ledger.from_bytes(body, self._calendar, limits)
            except ValueError as error:
                if self._file is not None:
                    self._file.damaged.append(f"the history of one subject: {error}")
        return Ledger(self._calendar, limits)

    def _watched(self, owner: str, ledger: Ledger) -> Ledger:
        if self._file is not None:
            ledger.on_change = partial(self.pending.change, owner)
        return ledger

    def _make_room(self) -> None:
        """Let those leave who were not asked for longest; while there is room, not those with changes."""
        most = self._limits.memory_subjects
        if len(self._ledgers) < most:
            return
        for owner in tuple(self.pending.seen):
            if owner in self._ledgers:
                self._ledgers.move_to_end(owner)
        if self._file is None or len(self.pending.seen) > 4 * most:
            self.pending.seen.clear()
        kept = {DEVICE, ANONYMOUS, *self._held}
        for owner in tuple(self._ledgers)[: len(self._ledgers) - most + 1]:
            has_room = len(self._ledgers) < 2 * most
            if owner not in kept and not (has_room and self.pending.is_unsaved(owner)):
                self._ledgers.pop(owner).on_change = None
