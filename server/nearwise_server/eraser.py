"""Carrying out what was asked to be erased, a bounded piece at a time, apart from every request.

What is to do is in the database: a server that ends in the middle goes on after its next start, and several servers
over one database do no harm to each other: who comes second finds nothing left.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from nearwise_rules import BundleRefused, open_batch
from nearwise_server import coverage
from nearwise_server.erasing import find_erased
from nearwise_server.store import Database
from nearwise_server.store.batches import (
    LEDGER_LIMITS,
    StoredBatch,
    batches_of_rows,
    count_erased_events,
    rewrite_batch,
)
from nearwise_server.store.deliveries import forget_deliveries
from nearwise_server.store.erasures import (
    Tombstone,
    bury,
    count_erased,
    note_done,
    note_search,
    searched_erasures,
    unsearched,
)
from nearwise_server.store.mentions import may_name, mention, mentions_after, mentions_in, replace_mentions

_ROWS_AT_ONCE = 10_000
_BATCHES_AT_ONCE = 16
_RETRY_SECONDS = 60.0
_TABLES = ("batches", "deliveries", "mentions", "traits")
"""Where something of a subject is kept."""

_log = logging.getLogger(__name__)


class Eraser:
    """Erases. `step` blocks: call it in a thread, one at a time."""

    def __init__(self, database: Database, *, compaction_seconds: float, clock: Callable[[], float]) -> None:
        self._database = database
        self._compaction_seconds = compaction_seconds
        self._clock = clock
        self._next_compaction = 0.0

    def step(self) -> bool:
        """Do the next piece; True when there is more to do at once."""
        with self._database.reading() as connection:
            tombstones = unsearched(connection)
            searched = [] if tombstones else searched_erasures(connection)
        if tombstones:
            self._search(tombstones)
            return True
        if searched and time.monotonic() >= self._next_compaction:
            self._next_compaction = time.monotonic() + min(_RETRY_SECONDS, self._compaction_seconds)
            self._finish(searched)
        return False

    def _search(self, tombstones: Sequence[Tombstone]) -> None:
        """Go through the next stretch of the ledger for all of these, and rewrite the batches that name one of them."""
        environment, row = tombstones[0].environment, tombstones[0].scanned_row
        wanted = {mention(tombstone.digest) for tombstone in tombstones}
        with self._database.reading() as connection:
            stretch = mentions_after(connection, environment, row, _ROWS_AT_ONCE)
        found = [row for row, named in stretch if named is None or may_name(named, wanted)]
        chosen, ended = found[:_BATCHES_AT_ONCE], len(stretch) < _ROWS_AT_ONCE and len(found) <= _BATCHES_AT_ONCE
        if len(found) > _BATCHES_AT_ONCE:
            row = chosen[-1]
        elif stretch:
            row = stretch[-1][0]
        with self._database.writing() as connection:
            for batch in batches_of_rows(connection, chosen):
                _erase(connection, environment, batch, tombstones)
            note_search(connection, tombstones, row, ended=ended)

    def _finish(self, searched: Sequence[int]) -> None:
        """Let the database let go of what was erased, then give the receipts."""
        if not self._database.compact(_TABLES):
            _log.warning("erased bytes stay in the database's files for now: somebody reads in them")
            return
        self._next_compaction = time.monotonic() + self._compaction_seconds
        with self._database.writing() as connection:
            note_done(connection, searched, int(self._clock() * 1000))


def _erase(connection: Connection, environment: str, batch: StoredBatch, tombstones: Sequence[Tombstone]) -> None:
    """Rewrite one stored batch without what these tombstones erase, and without what was rejected when it came."""
    try:
        opened = open_batch(batch.body, LEDGER_LIMITS)
    except BundleRefused as refused:
        _log.error("row %d of the ledger cannot be read, so nothing in it can be erased: %s", batch.row, refused.reason)
        return
    erased = find_erased(opened, batch, tombstones)
    rejected = {index for first, last in batch.rejected for index in range(first, last + 1)}
    body = opened.without(erased.by_index.keys() | rejected)
    left = [members for members in open_batch(body, LEDGER_LIMITS).members() if members is not None]
    replace_mentions(connection, batch.row, mentions_in(left))
    if body != batch.body:
        rewrite_batch(connection, batch, body)
    counted = [index for index in erased.by_index if index not in rejected and _counts(batch, opened.first + index)]
    stream = (environment, batch.device, batch.epoch)
    count_erased_events(connection, stream, len(counted))
    forget_deliveries(connection, stream, [opened.first + index for index in erased.by_index])
    events = Counter(erasure for index in counted for erasure in erased.by_index[index])
    for erasure in {erasure for erasures in erased.by_index.values() for erasure in erasures}:
        count_erased(connection, erasure, events[erasure], 1)
    for erasure, digest in erased.joined:
        bury(connection, environment, erasure, digest)


def _counts(batch: StoredBatch, sequence: int) -> bool:
    return coverage.contains(batch.counted, sequence)
