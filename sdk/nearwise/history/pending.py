"""What the disk does not know yet: whose ledgers changed, who was seen, and whose rows are void."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Batch(NamedTuple):
    """What one commit takes on: owners that changed, owners that are void with their count, owners that were seen."""

    changed: tuple[str, ...]
    void: tuple[tuple[str, int], ...]
    seen: tuple[str, ...]


def _nothing() -> None: ...


class Pending:
    """Any thread may note: every step is one of the set's or the dict's own. The first note of all calls `wake`."""

    def __init__(self) -> None:
        self.wake: Callable[[], None] = _nothing
        self.changed = set[str]()
        self.seen = set[str]()
        self._void: dict[str, int] = {}
        self._taken: frozenset[str] = frozenset()
        self._quiet = True

    def __bool__(self) -> bool:
        return bool(self.changed or self._void)

    def change(self, owner: str) -> None:
        """An owner's ledger is not as the disk has it."""
        self.changed.add(owner)
        self._stir()

    def drop(self, owner: str) -> None:
        """What the disk has of an owner is not to be read again, and to go."""
        self.changed.discard(owner)
        self._void[owner] = self._void.get(owner, 0) + 1
        self._stir()

    def is_unsaved(self, owner: str) -> bool:
        """Whether an owner's last changes are in memory only, or on their way to the disk."""
        return owner in self.changed or owner in self._taken

    def is_void(self, owner: str) -> bool:
        """Whether what the disk has of an owner is not to be read."""
        return owner in self._void

    def erased(self, owner: str) -> None:
        """The disk has nothing of an owner any more."""
        self._void.pop(owner, None)

    def _stir(self) -> None:
        if self._quiet:
            self._quiet = False
            self.wake()

    def take(self) -> Batch:
        """Everything noted so far. Who changes from now on is noted again."""
        self._quiet = True
        batch = Batch(tuple(self.changed), tuple(self._void.items()), tuple(self.seen))
        self._taken = frozenset(batch.changed)
        self.changed.difference_update(batch.changed)
        self.seen.difference_update(batch.seen)
        return batch

    def give_back(self, batch: Batch) -> None:
        """The disk did not take it."""
        self.changed.update(batch.changed)
        self._taken = frozenset()

    def settle(self, batch: Batch) -> None:
        """The disk has it; who was dropped once more meanwhile stays void."""
        self._taken = frozenset()
        for owner, times in batch.void:
            if self._void.get(owner) == times:
                self._void.pop(owner, None)
