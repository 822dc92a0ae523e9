"""The writer thread: it answers everyone, whatever happens to one delivery, and leaves nothing behind when it stops."""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from nearwise_server.app import Centre
from nearwise_server.errors import RequestRefused
from nearwise_server.ingest import Writer, read_delivery
from nearwise_server.settings import Settings
from nearwise_server.sightings import Roster
from nearwise_server.store import Database
from nearwise_server.store.batches import Delivery, Receipt, batches_after
from nearwise_server.store.devices import Sighting, sightings_of
from tests.server.conftest import Callers


@pytest.fixture
def delivery(callers: Callers) -> Delivery:
    """A delivery of three events."""
    settings = callers.centre.settings
    return read_delivery(callers.batch(0), "production", settings, received_ms=1, sent_ms=None)


def waiting_writer(centre: Centre, settings: Settings | None = None) -> Writer:
    """A writer that has not begun, so that a group gathers in its queue."""
    return Writer(centre.database, Roster(flush_seconds=1), settings or centre.settings)


def stored(database: Database) -> list[int]:
    with database.reading() as connection:
        return [row.counted[0][0] for row in batches_after(connection, "production", 0, 1000)]


def test_what_is_queued_when_the_server_stops_is_written_first(centre: Centre, delivery: Delivery) -> None:
    writer = waiting_writer(centre)
    receipts = [writer.submit(replace(delivery, first=number * 3)) for number in range(600)]
    writer.start()
    writer.stop()
    assert all(not receipt.result().duplicate for receipt in receipts)
    assert len(stored(centre.database)) == 600


def test_after_the_stop_nothing_is_taken(centre: Centre, delivery: Delivery) -> None:
    centre.writer.stop()
    with pytest.raises(RequestRefused) as refused:
        centre.writer.submit(delivery)
    assert refused.value.status == 503


def test_a_delivery_that_the_store_refuses_does_not_hold_up_the_others(
    centre: Centre, delivery: Delivery, caplog: pytest.LogCaptureFixture
) -> None:
    writer = waiting_writer(centre)
    poison = replace(delivery, first=3, sent_ms=2**80)  # no database has such integers
    receipts = [writer.submit(each) for each in (delivery, poison, replace(delivery, first=6))]
    writer.start()
    writer.stop()
    assert [receipt.exception() is None for receipt in receipts] == [True, False, True]
    assert stored(centre.database) == [0, 6]
    assert "could not be stored" in caplog.text


def test_a_store_that_refuses_everything_is_asked_once_for_a_group(
    centre: Centre, delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer, asked = waiting_writer(centre), list[int]()
    receipts = [writer.submit(replace(delivery, first=number * 3)) for number in range(20)]

    @contextmanager
    def locked(_database: Database) -> Generator[Connection]:
        asked.append(1)
        raise OperationalError("BEGIN IMMEDIATE", None, Exception("database is locked"))
        yield

    with monkeypatch.context() as broken:
        broken.setattr(Database, "writing", locked)
        writer.start()
        writer.stop()
    refused = [receipt.exception() for receipt in receipts]
    assert all(isinstance(each, RequestRefused) and each.status == 503 for each in refused)
    assert len(asked) == 1


def test_a_caller_that_went_away_does_not_stop_the_writer(centre: Centre, delivery: Delivery) -> None:
    writer = waiting_writer(centre)
    gone: Future[Receipt] = writer.submit(delivery)
    assert gone.cancel()
    stays = writer.submit(replace(delivery, first=3))
    writer.start()
    writer.stop()
    assert not stays.result().duplicate


def test_the_queue_is_bounded_by_count_and_by_bytes(centre: Centre, delivery: Delivery) -> None:
    for limit in (Settings(data="x", queued_batches=2), Settings(data="x", queued_bytes=2 * len(delivery.body))):
        writer = waiting_writer(centre, limit)
        for _ in range(2):
            writer.submit(delivery)
        with pytest.raises(RequestRefused) as refused:
            writer.submit(delivery)
        assert refused.value.status == 429
        assert ("Retry-After", "5") in refused.value.headers


def test_sightings_wait_when_the_store_does_not_answer(centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    roster = Roster(flush_seconds=1)
    roster.saw("production", "till-1", Sighting(seen_ms=5, bundle_version=4))

    @contextmanager
    def closed(_database: Database) -> Generator[Connection]:
        raise _store_error()
        yield

    with monkeypatch.context() as broken:
        broken.setattr(Database, "writing", closed)
        roster.flush(centre.database)
    roster.flush(centre.database)
    with centre.database.reading() as connection:
        assert sightings_of(connection, "production", ["till-1"]) == {"till-1": Sighting(5, 4, None)}


def _store_error() -> Exception:
    from sqlalchemy.exc import OperationalError

    return OperationalError("INSERT", {}, Exception("disk I/O error"))
