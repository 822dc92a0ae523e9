"""Holds: what was decided and may be shown any moment counts against caps until it is shown, let go, or stale."""

from __future__ import annotations

from collections.abc import Iterable, KeysView

_MOST_SLOTS = 4096


class Holds:
    """Who holds what, by slot; a slot `a/b` is a place in the slot `a`. Never stored.

    Any thread may change and ask it: every step is one of a dict's own. Where two threads change one slot at a time, a
    hold may last until it is stale.
    """

    __slots__ = ("_holders", "_places", "_slots")

    def __init__(self) -> None:
        self._slots: dict[str, tuple[str, ...]] = {}
        self._places: dict[str, dict[str, None]] = {}
        self._holders: dict[str, dict[str, tuple[int, float]]] = {}

    def hold(self, keys: Iterable[str], slot: str, until: float) -> None:
        """Hold these keys for a slot, in place of what it held; of more than 4,096 slots the oldest end."""
        held = tuple(keys)
        if slot in self._slots:
            self._drop(slot)
        for key in held:
            self._holders.setdefault(key, {})[slot] = (held.count(key), until)
        self._places.setdefault(_around(slot), {})[slot] = None
        self._slots[slot] = held
        if len(self._slots) > _MOST_SLOTS:
            for oldest in list(self._slots)[: _MOST_SLOTS // 8]:
                self._end(oldest)

    def release(self, slot: str) -> None:
        """End what a slot holds, and what the places in it do."""
        for place in list(self._places.pop(slot, ())):
            self._drop(place)
        if slot in self._slots:
            self._end(slot)

    def copy(self) -> Holds:
        """The same, apart from what comes later."""
        other = Holds()
        other._slots = self._slots.copy()
        other._places = {slot: places.copy() for slot, places in list(self._places.items())}
        other._holders = {key: holders.copy() for key, holders in list(self._holders.items())}
        return other

    def may_hold(self, key: str) -> bool:
        """Whether there may be a hold on a key."""
        return bool(self._holders.get(key))

    def keys(self) -> KeysView[str]:
        """The keys on which there may be a hold."""
        return self._holders.keys()

    def others(self, slot: str, at: float) -> dict[str, int]:
        """What `held` answers for every key, where it is anything."""
        return {key: times for key in list(self._holders) if (times := self.held(key, slot, at))}

    def held(self, key: str, slot: str, at: float) -> int:
        """How often a key is held at a moment by other slots and places that are not in this one."""
        holders = self._holders.get(key)
        if not holders:
            return 0
        return sum(
            [
                times
                for name, (times, until) in list(holders.items())
                if at < until and name != slot and _around(name) != slot
            ]
        )

    def _end(self, slot: str) -> None:
        around = _around(slot)
        places = self._places.get(around)
        if places is not None:
            places.pop(slot, None)
            if not places:
                self._places.pop(around, None)
        self._drop(slot)

    def _drop(self, slot: str) -> None:
        """End what a slot holds; that it is a place in another stays known."""
        for key in self._slots.pop(slot, ()):
            self._holders[key].pop(slot, None)


def _around(slot: str) -> str:
    """The slot that a place is in; "" for one that is in none."""
    return slot.rpartition("/")[0]
