"""Taking in sealed batches: check, hand to the one writer thread, and answer after the commit.

The writer drains its queue into one transaction, so that many devices share one disk flush.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future

from sqlalchemy.exc import InterfaceError, OperationalError

from nearwise_rules import BatchLimits, BundleRefused, Event, Refusal, Rejected, SealedBatch, decode_batch, open_batch
from nearwise_server.coverage import Range
from nearwise_server.erasing import asked_at
from nearwise_server.errors import RequestRefused, try_later
from nearwise_server.settings import Settings
from nearwise_server.sightings import Roster
from nearwise_server.store import Database
from nearwise_server.store.batches import Delivery, Receipt, store_deliveries
from nearwise_server.store.erasures import Asked
from nearwise_server.store.mentions import mentions_in
from nearwise_server.tombstones import Tombstones
from nearwise_server.webhooks.triggers import drafts_of

_LAST_SEQUENCE = 2**63 - 1
_log = logging.getLogger(__name__)


def read_delivery(
    body: bytes, environment: str, settings: Settings, *, received_ms: int, sent_ms: int | None
) -> Delivery:
    """Decode and check a received batch. Events that fail are listed as rejected; the others count.

    Raises:
        RequestRefused: 413 or 422, the batch cannot be taken at all.
    """
    try:
        batch = decode_batch(body, batch_limits(settings))
    except BundleRefused as refused:
        if refused.reason is Refusal.TOO_LARGE:
            raise RequestRefused(413, "too_large", str(refused), more={"limit": settings.batch_bytes}) from None
        raise RequestRefused(422, "bad_batch", str(refused), more={"reason": refused.reason.value}) from None
    if batch.first + len(batch.events) > _LAST_SEQUENCE:
        raise RequestRefused(422, "bad_batch", "sequence numbers end at 2^63 - 1", more={"reason": "malformed"})
    lost, rejected = _verdicts(batch)
    if rejected:  # what is rejected is not kept, also not as bytes: nobody could find a subject in it
        body = open_batch(body, batch_limits(settings)).without({index for index, _ in rejected})
    return Delivery(
        environment=environment,
        device=batch.device,
        epoch=batch.epoch,
        first=batch.first,
        count=len(batch.events),
        rejected=tuple(rejected),
        lost=tuple(lost),
        body=body,
        received_ms=received_ms,
        sent_ms=sent_ms,
        drafts=tuple(drafts_of(batch, environment, settings, received_ms)),
        mentions=mentions_in(event.members for event in batch.events if isinstance(event, Event)),
        erasures=tuple(_erasures(batch, received_ms, sent_ms)),
    )


def batch_limits(settings: Settings) -> BatchLimits:
    """What a batch may hold, as the decoder wants it."""
    return BatchLimits(
        max_batch_bytes=settings.batch_bytes,
        max_inflated_bytes=settings.batch_inflated_bytes,
        max_events=settings.batch_events,
    )


def _erasures(batch: SealedBatch, received_ms: int, sent_ms: int | None) -> Iterator[Asked]:
    """What a batch asks to erase."""
    for event in batch.events:
        if isinstance(event, Event) and event.type == "erasure":
            yield Asked(
                id=str(event.fields["id"]),
                digest=str(event.fields["digest"]),
                asked_ms=asked_at(event.at, received_ms, sent_ms),
                device=batch.device,
                epoch=batch.epoch,
                sequence=batch.first + event.index,
            )


def _verdicts(batch: SealedBatch) -> tuple[list[Range], list[tuple[int, str]]]:
    """Ranges that loss records declare, and events that are rejected with the reason."""
    lost: list[Range] = []
    rejected: list[tuple[int, str]] = []
    for index, event in enumerate(batch.events):
        if isinstance(event, Rejected):
            rejected.append((index, event.reason))
        elif event.type == "loss":
            declared = _lost_range(event, batch.first + index)
            if declared is None:
                rejected.append((index, "a loss record speaks of earlier events only"))
            else:
                lost.append(declared)
    return lost, rejected


def _lost_range(event: Event, sequence: int) -> Range | None:
    first, last = event.fields.get("first"), event.fields.get("last")
    if isinstance(first, int) and isinstance(last, int) and 0 <= first <= last < sequence:
        return first, last
    return None


class Writer:
    """The thread that writes. `submit` from anywhere; the future resolves after the commit."""

    def __init__(self, database: Database, roster: Roster, settings: Settings) -> None:
        self._database = database
        self._roster = roster
        self._settings = settings
        self._tombstones = Tombstones()
        self._queue: deque[tuple[Delivery, Future[Receipt]]] = deque()
        self._queued_bytes = 0
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="nearwise-writer", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self) -> None:
        """Write what is queued, then end."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join()

    def submit(self, delivery: Delivery) -> Future[Receipt]:
        """Queue a delivery.

        Raises:
            RequestRefused: 429, the queue is full; 503, the server is stopping.
        """
        with self._changed:
            if self._stopping:
                raise unavailable(self._settings)
            full = self._queued_bytes + len(delivery.body) > self._settings.queued_bytes
            if full or len(self._queue) >= self._settings.queued_batches:
                raise try_later(self._settings.retry_after_seconds, "the queue of batches is full")
            receipt: Future[Receipt] = Future()
            self._queue.append((delivery, receipt))
            self._queued_bytes += len(delivery.body)
            self._changed.notify()
        return receipt

    def _run(self) -> None:
        while True:
            group = self._next_group()
            if group is None:
                break
            if group:
                self._write(group)
            self._roster.flush_when_due(self._database)
        self._roster.flush(self._database)

    def _next_group(self) -> list[tuple[Delivery, Future[Receipt]]] | None:
        """The next deliveries, nothing when only time has passed, None at the end."""
        with self._changed:
            if not self._queue and not self._stopping:
                self._changed.wait(self._settings.sightings_seconds)
            if not self._queue:
                return None if self._stopping else []
            count = min(len(self._queue), self._settings.batches_per_commit)
            group = [self._queue.popleft() for _ in range(count)]
            self._queued_bytes -= sum(len(delivery.body) for delivery, _ in group)
        # From here on a caller that goes away cannot cancel: the answer is made, even when nobody waits for it.
        return [(delivery, future) for delivery, future in group if future.set_running_or_notify_cancel()]

    def _write(self, group: list[tuple[Delivery, Future[Receipt]]]) -> None:
        try:
            with self._database.writing() as connection:
                deliveries = self._tombstones.without_erased(connection, [delivery for delivery, _ in group])
                receipts = store_deliveries(connection, deliveries, max_ranges=self._settings.ranges_per_stream)
        except Exception as error:  # noqa: BLE001  # whatever it is, this thread goes on and every caller is answered
            self._retry_or_fail(group, error)
            return
        for (_, future), receipt in zip(group, receipts, strict=True):
            future.set_result(receipt)

    def _retry_or_fail(self, group: list[tuple[Delivery, Future[Receipt]]], error: Exception) -> None:
        """One delivery that the database refuses must not hold up the others: try each by itself.

        A database that is locked, full or gone refuses all of them, each after a wait: that is tried once.
        """
        if len(group) > 1 and not isinstance(error, (OperationalError, InterfaceError)):
            for single in group:
                self._write([single])
            return
        _log.error("batches could not be stored (%d): %s", len(group), type(error).__name__)
        for _, future in group:
            future.set_exception(unavailable(self._settings))


def unavailable(settings: Settings) -> RequestRefused:
    """The store does not take anything at the moment."""
    headers = (("Retry-After", str(settings.retry_after_seconds)),)
    return RequestRefused(503, "unavailable", "nothing can be stored at the moment", headers=headers)
