"""The ledger of batches on both engines: nothing counts twice, every gap is known."""

from __future__ import annotations

import random
import threading

from nearwise_server.coverage import Ranges
from nearwise_server.store import Database
from nearwise_server.store.batches import Delivery, Receipt, batches_after, store_deliveries, streams_of

EPOCH = "ab" * 16


def delivery(
    first: int,
    count: int,
    *,
    device: str = "till-1",
    epoch: str = EPOCH,
    lost: Ranges = (),
    rejected: tuple[int, ...] = (),
) -> Delivery:
    return Delivery(
        environment="production",
        device=device,
        epoch=epoch,
        first=first,
        count=count,
        rejected=tuple((index, "bad") for index in rejected),
        lost=lost,
        body=b"blob %d" % first,
        received_ms=1000,
        sent_ms=None,
    )


def store(database: Database, *deliveries: Delivery, max_ranges: int = 100) -> list[Receipt]:
    with database.writing() as connection:
        return store_deliveries(connection, deliveries, max_ranges=max_ranges)


def counted(database: Database, device: str = "till-1") -> list[int]:
    """Every sequence number that the ledger counts, as often as it counts it."""
    with database.reading() as connection:
        rows = batches_after(connection, "production", 0, 10_000)
    return sorted(
        number
        for row in rows
        if row.device == device
        for first, last in row.counted
        for number in range(first, last + 1)
    )


def test_a_batch_is_stored_once_however_often_it_comes(database: Database) -> None:
    first, again = store(database, delivery(0, 5)), store(database, delivery(0, 5), delivery(0, 5))
    assert first == [Receipt(duplicate=False, high_water=4, missing=())]
    assert again == [Receipt(duplicate=True, high_water=4, missing=())] * 2
    assert counted(database) == [0, 1, 2, 3, 4]
    with database.reading() as connection:
        stream = streams_of(connection, "production", ["till-1"])["production", "till-1", EPOCH]
    assert stream.repeated == 10


def test_the_blob_comes_back_as_it_was_received(database: Database) -> None:
    store(database, delivery(0, 3, rejected=(1,)))
    with database.reading() as connection:
        (row,) = batches_after(connection, "production", 0, 10)
    assert (row.body, row.counted, row.rejected) == (b"blob 0", ((0, 2),), ((1, 1),))


def test_an_overlapping_batch_counts_only_what_is_new(database: Database) -> None:
    store(database, delivery(10, 5))
    longer, around, inside = store(database, delivery(10, 7), delivery(8, 12), delivery(11, 2))
    assert not longer.duplicate
    assert not around.duplicate
    assert inside.duplicate
    assert counted(database) == list(range(8, 20))


def test_gaps_are_named_until_they_are_filled(database: Database) -> None:
    (receipt,) = store(database, delivery(3, 2))
    assert (receipt.high_water, receipt.missing) == (-1, ((0, 2),))
    receipts = store(database, delivery(8, 1), delivery(0, 3), delivery(5, 3))
    assert [(each.high_water, each.missing) for each in receipts] == [
        (-1, ((0, 2), (5, 7))),
        (4, ((5, 7),)),
        (8, ()),
    ]


def test_a_declared_loss_is_not_missing_and_still_counts_when_it_comes_after_all(database: Database) -> None:
    (receipt,) = store(database, delivery(5, 1, lost=((0, 4),)))
    assert (receipt.high_water, receipt.missing) == (5, ())
    (late,) = store(database, delivery(3, 1))
    assert not late.duplicate
    assert counted(database) == [3, 5]


def test_epochs_and_devices_are_apart(database: Database) -> None:
    receipts = store(database, delivery(0, 2), delivery(0, 2, epoch="cd" * 16), delivery(0, 2, device="till-2"))
    assert not any(receipt.duplicate for receipt in receipts)
    with database.reading() as connection:
        assert len(streams_of(connection, "production", ["till-1", "till-2"])) == 3
        assert streams_of(connection, "staging", ["till-1"]) == {}


def test_a_stream_with_too_many_gaps_is_refused_and_stays_as_it_was(database: Database) -> None:
    store(database, *(delivery(number * 2, 1) for number in range(3)), max_ranges=3)
    (refused,) = store(database, delivery(100, 1), max_ranges=3)
    (filled,) = store(database, delivery(1, 1), max_ranges=3)
    assert refused.refused
    assert not filled.refused
    assert counted(database) == [0, 1, 2, 4]


def test_an_empty_batch_changes_nothing(database: Database) -> None:
    (receipt,) = store(database, delivery(0, 0))
    assert (receipt.high_water, receipt.missing) == (-1, ())
    assert counted(database) == []


def test_writers_at_the_same_time_count_every_event_once(database: Database) -> None:
    numbers = random.Random(7)
    jobs = [[delivery(numbers.randrange(60), numbers.randrange(1, 9)) for _ in range(10)] for _ in range(4)]

    def write(deliveries: list[Delivery]) -> None:
        for each in deliveries:
            store(database, each)

    threads = [threading.Thread(target=write, args=(deliveries,)) for deliveries in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sent = {number for job in jobs for each in job for number in range(each.first, each.first + each.count)}
    assert counted(database) == sorted(sent)
