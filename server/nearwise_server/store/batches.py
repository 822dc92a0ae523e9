"""The ledger of sealed batches, and per device and epoch the stream of what was received.

Nothing is counted twice: a batch row accounts only for sequence numbers that its stream did not hold before, and both
change in one writing transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import BindParameter, Connection, Row, bindparam, func, insert, select, tuple_, update

from nearwise_rules import BatchLimits
from nearwise_server import coverage
from nearwise_server.coverage import Ranges
from nearwise_server.store.deliveries import Draft, add_deliveries
from nearwise_server.store.erasures import Asked, ask_erasures
from nearwise_server.store.mentions import add_mentions
from nearwise_server.store.statements import insert_new
from nearwise_server.store.tables import batches, streams

LEDGER_LIMITS = BatchLimits(max_batch_bytes=2**26, max_inflated_bytes=2**28, max_events=10**6, max_event_bytes=2**26)
"""What was accepted once is read again, also when the limits for receiving have become tighter."""

StreamKey = tuple[str, str, str]
"""Environment, device, epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A decoded batch on its way into the ledger.

    `lost` are the ranges that its loss records declare; `rejected` pairs of index and reason; `drafts` what its trigger
    events hand on. `mentions` is whom its events name (see `store.mentions`), `erasures` what it asks to erase;
    `erased` are the indices of events that were erased before they came: these and rejected ones are not in `body`.
    """

    environment: str
    device: str
    epoch: str
    first: int
    count: int
    rejected: tuple[tuple[int, str], ...]
    lost: Ranges
    body: bytes
    received_ms: int
    sent_ms: int | None
    drafts: tuple[Draft, ...] = ()
    mentions: bytes = b""
    erasures: tuple[Asked, ...] = ()
    erased: frozenset[int] = frozenset()

    @property
    def stream(self) -> StreamKey:
        """Which stream it belongs to."""
        return self.environment, self.device, self.epoch


@dataclass(frozen=True, slots=True)
class Stream:
    """What is known of one device and epoch. `repeated` counts events that came again, `erased` those taken out."""

    received: Ranges = ()
    lost: Ranges = ()
    rejected: int = 0
    repeated: int = 0
    first_ms: int = 0
    last_ms: int = 0
    erased: int = 0

    @property
    def settled(self) -> Ranges:
        """Numbers that are received or declared lost: nothing more is expected for them."""
        return coverage.union(self.received, self.lost)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a delivery. `refused` is set when the stream has more gaps than it may have."""

    duplicate: bool
    high_water: int
    missing: Ranges
    refused: bool = False


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """A row of the ledger: the received bytes, the sequence ranges that it counts, the indices that it rejects."""

    row: int
    device: str
    epoch: str
    counted: Ranges
    rejected: Ranges
    received_ms: int
    sent_ms: int | None
    body: bytes


def store_deliveries(connection: Connection, deliveries: Sequence[Delivery], *, max_ranges: int) -> list[Receipt]:
    """Store a group of deliveries in one transaction of the one writer; one receipt for each, in order."""
    known = streams_of_epochs(connection, {delivery.stream for delivery in deliveries})
    current = dict(known)
    receipts: list[Receipt] = []
    fresh: list[tuple[Delivery, Ranges]] = []
    for delivery in deliveries:
        before = current.get(delivery.stream, Stream(first_ms=delivery.received_ms))
        after, counted = _advance(before, delivery)
        if max(len(after.received), len(after.lost)) > max_ranges:
            receipts.append(_receipt(before, duplicate=False, refused=True))
            continue
        if counted:
            fresh.append((delivery, counted))
        current[delivery.stream] = after
        receipts.append(_receipt(after, duplicate=not counted))
    _add_batches(connection, fresh)
    _write_streams(connection, known, current)
    return receipts


def _add_batches(connection: Connection, fresh: Sequence[tuple[Delivery, Ranges]]) -> None:
    """Store batches, each with the numbers that it counts; note whom they name, what they ask to erase and hand on."""
    if not fresh:
        return
    drafts: list[Draft] = []
    newest = connection.execute(select(func.max(batches.c.id))).scalar() or 0
    connection.execute(insert_new(connection, batches), [_batch_row(*each) for each in fresh])
    rows = _rows_after(connection, newest)
    named = {(*delivery.stream, counted[0][0]): delivery.mentions for delivery, counted in fresh}
    add_mentions(connection, {row: named[place] for place, row in rows.items()})
    for delivery, counted in fresh:
        new = [each for each in delivery.erasures if coverage.contains(counted, each.sequence or 0)]
        ask_erasures(connection, delivery.environment, new)
        drafts += [draft for draft in delivery.drafts if coverage.contains(counted, draft.seq)]
    add_deliveries(connection, drafts)


def _rows_after(connection: Connection, row: int) -> dict[tuple[str, str, str, int], int]:
    """The row number of each batch behind a row number, by stream and first sequence number."""
    place = (batches.c.environment, batches.c.device, batches.c.epoch, batches.c.first_seq)
    query = select(batches.c.id, *place).where(batches.c.id > row)
    return {(each.environment, each.device, each.epoch, each.first_seq): each.id for each in connection.execute(query)}


def batches_of_rows(connection: Connection, rows: Iterable[int]) -> list[StoredBatch]:
    """Some rows of the ledger, in order."""
    query = select(batches).where(batches.c.id.in_(list(rows))).order_by(batches.c.id)
    return [_stored_batch(found) for found in connection.execute(query)]


