"""The ledger of sealed batches, and per device and epoch the stream of what was received.

Nothing is counted twice: a batch row accounts only for sequence numbers that its stream did not hold before, and both
change in one writing transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import BindParameter, Connection, Row, bindparam, insert, select, tuple_, update

from nearwise_server import coverage
from nearwise_server.coverage import Ranges
from nearwise_server.store.deliveries import Draft, add_deliveries
from nearwise_server.store.statements import insert_new
from nearwise_server.store.tables import batches, streams

StreamKey = tuple[str, str, str]
"""Environment, device, epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A decoded batch on its way into the ledger.

    `lost` are the ranges that its loss records declare; `rejected` pairs of index and reason; `drafts` what its trigger
    events hand on.
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

    @property
    def stream(self) -> StreamKey:
        """Which stream it belongs to."""
        return self.environment, self.device, self.epoch


@dataclass(frozen=True, slots=True)
class Stream:
    """What is known of one device and epoch. `repeated` counts events that were sent again."""

    received: Ranges = ()
    lost: Ranges = ()
    rejected: int = 0
    repeated: int = 0
    first_ms: int = 0
    last_ms: int = 0

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
    rows: list[dict[str, object]] = []
    drafts: list[Draft] = []
    for delivery in deliveries:
        before = current.get(delivery.stream, Stream(first_ms=delivery.received_ms))
        after, counted = _advance(before, delivery)
        if max(len(after.received), len(after.lost)) > max_ranges:
            receipts.append(_receipt(before, duplicate=False, refused=True))
            continue
        if counted:
            rows.append(_batch_row(delivery, counted))
            drafts += [draft for draft in delivery.drafts if coverage.contains(counted, draft.seq)]
        current[delivery.stream] = after
        receipts.append(_receipt(after, duplicate=not counted))
    if rows:
        connection.execute(insert_new(connection, batches), rows)
    add_deliveries(connection, drafts)
    _write_streams(connection, known, current)
    return receipts


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
    advanced = replace(
        stream,
        received=coverage.union(stream.received, counted),
        lost=coverage.union(stream.lost, delivery.lost),
        rejected=stream.rejected + rejected,
        repeated=stream.repeated + delivery.count - coverage.size(counted),
        last_ms=max(stream.last_ms, delivery.received_ms),
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
        names = ("received", "lost", "rejected", "repeated", "first_ms", "last_ms")
        changes: dict[str, BindParameter[object]] = {name: bindparam(f"b_{name}") for name in names}
        connection.execute(update(streams).where(where).values(changes), grown)


def _stream_row(key: StreamKey, stream: Stream, prefix: str = "") -> dict[str, object]:
    values = (*key, stream.received, stream.lost, stream.rejected, stream.repeated, stream.first_ms, stream.last_ms)
    return {f"{prefix}{column.name}": value for column, value in zip(streams.columns, values, strict=True)}


def _stream(row: Row[tuple[object, ...]]) -> Stream:
    return Stream(_ranges(row.received), _ranges(row.lost), row.rejected, row.repeated, row.first_ms, row.last_ms)


def _stored_batch(row: Row[tuple[object, ...]]) -> StoredBatch:
    rejected, counted = _ranges(row.rejected), _ranges(row.counted)
    return StoredBatch(row.id, row.device, row.epoch, counted, rejected, row.received_ms, row.sent_ms, bytes(row.body))


def _ranges(listed: list[list[int]]) -> Ranges:
    return tuple((first, last) for first, last in listed)
