"""Holds: what was decided and may be shown any moment counts against caps until it is shown, let go, or stale."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

_MOST_SLOTS = 64


class _Hold(NamedTuple):
    keys: tuple[str, ...]
    until: float


class Holds:
    """Who holds what, by slot. Never stored. Changing them is for one thread at a time, asking for any."""

    __slots__ = ("_slots",)

    def __init__(self) -> None:
        self._slots: dict[str, _Hold] = {}

    def hold(self, keys: Iterable[str], slot: str, until: float) -> None:
        """Hold these keys for a slot, in place of what it held; beyond 64 slots the oldest hold ends."""
        slots = {name: held for name, held in self._slots.items() if name != slot}
        while len(slots) >= _MOST_SLOTS:
            del slots[next(iter(slots))]
        slots[slot] = _Hold(tuple(keys), until)
        self._slots = slots

    def release(self, slot: str) -> None:
        """End what a slot holds."""
        if slot in self._slots:
            self._slots = {name: held for name, held in self._slots.items() if name != slot}

    def held(self, key: str, slot: str, at: float) -> int:
        """How often a key is held at a moment by other slots."""
        slots = self._slots
        if not slots:
            return 0
        return sum(keys.count(key) for name, (keys, until) in slots.items() if at < until and name != slot)
