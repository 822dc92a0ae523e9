"""Holds: what was decided and may be shown any moment counts against caps until it is shown, let go, or stale."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

_MOST_SLOTS = 64


class _Hold(NamedTuple):
    keys: tuple[str, ...]
    until: float


class Holds:
    """Who holds what, by slot. Never stored. Any thread may change and ask it: every step is one of the dict's own."""

    __slots__ = ("_slots",)

    def __init__(self) -> None:
        self._slots: dict[str, _Hold] = {}

    def hold(self, keys: Iterable[str], slot: str, until: float) -> None:
        """Hold these keys for a slot, in place of what it held; beyond 64 slots the oldest hold ends."""
        self._slots.pop(slot, None)
        self._slots[slot] = _Hold(tuple(keys), until)
        for oldest in list(self._slots)[:-_MOST_SLOTS]:
            self._slots.pop(oldest, None)

    def release(self, slot: str) -> None:
        """End what a slot holds, and what the places in it do (`slot/...`)."""
        for name in [name for name in list(self._slots) if _is_in(name, slot)]:
            self._slots.pop(name, None)

    def held(self, key: str, slot: str, at: float) -> int:
        """How often a key is held at a moment by other slots; the places in a slot (`slot/...`) are part of it."""
        if not self._slots:
            return 0
        return sum(
            [
                keys.count(key)
                for name, (keys, until) in list(self._slots.items())
                if at < until and not _is_in(name, slot)
            ]
        )


def _is_in(name: str, slot: str) -> bool:
    return name == slot or name.startswith(f"{slot}/")
