"""What subjects consent to: on the disk before a call returns, read from memory by every decision."""

from __future__ import annotations

from threading import RLock
from typing import NamedTuple

from nearwise.consent_file import NOT_HEARD, ConsentFile, Said
from nearwise_rules import ANONYMOUS, DEVICE, purposes_mask, purposes_of

STORE = purposes_mask(["store"])
_MOST_SUBJECTS = 50_000
_NOTHING = Said()


class Consent(NamedTuple):
    """What a subject consents to. What the rule set grants to everybody is `granted` until he denies it."""

    granted: tuple[str, ...] = ()
    policy: str | None = None
    """The text that he agreed to."""
    at: float | None = None
    """When he said so last, in Unix seconds; None: never."""
    gpc: bool = False
    """His browser sent Global Privacy Control: he does not share."""


class ConsentStore:
    """Who said what. Any thread may ask and tell.

    On the disk are those who grant `store`, and those who deny what would hold without their word; the others are known
    until `end_session`. Whoever has been on the disk stays there, so that no withdrawal is lost. When a disk has lost
    some, nothing holds for those by name of whom nothing is known, whatever everybody grants.
    """

    def __init__(self, path: str | None, most_subjects: int = _MOST_SUBJECTS) -> None:
        """The file is read when it is first needed. Beyond the most subjects the earliest grants are forgotten."""
        self.base = 0
        self._file = ConsentFile(path)
        self._most = most_subjects
        self._said: dict[str, Said] = {}
        self._kept: set[str] = set()
        self._is_read = path is None
        self._lock = RLock()

    def granted(self, owner: str) -> int:
        """The mask of the purposes that hold for a subject."""
        if not self._is_read:
            self._read()
        said = self._said.get(owner)
        if said is None:
            return self.base if self._file.damaged is None else self.base & ~self._unheard(owner).denied
        return (self.base | said.granted) & ~said.denied

    def said(self, owner: str) -> Said:
        """What a subject said last."""
        if not self._is_read:
            self._read()
        return self._said.get(owner) or self._unheard(owner)

    def _unheard(self, owner: str) -> Said:
        return _NOTHING if self._file.damaged is None or owner in (ANONYMOUS, DEVICE) else NOT_HEARD

    @property
    def damaged(self) -> tuple[str, ...]:
        """What is wrong with the file."""
        if not self._is_read:
            self._read()
        return () if self._file.damaged is None else (self._file.damaged,)

    def consent(self, owner: str) -> Consent:
        """The same as a value for apps."""
        said = self.said(owner)
        return Consent(purposes_of(self.granted(owner)), said.policy, said.at, said.gpc)

    def unfinished(self) -> list[str]:
        """Those whose withdrawal was not carried out to its end."""
        if not self._is_read:
            self._read()
        return [owner for owner, said in list(self._said.items()) if said.undone]

    def keep(self, owner: str, said: Said) -> None:
        """Let this hold from now on: what is withdrawn at once, what is granted when it is on the disk.

        Raises:
            OSError: the disk refused. What is withdrawn holds until the process ends, nothing is granted.
        """
        with self._lock:
            before = self.said(owner)
            self._said[owner] = said._replace(granted=said.granted & before.granted, denied=said.denied | before.denied)
            if owner in self._kept or self._is_to_be_kept(owner, said):
                self._file.append(owner, said)
                self._kept.add(owner)
            self._said[owner] = said
            self._forget_beyond_bounds()

    def _is_to_be_kept(self, owner: str, said: Said) -> bool:
        return owner != ANONYMOUS and bool((self.base | said.granted) & ~said.denied & STORE or said.denied & self.base)

    def _forget_beyond_bounds(self) -> None:
        """Without his word a subject grants less, unless he has denied what everybody grants."""
        while len(self._said) > self._most:
            owner = next((owner for owner, said in self._said.items() if not said.denied & self.base), None)
            if owner is None:
                return
            del self._said[owner]
            self._kept.discard(owner)

    def forget(self, owner: str) -> int:
        """Know nothing of a subject, here and on the disk; how many records that were.

        Raises:
            OSError: the disk refused; he is still known.
        """
        with self._lock:
            if not self._is_read or self._file.unreadable:
                self._is_read = False
                self._read()
            if self._file.unreadable:
                raise OSError(self._file.damaged)
            if owner not in self._said and not self._file.holds(owner):
                return 0
            if self._file.holds(owner):
                self._file.replace({name: self._said[name] for name in self._kept - {owner}})
                self._kept.discard(owner)
            self._said.pop(owner, None)
            return 1

    def end_session(self) -> None:
        """Forget those who are not on the disk."""
        with self._lock:
            self._said = {owner: said for owner, said in self._said.items() if owner in self._kept}

    def leave_to_parent(self) -> None:
        """For a forked child: what is known stays, the file is the parent's."""
        self._lock = RLock()
        self._read(mend=False)
        damaged = self._file.damaged
        self._file = ConsentFile(None)
        self._file.damaged = damaged

    def _read(self, *, mend: bool = True) -> None:
        with self._lock:
            if not self._is_read:
                kept = self._file.read(mend=mend)
                self._said = {**kept, **self._said}  # said while the file could not be read
                self._kept |= kept.keys()
                self._is_read = True
