"""Traits: what the centre knows of the subjects who signed in here. Decisions read them from memory; one thread asks.

Only what a subject consents to is kept, and on the disk only with his consent to `store`.
"""

from __future__ import annotations

import os
from _thread import allocate_lock
from collections.abc import Callable, Mapping, MutableMapping
from time import monotonic
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from nearwise.errors import StorageFailed
from nearwise_rules import ANONYMOUS, owner_of, purposes_mask

if TYPE_CHECKING:
    from nearwise.settings import Settings
    from nearwise.trait_file import Known, TraitFile
    from nearwise_rules import Release

_STORE = purposes_mask(["store"])
_NEVER = float("inf")
_DAY_SECONDS = 86_400.0
_LONGEST_OWNER = 256
_NOTHING: Mapping[str, object] = MappingProxyType({})


def _nobody_waits() -> None: ...


class Turn(NamedTuple):
    """A subject whom to ask about, and the ETag of what is known of him."""

    owner: str
    etag: str | None


class Traits:
    """One for each client. Any thread may call; who reads waits for no disk and no network.

    `granted` gives the purposes that hold for a subject, as a bit mask. Without a `path` nothing outlives the process.
    """

    def __init__(
        self,
        path: str | None,
        settings: Settings,
        granted: Callable[[object], int],
        uptime: Callable[[], float] = monotonic,
    ) -> None:
        self.wake = _nobody_waits
        """Tells the thread that asks that somebody is to be asked about."""
        self.failed: str | None = None
        """Why the disk does not have what was said last; None when it has."""
        self._path = path
        self._settings = settings
        self._granted = granted
        self._uptime = uptime
        self._file: TraitFile | None = None
        self._known: MutableMapping[str, Known] | None = None
        self._due: dict[str, float] = {}
        self._used = set[str]()
        self._release: Release | None = None
        self._declared: Mapping[str, int] | None = None
        self._sweep_at = 0.0
        self._lock, self._writing = allocate_lock(), allocate_lock()

    def adopt(self, release: Release | None) -> None:
        """From now on these rules read traits."""
        self._release, self._declared = release, None

    def of(self, subject: object) -> Mapping[str, object]:
        """What is known of a subject, by the names of attributes. From memory."""
        if self._known is None:
            return _NOTHING
        owner = owner_of(subject)
        with self._lock:
            known = self._known.get(owner)
            if known is None:
                return _NOTHING
            self._used.add(owner)
        return known.traits

    def want(self, owner: str) -> None:
        """A subject is here: know what the disk has of him, and have the centre asked. Waits for no network."""
        if not _can_be_asked(owner):
            return
        with self._writing:
            with self._lock:
                known = self._memory().get(owner)
            known = known or self._read(owner)
            with self._lock:
                age = _NEVER
                if known is not None:
                    self._memory()[owner] = known
                    age = max(self._settings.clock() - known.at, 0.0)
                self._due.pop(owner, None)
                self._due[owner] = self._uptime() + max(self._settings.traits_seconds - age, 0.0)
                if len(self._due) > self._settings.traits_subjects:
                    self._due.pop(next(iter(self._due)))
        self.wake()

    def put(self, owner: str, traits: Mapping[str, object]) -> None:
        """Let this be known of a subject in memory, as if the centre had said it."""
        from nearwise.trait_file import Known

        with self._lock:
            self._memory()[owner] = Known(traits, self._settings.clock())

    def turn(self) -> Turn | None:
        """Whose turn it is; None when it is nobody's. Whom no decision asked of since the last answer has to wait."""
        now = self._uptime()
        with self._lock:
            self._notice_changes(now)
            for owner in sorted(self._due, key=self._due.__getitem__):
                if self._due[owner] > now:
                    return None
                known = self._memory().get(owner)
                if known is None or known.etag is None or owner in self._used:
                    if self._may_be_asked(owner):
                        self._used.discard(owner)
                        return Turn(owner, None if known is None else known.etag)
                else:
                    self._due[owner] = now + self._settings.traits_seconds
        return None

    def due_in(self) -> float:
        """The seconds until it is somebody's turn."""
        with self._lock:
            dues = [due for owner, due in self._due.items() if self._may_be_asked(owner)]
        return max(min(dues, default=_NEVER) - self._uptime(), 0.0)

    def _may_be_asked(self, owner: str) -> bool:
        """Whether rules read a trait that he consents to."""
        granted = self._granted(owner)
        return any(not mask & ~granted for mask in self._masks().values())

    def _masks(self) -> Mapping[str, int]:
        """What rules read of traits: the purposes that each needs, by name."""
        declared = self._declared
        if declared is None:
            known = None if self._release is None else self._release.attributes
            found = [] if known is None else [known.declared(name) for name in known]
            declared = {each.name: each.mask for each in found if each is not None and each.source == "trait"}
            self._declared = declared
        return declared

    def _notice_changes(self, now: float) -> None:
        """What was kept under another consent or by other rules is asked for anew."""
        for owner in self._due:
            known = self._memory().get(owner)
            if known is not None and known.basis != (basis := self._basis(owner)):
                self._memory()[owner] = known._replace(etag=None, basis=basis)
                self._due[owner] = min(self._due[owner], now)

    def _basis(self, owner: str) -> str:
        return f"{self._granted(owner)} {sorted(self._masks().items())}"

    def learn(self, owner: str, traits: Mapping[str, object], etag: str | None) -> None:
        """The centre says what it knows of a subject. Nothing is kept of one who left or was forgotten meanwhile."""
        from nearwise.trait_file import Known

        with self._writing:
            granted = self._granted(owner)
            allowed = [name for name, mask in self._masks().items() if not mask & ~granted]
            kept = {name: traits[name] for name in allowed if name in traits}
            self._keep(owner, Known(kept, self._settings.clock(), etag, self._basis(owner)))

    def confirm(self, owner: str) -> None:
        """The centre says that what is known of a subject still holds."""
        with self._writing:
            with self._lock:
                known = self._memory().get(owner)
            if known is None:
                self.later(owner, 0.0)
            else:
                self._keep(owner, known._replace(at=self._settings.clock()))

    def later(self, owner: str, seconds: float) -> None:
        """Ask about a subject later, and about others first."""
        with self._lock:
            if owner in self._due:
                self._due[owner] = self._uptime() + seconds

    def _keep(self, owner: str, known: Known) -> None:
        with self._lock:
            if owner not in self._due:
                return
            self._memory()[owner] = known
            self._due[owner] = self._uptime() + self._settings.traits_seconds
        file = self._opened() if self._granted(owner) & _STORE else None
        if file is not None:
            try:
                file.write(owner, known)
                self.failed = None
            except StorageFailed as error:
                self.failed = str(error)

    def _read(self, owner: str) -> Known | None:
        """What the disk has of a subject, if it may be there."""
        file = self._opened() if self._granted(owner) & _STORE else None
        try:
            return None if file is None or not file.exists else file.read(owner)
        except StorageFailed as error:
            self.failed = str(error)
            return None

    def sweep(self) -> None:
        """Once a day: forget on the disk what is too old to be used."""
        now = self._uptime()
        if self._path is None or now < self._sweep_at:
            return
        self._sweep_at = now + _DAY_SECONDS
        with self._writing:
            file = self._opened() if os.path.exists(self._path) else None
            if file is not None:
                clock = self._settings.clock()
                try:
                    file.sweep(clock - self._settings.traits_days * _DAY_SECONDS, clock)
                except StorageFailed as error:
                    self.failed = str(error)

    def forget(self, owner: str) -> int:
        """Leave no byte of a subject; how much there was of him.

        Raises:
            StorageFailed: a byte may be left on the disk. To be called again.
        """
        with self._writing:
            with self._lock:
                count = 0 if self._known is None or self._known.pop(owner, None) is None else 1
                self._due.pop(owner, None)
                self._used.discard(owner)
            if self._path is None or not os.path.exists(self._path):
                return count
            file = self._opened()
            return count if file is None else max(file.erase(owner), count)

    def end_session(self) -> None:
        """Forget in memory who was in front of the device. The disk keeps what it may."""
        with self._lock:
            self._due.clear()
            self._used.clear()
            if self._known is not None:
                self._known.clear()

    def _memory(self) -> MutableMapping[str, Known]:
        """The library is imported with the first subject."""
        if self._known is None:
            from cachetools import TLRUCache

            days, clock = self._settings.traits_days, self._settings.clock

            def until(_owner: str, known: Known, _now: float) -> float:
                return known.at + days * _DAY_SECONDS

            self._known = TLRUCache(self._settings.traits_subjects, until, timer=clock)
        return self._known

    def _opened(self) -> TraitFile | None:
        """SQLite is imported with the first subject who may be on the disk."""
        if self._file is None and self._path is not None:
            from nearwise.trait_file import TraitFile

            self._file = TraitFile(self._path, self._settings.traits_subjects)
        return self._file

    def close(self) -> None:
        """Give the file back."""
        with self._writing:
            self._path = None
            if self._file is not None:
                self._file.close()
                self._file = None

    def leave_to_parent(self) -> None:
        """For a forked child: the file stays with the parent; this copy knows what is in memory."""
        self._lock, self._writing = allocate_lock(), allocate_lock()
        self._path = None
        if self._file is not None:
            self._file.leave()
            self._file = None


def _can_be_asked(owner: str) -> bool:
    """Whether somebody is named, and so that it can stand in a path."""
    if not 0 < len(owner) <= _LONGEST_OWNER or owner in (ANONYMOUS, ".", ".."):
        return False
    return not any(each < " " or each in "/\x7f" or "\ud800" <= each <= "\udfff" for each in owner)