def rewrite_batch(connection: Connection, batch: StoredBatch, body: bytes) -> None:
    """Put other bytes in the place of a stored batch; what it counts stays."""
    connection.execute(update(batches).where(batches.c.id == batch.row).values(body=body))


def count_erased_events(connection: Connection, stream: StreamKey, events: int) -> None:
    """So many more events of a stream are taken out of the ledger."""
    environment, device, epoch = stream
    one = (streams.c.environment == environment) & (streams.c.device == device) & (streams.c.epoch == epoch)
    connection.execute(update(streams).where(one).values(erased=streams.c.erased + events))


def batches_after(connection: Connection, environment: str, row: int, limit: int) -> list[StoredBatch]:
    """The ledger of an environment from row number `row` on (exclusive), in the order of arrival."""
    query = (
        select(batches)
        .where((batches.c.environment == environment) & (batches.c.id > row))
        .order_by(batches.c.id)
        .limit(limit)
    )
    return [_stored_batch(found) for found in connection.execute(query)]


def streams_of(connection: Connection, environment: str, devices: Iterable[str]) -> dict[StreamKey, Stream]:
    """All streams of some devices, ordered by device and time of the first batch."""
    query = (
        select(streams)
        .where((streams.c.environment == environment) & streams.c.device.in_(list(devices)))
        .order_by(streams.c.device, streams.c.first_ms, streams.c.epoch)
    )
    return {(row.environment, row.device, row.epoch): _stream(row) for row in connection.execute(query)}


def streams_of_epochs(connection: Connection, keys: set[StreamKey]) -> dict[StreamKey, Stream]:
    """Those of some streams that there are."""
    name = tuple_(streams.c.environment, streams.c.device, streams.c.epoch)
    query = select(streams).where(name.in_(sorted(keys)))
    return {(row.environment, row.device, row.epoch): _stream(row) for row in connection.execute(query)}


def _advance(stream: Stream, delivery: Delivery) -> tuple[Stream, Ranges]:
    """The stream with a delivery added, and the numbers that the delivery is the first to bring."""
    span = (delivery.first, delivery.first + delivery.count - 1)
    counted = coverage.difference([span], stream.received) if delivery.count else ()
    rejected = sum(coverage.contains(counted, delivery.first + index) for index, _ in delivery.rejected)
    erased = sum(coverage.contains(counted, delivery.first + index) for index in delivery.erased)
    advanced = replace(
        stream,
        received=coverage.union(stream.received, counted),
        lost=coverage.union(stream.lost, delivery.lost),
        rejected=stream.rejected + rejected,
        repeated=stream.repeated + delivery.count - coverage.size(counted),
        last_ms=max(stream.last_ms, delivery.received_ms),
        erased=stream.erased + erased,
    )
    return advanced, counted


def _receipt(stream: Stream, *, duplicate: bool, refused: bool = False) -> Receipt:
    settled = stream.settled
    return Receipt(duplicate, coverage.high_water(settled), coverage.missing(settled), refused)


def _batch_row(delivery: Delivery, counted: Ranges) -> dict[str, object]:
    return {
        "environment": delivery.environment,
        "device": delivery.device,
        "epoch": delivery.epoch,
        "first_seq": counted[0][0],
        "counted": counted,
        "rejected": coverage.union(((index, index) for index, _ in delivery.rejected), ()),
        "received_ms": delivery.received_ms,
        "sent_ms": delivery.sent_ms,
        "body": delivery.body,
    }


def _write_streams(connection: Connection, known: dict[StreamKey, Stream], current: dict[StreamKey, Stream]) -> None:
    fresh = [_stream_row(key, stream) for key, stream in current.items() if key not in known]
    if fresh:
        connection.execute(insert(streams), fresh)
    grown = [_stream_row(key, stream, "b_") for key, stream in current.items() if known.get(key, stream) != stream]
    if grown:
        where = (
            (streams.c.environment == bindparam("b_environment"))
            & (streams.c.device == bindparam("b_device"))
            & (streams.c.epoch == bindparam("b_epoch"))
        )
        names = ("received", "lost", "rejected", "repeated", "first_ms", "last_ms", "erased")
        changes: dict[str, BindParameter[object]] = {name: bindparam(f"b_{name}") for name in names}
        connection.execute(update(streams).where(where).values(changes), grown)


def _stream_row(key: StreamKey, stream: Stream, prefix: str = "") -> dict[str, object]:
    times = (stream.first_ms, stream.last_ms)
    values = (*key, stream.received, stream.lost, stream.rejected, stream.repeated, *times, stream.erased)
    return {f"{prefix}{column.name}": value for column, value in zip(streams.columns, values, strict=True)}


def _stream(row: Row[tuple[object, ...]]) -> Stream:
    received, lost = _ranges(row.received), _ranges(row.lost)
    return Stream(received, lost, row.rejected, row.repeated, row.first_ms, row.last_ms, row.erased)


def _stored_batch(row: Row[tuple[object, ...]]) -> StoredBatch:
    rejected, counted = _ranges(row.rejected), _ranges(row.counted)
    return StoredBatch(row.id, row.device, row.epoch, counted, rejected, row.received_ms, row.sent_ms, bytes(row.body))


def _ranges(listed: list[list[int]]) -> Ranges:
    return tuple((first, last) for first, last in listed)
