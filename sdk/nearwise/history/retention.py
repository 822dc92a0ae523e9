"""Forgetting what is longer ago than its event may be remembered, of those in memory and of those on the disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nearwise.history.file import HistoryFile
    from nearwise.history.memory import LedgerMemory

_AT_ONCE = 100
"""Ledgers in one transaction: so long a decision may wait for one that is not in memory."""


def retain(memory: LedgerMemory, file: HistoryFile) -> None:
    """Go through all ledgers. Those in memory are changed, and written like every change.

    Raises:
        StorageFailed: the disk refused; what is left goes with the next call.
    """
    if memory.retention is None:
        return
    now = file.time.now()
    for owner in memory.owners():
        with memory.lock:
            ledger = memory.get(owner)
            if ledger is not None:
                ledger.retain(memory.retention, now)
    owners = file.owners()
    for start in range(0, len(owners), _AT_ONCE):
        _retain_some(owners[start : start + _AT_ONCE], memory, file)


def _retain_some(owners: list[str], memory: LedgerMemory, file: HistoryFile) -> None:
    from nearwise.history.database import Changes, Row

    rows, gone = list[Row](), list[str]()
    with memory.lock:
        for owner in owners:
            ledger = None if owner in memory else memory.outdated(file.read(owner))
            if ledger is None:
                continue
            newest = ledger.newest
            if newest is None:
                gone.append(owner)
            else:
                rows.append(Row(owner, newest, ledger.to_bytes()))
        if rows or gone:
            file.write(Changes(rows, gone))
