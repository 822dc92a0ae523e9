"""What this device noticed: named values with a time and an expiry. Decisions read them as one frozen mapping."""

from __future__ import annotations

from _thread import allocate_lock
from collections.abc import Callable, Mapping
from types import MappingProxyType

from nearwise.errors import SignalRefused
from nearwise_rules import Signal

MOST_SIGNALS = 256
"""How many names can have a value at a time; those that have expired make room."""
LONGEST_NAME = 128

_NONE: Mapping[str, Signal] = MappingProxyType({})


class Signals:
    """The newest value of each name. Any thread may set one; who reads takes no lock. `clock` gives Unix seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._known = _NONE
        self._of_session: frozenset[str] = frozenset()
        self._lock = allocate_lock()

    def snapshot(self) -> Mapping[str, Signal]:
        """What is known now; it never changes, a new value makes a new one."""
        return self._known

    def set(self, name: str, value: object, expires_seconds: float | None = None, *, session: bool = False) -> None:
        """Let a name have a value from now on; None takes it away.

        Args:
            name: that of the attribute.
            value: is not copied and not checked: leave it as it is.
            expires_seconds: after this it is missing; None: never.
            session: it is about the customer in front of the device, and leaves with him.

        Raises:
            SignalRefused: a name or an expiry that cannot be, or too many names.
        """
        check_name(name)
        if expires_seconds is not None and not expires_seconds > 0:
            raise SignalRefused(f"a signal expires after more than 0 seconds, not {expires_seconds!r}")
        with self._lock:
            at = self._clock()
            known = {other: signal for other, signal in self._known.items() if other != name}
            if value is not None:
                known = _with_room(known, at)
                known[name] = Signal(value, at) if expires_seconds is None else Signal(value, at, at + expires_seconds)
            of_session = self._of_session | {name} if session else self._of_session - {name}
            self._of_session = frozenset(each for each in of_session if each in known)
            self._known = MappingProxyType(known)

    def end_session(self) -> None:
        """Forget what was about the customer in front of the device."""
        with self._lock:
            self._known = MappingProxyType(
                {name: signal for name, signal in self._known.items() if name not in self._of_session}
            )
            self._of_session = frozenset()

    def forget(self, _owner: str) -> int:
        """A subject is to be forgotten, and may be who stands in front of the device; how many signals went."""
        before = len(self._known)
        self.end_session()
        return before - len(self._known)

    def leave_to_parent(self) -> None:
        """For a forked child: another thread of the parent may have held the lock."""
        self._lock = allocate_lock()


def check_name(name: object) -> None:
    """Raise SignalRefused for what can be no name of a signal."""
    if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME:
        raise SignalRefused(f"the name of a signal is a text of 1 to {LONGEST_NAME} characters")


def _with_room(known: dict[str, Signal], at: float) -> dict[str, Signal]:
    if len(known) < MOST_SIGNALS:
        return known
    lasting = {name: signal for name, signal in known.items() if signal.expires > at}
    if len(lasting) >= MOST_SIGNALS:
        raise SignalRefused(f"{MOST_SIGNALS} signals have a value already: let them expire, or set them to None")
    return lasting
