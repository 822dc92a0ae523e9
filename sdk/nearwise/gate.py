"""The gate before what is recorded: an event whose purposes the subject does not grant is not stored."""

from __future__ import annotations

from _thread import allocate_lock
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, cast

from nearwise_rules import ANONYMOUS, owner_of

if TYPE_CHECKING:
    from nearwise.consent import ConsentStore
    from nearwise_rules import Release, Terms

_TELLING = 6
"""An id of so many characters is found wherever it stands."""

_NAMED_BY_TYPE = frozenset({"exposure", "decision", "trigger"})


class Gate:
    """Asks who consents to what. Any thread may ask; a new bundle brings new terms."""

    def __init__(self, consents: ConsentStore) -> None:
        self.withheld = 0
        self.exposures = 0
        """The purposes that exposures need: a mask."""
        self.terms: Terms | None = None
        self._consents = consents
        self._lock = allocate_lock()

    def leave_to_parent(self) -> None:
        """For a forked child: a lock that another thread of the parent held stays there."""
        self._lock = allocate_lock()

    def adopt(self, release: Release | None) -> None:
        """From now on the terms of this release hold."""
        if release is not None:
            terms = release.terms
            self._consents.base = terms.granted
            self.exposures = terms.event("exposure").mask
            self.terms = terms

    def granted(self, subject: object) -> int:
        """The mask of the purposes that hold for a subject."""
        return self._consents.granted(subject if type(subject) is str else owner_of(subject))

    def lets_show(self, subject: object) -> bool:
        """Whether it may be told that something was shown to this subject."""
        return not self.exposures & ~self.granted(subject)

    def needed(self, event: str) -> int:
        """The purposes that an event needs: a mask. None are known before there is a bundle."""
        return 0 if self.terms is None else self.terms.event(event).mask

    def admits(self, event: str, granted: int) -> bool:
        """Whether an event may be stored under these purposes; one that may not is counted as withheld."""
        if not self.needed(event) & ~granted:
            return True
        self.withhold()
        return False

    def withhold(self) -> None:
        """Count one event that is not stored."""
        with self._lock:
            self.withheld += 1

    def withdrawn(self, owner: str, purposes: int, since: float) -> Callable[[bytes], bool]:
        """Whether a payload is an event of this subject that needs one of the purposes.

        Events of someone unnamed name nobody: his are those from `since` on. Without a bundle nobody knows what an
        event needs: then every event of the subject counts.
        """
        subject = None if owner == ANONYMOUS else owner
        text = b"" if subject is None else _text(subject)

        def matches(payload: bytes) -> bool:
            if text not in payload:
                return False
            members = _members(payload)
            event, at = _event_of(members), members.get("at")
            if event is None or members.get("subject") != subject:
                return False
            if subject is None and isinstance(at, int) and at < int(since * 1000):
                return False
            return self.terms is None or bool(self.needed(event) & purposes)

        return matches


def about(*ids: str) -> Callable[[bytes], bool]:
    """Whether a payload is an event of a subject with one of these ids, or holds a long id as a text, wherever in it.

    A short one ("7") elsewhere in an event may well be something else.
    """
    sought = [(_text(each), len(each) >= _TELLING) for each in dict.fromkeys(ids)]

    def matches(payload: bytes) -> bool:
        return any(
            text in payload and (is_telling or _text(str(_members(payload).get("subject"))) == text)
            for text, is_telling in sought
        )

    return matches


def _text(text: str) -> bytes:
    from msgpack import packb  # pyright: ignore[reportUnknownVariableType]

    return cast("Callable[[object], bytes]", packb)(text)


def _members(payload: bytes) -> Mapping[str, object]:
    """The members of an event; none when the payload is no event."""
    from msgpack import unpackb  # pyright: ignore[reportUnknownVariableType]

    try:
        members = cast("Callable[[bytes], object]", unpackb)(payload)
    except (ValueError, TypeError):
        return {}
    return cast("Mapping[str, object]", members) if isinstance(members, dict) else {}


def _event_of(members: Mapping[str, object]) -> str | None:
    """The name under which an event is declared; None for one that needs no consent: the device's own reports."""
    kind, name = members.get("type"), members.get("name")
    if kind == "track":
        return str(name)
    return str(kind) if kind in _NAMED_BY_TYPE else None
