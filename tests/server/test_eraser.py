"""Erasure from one end to the other, on both engines: what was asked for is gone, everything else stays as it was."""

from __future__ import annotations

import json
import random
import zlib
from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import msgpack
import pytest
from httpx2 import Response
from sqlalchemy import create_engine, delete, func, select, text

from nearwise_rules import erasure_digest, open_batch
from nearwise_server.app import open_centre
from nearwise_server.scopes import Scope
from nearwise_server.settings import Settings
from nearwise_server.store.batches import Delivery, batches_after, store_deliveries
from nearwise_server.store.deliveries import due_deliveries
from nearwise_server.store.erasures import Erasure, erasures_after
from nearwise_server.store.mentions import mention, split
from nearwise_server.store.tables import batches, mentions
from tests.server.conftest import NOW, Callers, packed

NOW_MS = int(NOW * 1000)
EPOCH = "ab" * 16
ANNA, BEN, CARL = (f"s_{number:032x}" for number in (10, 11, 12))


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    """Settings of a server over each engine."""
    return Settings(data=str(tmp_path / "server"), port=0, database_url=database_url, compaction_seconds=1e-9)


@pytest.fixture
def sqlite_callers(tmp_path: Path) -> Generator[Callers]:
    """A server with all its files in one folder."""
    centre = open_centre(Settings(data=str(tmp_path / "folder"), port=0, compaction_seconds=1e-9), clock=lambda: NOW)
    yield Callers(centre)
    centre.close()


@dataclass
class Till:
    """A device that seals what it records, and sends when told."""

    callers: Callers
    name: str = "till-1"
    next_sequence: int = 0

    def seal(self, *events: bytes) -> bytes:
        """The next batch, not compressed: what it holds lies open in any file."""
        first, self.next_sequence = self.next_sequence, self.next_sequence + len(events)
        parts = {"v": 1, "device": self.name, "epoch": EPOCH, "first": first, "events": list(events)}
        return zlib.compress(cast("bytes", msgpack.packb(parts)), 0)  # pyright: ignore[reportUnknownMemberType]

    def send(self, batch: bytes) -> dict[str, Any]:
        """Send a batch; the receipt."""
        answer: Response = self.callers.send(batch, self.callers.key(Scope.DEVICE))
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


def sale(subject: str | None, mark: str, at: int = NOW_MS - 10_000) -> bytes:
    return packed(type="track", at=at, name="sale", subject=subject, properties={"mark": mark}, value=1)


def erasure(subject: str, id_: str = "e-1", at: int = NOW_MS - 5_000) -> bytes:
    return packed(type="erasure", at=at, id=id_, digest=erasure_digest(subject))


def work(callers: Callers) -> None:
    while callers.centre.eraser.step():
        pass


def stored(callers: Callers, environment: str = "production") -> list[tuple[str, int, bytes]]:
    """Every stored event: device, sequence number, bytes."""
    with callers.centre.database.reading() as connection:
        rows = batches_after(connection, environment, 0, 10_000)
    opened = [(row, open_batch(row.body)) for row in rows]
    return [
        (row.device, batch.first + index, cast("bytes", payload))
        for row, batch in opened
        for index, payload in enumerate(batch.payloads)
        if payload != b"\xc0"
    ]


def marks(callers: Callers) -> list[str]:
    """The marks of the sales that `/v1/events` shows."""
    page = callers.client(Scope.READ).get("/v1/events").json()["events"]
    return [event["properties"]["mark"] for event in page if event["type"] == "track"]


def receipts(callers: Callers) -> list[Erasure]:
    with callers.centre.database.reading() as connection:
        return erasures_after(connection, "production", 0, 100)


def devices(callers: Callers) -> list[dict[str, Any]]:
    return list(callers.client(Scope.READ).get("/v1/devices").json()["devices"])


def raw(folder: str) -> bytes:
    files = [file for file in Path(folder).rglob("*") if file.is_file()]
    assert any(file.suffix == ".sqlite3" for file in files)
    return b"\n".join(file.read_bytes() for file in files)


def test_the_files_hold_no_byte_of_the_subject_and_all_of_the_others(sqlite_callers: Callers) -> None:
    callers, folder = sqlite_callers, sqlite_callers.centre.settings.data
    numbers = random.Random(1)
    secrets = [numbers.randbytes(numbers.choice([10, 80, 900, 4_000])).hex() for _ in range(120)]
    till, other = Till(callers), Till(callers, "till-2")
    for at in range(0, 120, 4):
        events = [sale(ANNA, secrets[at]), sale(BEN, f"ben {at}"), sale(ANNA, secrets[at + 1]), sale(None, f"- {at}")]
        till.send(till.seal(*events))
        other.send(other.seal(sale(ANNA, secrets[at + 2]), sale(BEN, f"BEN {at}"), sale(ANNA, secrets[at + 3])))
    callers.client(Scope.TRAITS).put(f"/v1/traits/{ANNA}", json={"note": "a trait of anna"})
    before = raw(folder)
    assert len([mark for mark in secrets if mark[:16].encode() in before]) > 110  # few lie across two pages
    assert (ANNA.encode() in before, b"a trait of anna" in before) == (True, True)
    others = [event for event in stored(callers) if ANNA.encode() not in event[2]]

    till.send(till.seal(erasure(ANNA)))
    work(callers)
    after = raw(folder)
    assert [mark for mark in secrets if mark[:16].encode() in after or mark[-16:].encode() in after] == []
    assert (ANNA.encode() in after, b"a trait of anna" in after) == (False, False)
    assert stored(callers) == [*others, ("till-1", 120, erasure(ANNA))]
    (receipt,) = receipts(callers)
    assert (receipt.done_ms, receipt.events, receipt.batches, receipt.traits) == (NOW_MS, 120, 60, 1)


def test_with_postgresql_the_tables_hold_no_byte_of_the_subject_after_the_vacuum_that_the_docs_name(
    tmp_path: Path, postgresql_url: str, postgresql_server: str
) -> None:
    settings = Settings(data=str(tmp_path / "centre"), port=0, database_url=postgresql_url, compaction_seconds=1e-9)
    centre = open_centre(settings, clock=lambda: NOW)
    callers, numbers = Callers(centre), random.Random(3)
    secrets = [numbers.randbytes(300).hex() for _ in range(40)]
    till = Till(callers)
    for secret in secrets:
        till.send(till.seal(sale(ANNA, secret), sale(BEN, "ben")))
    callers.client(Scope.TRAITS).put(f"/v1/traits/{ANNA}", json={"note": "a trait of anna"})

    def tables(*statements: str) -> bytes:
        engine = create_engine(postgresql_url.replace("://", "+psycopg://"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for statement in (*statements, "CHECKPOINT"):
                connection.execute(text(statement))
            number = connection.scalar(text("SELECT oid FROM pg_database WHERE datname = current_database()"))
        engine.dispose()
        files = [file for file in (Path(postgresql_server) / "data" / "base" / str(number)).iterdir() if file.is_file()]
        return b"\n".join(file.read_bytes() for file in files)

    before = tables()
    assert len([secret for secret in secrets if secret[100:116].encode() in before]) > 30
    assert b"a trait of anna" in before
    till.send(till.seal(erasure(ANNA)))
    work(callers)
    after = tables("VACUUM FULL batches, deliveries, mentions, traits")
    assert [secret for secret in secrets if secret[100:116].encode() in after] == []
    assert (ANNA.encode() in after, b"a trait of anna" in after) == (False, False)
    assert len([event for event in stored(callers) if b"ben" in event[2]]) == len(secrets)
    centre.close()


def test_the_compressed_bytes_of_erased_events_are_gone_from_the_files(sqlite_callers: Callers) -> None:
    callers, folder = sqlite_callers, sqlite_callers.centre.settings.data
    key = callers.key(Scope.DEVICE)
    numbers = random.Random(2)
    for number in range(40):
        events = [sale(ANNA, numbers.randbytes(200).hex()), sale(BEN, numbers.randbytes(50).hex())]
        callers.send(callers.batch(2 * number, *events), key)
    with callers.centre.database.reading() as connection:
        old = [row.body for row in batches_after(connection, "production", 0, 100)]
    assert all(body in raw(folder) for body in old)
    callers.send(callers.batch(80, erasure(ANNA)), key)
    work(callers)
    with callers.centre.database.reading() as connection:
        kept = b"".join(row.body for row in batches_after(connection, "production", 0, 100))
    pieces = [body[at : at + 12] for body in old for at in range(0, len(body) - 12, 3)]
    gone, after = [piece for piece in pieces if piece not in kept], raw(folder)
    assert len(gone) > len(pieces) / 2
    assert [piece for piece in gone if piece in after] == []


def test_numbers_marks_and_gaps_stay_as_they_were(callers: Callers) -> None:
    till = Till(callers)
    till.send(till.seal(sale(ANNA, "a"), sale(BEN, "b"), b"\xc1"))
    till.next_sequence = 5
    receipt = till.send(till.seal(sale(ANNA, "c"), erasure(ANNA)))
    (before,) = devices(callers)
    work(callers)
    (after,) = devices(callers)
    assert before | {"stored": 2, "erased": 2} == after
    assert (after["high_water"], after["missing"]) == (receipt["high_water"], receipt["missing"]) == (2, [[3, 4]])
    assert marks(callers) == ["b"]


def test_a_batch_that_comes_again_is_known_and_brings_nothing_back(callers: Callers) -> None:
    till = Till(callers)
    batch, request = till.seal(sale(ANNA, "a"), sale(BEN, "b")), till.seal(erasure(ANNA))
    till.send(batch)
    till.send(request)
    assert till.send(batch)["duplicate"]
    work(callers)
    assert till.send(batch)["duplicate"]
    longer = Till(callers).seal(sale(ANNA, "a"), sale(BEN, "b"), erasure(ANNA), sale(BEN, "new"))
    assert not till.send(longer)["duplicate"]
    work(callers)
    assert marks(callers) == ["b", "new"]
    assert [event for event in stored(callers) if ANNA.encode() in event[2]] == []
    (device,) = devices(callers)
    assert (device["stored"], device["erased"], device["repeated"]) == (3, 1, 7)


@pytest.mark.parametrize("searched", [False, True])
def test_a_batch_that_comes_late_loses_what_was_erased_before_it_came(callers: Callers, searched: bool) -> None:
    late, till = Till(callers, "till-2"), Till(callers)
    before = late.seal(sale(BEN, "b"), sale(ANNA, "a"), sale(ANNA, "again", at=NOW_MS - 1_000))
    till.send(till.seal(sale(ANNA, "x"), erasure(ANNA), sale(ANNA, "new")))
    if searched:
        work(callers)
    receipt = late.send(before)
    assert (receipt["rejected"], receipt["high_water"], receipt["missing"]) == ([], 2, [])
    assert b"a" not in {event[2] for event in stored(callers) if event[0] == "till-2" and event[1] == 1}
    assert [sequence for device, sequence, _ in stored(callers) if device == "till-2"] == [0, 2]
    work(callers)
    assert marks(callers) == ["new", "b", "again"]
    assert late.send(before)["duplicate"]
    assert [(device["name"], device["erased"]) for device in devices(callers)] == [("till-1", 1), ("till-2", 1)]


def test_what_comes_with_the_request_in_one_batch_is_kept_from_then_on(callers: Callers) -> None:
    till = Till(callers)
    till.send(till.seal(sale(ANNA, "before"), erasure(ANNA), sale(ANNA, "after", at=1)))
    work(callers)
    assert marks(callers) == ["after"]
    till.send(till.seal(erasure(ANNA, "e-2")))
    work(callers)
    assert marks(callers) == []


def test_a_request_outlives_a_server_that_ends_before_it_was_carried_out(callers: Callers, settings: Settings) -> None:
    till = Till(callers)
    till.send(till.seal(*[sale(ANNA, f"a{number}") for number in range(5)], sale(BEN, "b")))
    till.send(till.seal(erasure(ANNA)))
    callers.centre.close()
    again = Callers(open_centre(settings, clock=lambda: NOW + 60))
    assert [(each.done_ms, each.events) for each in receipts(again)] == [(None, 0)]
    work(again)
    assert [(each.done_ms, each.events, each.batches) for each in receipts(again)] == [(NOW_MS + 60_000, 5, 1)]
    assert marks(again) == ["b"]
    again.centre.close()


def test_a_server_that_ends_in_the_middle_goes_on_where_it_was(callers: Callers, settings: Settings) -> None:
    till = Till(callers)
    for number in range(50):
        till.send(till.seal(sale(ANNA, f"a{number}"), sale(BEN, f"b{number}")))
    till.send(till.seal(erasure(ANNA)))
    assert callers.centre.eraser.step()
    assert receipts(callers)[0].batches == 16
    callers.centre.close()
    again = Callers(open_centre(settings, clock=lambda: NOW))
    late = Till(again, "till-2")
    late.send(late.seal(sale(ANNA, "late")))
    work(again)
    (receipt,) = receipts(again)
    assert (receipt.done_ms, receipt.events, receipt.batches) == (NOW_MS, 50, 50)
    assert marks(again) == [f"b{number}" for number in range(50)]
    again.centre.close()


def test_a_receipt_is_done_only_after_the_files_were_compacted(callers: Callers) -> None:
    till = Till(callers)
    till.send(till.seal(sale(ANNA, "a"), erasure(ANNA)))
    assert callers.centre.eraser.step()
    assert receipts(callers)[0].done_ms is None
    assert not callers.centre.eraser.step()
    assert receipts(callers)[0].done_ms == NOW_MS


def test_the_anonymous_one_of_a_join_goes_too_with_its_traits(callers: Callers) -> None:
    writer = callers.client(Scope.TRAITS)
    for subject in ("a-1", "a-2", BEN):
        writer.put(f"/v1/traits/{subject}", json={"x": 1})
    till, other = Till(callers), Till(callers, "till-2")
    other.send(other.seal(sale("a-1", "one"), sale("a-2", "two"), sale(BEN, "ben")))
    till.send(till.seal(packed(type="join", at=1, subject=ANNA, anonymous="a-1"), sale("a-1", "three"), erasure(ANNA)))
    work(callers)
    assert marks(callers) == ["two", "ben"]
    (receipt,) = receipts(callers)
    assert (receipt.events, receipt.batches, receipt.traits) == (3, 3, 1)  # the batch with the join was rewritten twice
    reader = callers.client(Scope.READ)
    assert [reader.get(f"/v1/traits/{subject}").status_code for subject in ("a-1", "a-2", BEN)] == [404, 200, 200]


def test_a_join_that_comes_late_opens_the_request_again(callers: Callers) -> None:
    till, late = Till(callers), Till(callers, "till-2")
    till.send(till.seal(sale("a-1", "one"), sale("a-2", "two"), erasure(ANNA)))
    work(callers)
    assert (receipts(callers)[0].done_ms, marks(callers)) == (NOW_MS, ["one", "two"])
    late.send(late.seal(packed(type="join", at=1, subject=ANNA, anonymous="a-1")))
    assert receipts(callers)[0].done_ms is None
    later = Till(callers, "till-3")
    later.send(later.seal(sale("a-1", "three")))
    work(callers)
    assert (receipts(callers)[0].done_ms, receipts(callers)[0].events, marks(callers)) == (NOW_MS, 1, ["two"])


def test_who_only_joined_is_not_erased_with_the_anonymous_one(callers: Callers) -> None:
    till = Till(callers)
    join = packed(type="join", at=1, subject=ANNA, anonymous="a-1")
    till.send(till.seal(sale(ANNA, "anna"), join, sale("a-1", "one"), erasure("a-1")))
    work(callers)
    assert marks(callers) == ["anna"]


def test_what_waits_for_a_channel_goes_with_its_event(callers: Callers) -> None:
    def trigger(subject: str, id_: str, at: int = 1) -> bytes:
        payload = {"friend": ANNA} if id_ == "friend" else {}
        return packed(type="trigger", at=at, subject=subject, trigger="cart", id=id_, channel="crm", payload=payload)

    till, late = Till(callers), Till(callers, "till-2")
    events = [trigger(ANNA, "before"), trigger(BEN, "ben"), trigger(BEN, "friend")]
    till.send(till.seal(*events, erasure(ANNA), trigger(ANNA, "after")))
    work(callers)
    late.send(late.seal(trigger(ANNA, "late"), trigger(ANNA, "new", NOW_MS)))
    with callers.centre.database.reading() as connection:
        due = due_deliveries(connection, NOW_MS, 100, without=())
    assert [json.loads(each.body)["data"]["id"] for each in due] == ["ben", "after", "new"]


def test_counts_follow_an_erasure(callers: Callers) -> None:
    till, reader = Till(callers), callers.client(Scope.READ)
    till.send(till.seal(sale(ANNA, "a"), sale(BEN, "b")))
    assert reader.get("/v1/summary").json()["events"] == 2
    till.send(till.seal(erasure(ANNA)))
    work(callers)
    summary = reader.get("/v1/summary").json()
    assert (summary["events"], summary["batches"]) == (2, 2)
    assert [(each["type"], each["events"], each["value"]) for each in summary["counts"]] == [
        ("erasure", 1, 0),
        ("track", 1, 1),
    ]


def test_a_reader_that_keeps_its_place_misses_nothing(callers: Callers) -> None:
    till, reader = Till(callers), callers.client(Scope.READ)
    till.send(till.seal(sale(ANNA, "a"), sale(BEN, "b"), sale(ANNA, "c"), sale(BEN, "d"), erasure(ANNA)))
    page = reader.get("/v1/events?limit=1").json()
    work(callers)
    rest = reader.get(f"/v1/events?after={page['next']}").json()["events"]
    assert [event["seq"] for event in rest] == [1, 3, 4]


def test_environments_are_apart(callers: Callers) -> None:
    till = Till(callers)
    till.send(till.seal(sale(ANNA, "a")))
    staging = callers.key(Scope.DEVICE, "staging")
    callers.send(callers.batch(0, sale(ANNA, "a"), erasure(ANNA)), staging)
    work(callers)
    assert marks(callers) == ["a"]
    assert [sequence for _, sequence, _ in stored(callers, "staging")] == [1]


def test_one_pass_carries_out_many_requests(callers: Callers) -> None:
    till = Till(callers)
    subjects = [f"card-{number}" for number in range(300)]
    till.send(till.seal(*[sale(subject, subject) for subject in subjects], sale(BEN, "b")))
    till.send(till.seal(*[erasure(subject, f"e-{number}") for number, subject in enumerate(subjects)]))
    steps = 0
    while callers.centre.eraser.step():
        steps += 1
    assert steps == 1
    with callers.centre.database.reading() as connection:
        rows = erasures_after(connection, "production", 0, 1_000)
    assert {(row.done_ms, row.events, row.batches) for row in rows} == {(NOW_MS, 1, 1)}
    assert marks(callers) == ["b"]


def test_a_request_that_comes_twice_is_one(callers: Callers) -> None:
    till, other = Till(callers), Till(callers, "till-2")
    till.send(till.seal(erasure(ANNA), erasure(ANNA)))
    other.send(other.seal(erasure(ANNA), erasure(BEN)))
    work(callers)
    assert [(each.id, each.digest) for each in receipts(callers)] == [
        ("e-1", erasure_digest(ANNA)),
        ("e-1", erasure_digest(BEN)),
    ]


def test_batches_from_before_the_index_are_found_and_rid_of_what_was_rejected(callers: Callers) -> None:
    body = Till(callers).seal(sale(ANNA, "a"), packed(type="track", at="x", subject=ANNA, name="bad"), sale(BEN, "b"))
    old = Delivery(
        environment="production",
        device="till-1",
        epoch=EPOCH,
        first=0,
        count=3,
        rejected=((1, "at is not Unix milliseconds"),),
        lost=(),
        body=body,
        received_ms=1,
        sent_ms=None,
    )
    with callers.centre.database.writing() as connection:
        store_deliveries(connection, [old, replace(old, device="till-2", body=b"unreadable")], max_ranges=10)
        connection.execute(delete(mentions))
    till = Till(callers, "till-3")
    till.send(till.seal(erasure(ANNA)))
    work(callers)
    assert stored_of(callers, 1) == [sale(BEN, "b")]
    with callers.centre.database.reading() as connection:
        named = {row.batch: split(bytes(row.digests)) for row in connection.execute(select(mentions))}
    assert named == {
        1: {mention(erasure_digest(BEN))},
        3: set(),
    }


def stored_of(callers: Callers, row: int) -> list[bytes]:
    with callers.centre.database.reading() as connection:
        body = connection.execute(select(batches.c.body).where(batches.c.id == row)).scalar_one()
    return [cast("bytes", payload) for payload in open_batch(bytes(body)).payloads if payload != b"\xc0"]


def test_rejected_events_leave_no_bytes(callers: Callers) -> None:
    till = Till(callers)
    bad = packed(type="track", at="x", name="bad", subject=ANNA)
    receipt = till.send(till.seal(sale(BEN, "b"), bad, b"\xc1 broken"))
    assert [each["index"] for each in receipt["rejected"]] == [1, 2]
    assert [event for _, _, event in stored(callers)] == [sale(BEN, "b")]


def test_a_long_ledger_is_searched_in_stretches(sqlite_callers: Callers) -> None:
    callers = sqlite_callers
    body = callers.batch(0, sale(ANNA, "a"))
    named = mention(erasure_digest(ANNA))
    deliveries = [
        Delivery(
            environment="production",
            device="till-1",
            epoch=EPOCH,
            first=number,
            count=1,
            rejected=(),
            lost=(),
            body=callers.batch(number, sale(ANNA, "a")) if number == 10_010 else body,
            received_ms=1,
            sent_ms=None,
            mentions=named if number == 10_010 else b"",
        )
        for number in range(10_020)
    ]
    with callers.centre.database.writing() as connection:
        store_deliveries(connection, deliveries, max_ranges=10)
    callers.send(callers.batch(0, erasure(ANNA), device="till-2"), callers.key(Scope.DEVICE))
    assert [callers.centre.eraser.step() for _ in range(3)] == [True, True, False]
    assert [(each.done_ms, each.events) for each in receipts(callers)] == [(NOW_MS, 1)]


def test_another_server_over_the_same_database_knows_of_it(
    callers: Callers, settings: Settings, database_url: str
) -> None:
    other = Callers(open_centre(settings, clock=lambda: NOW))
    late = Till(other, "till-2")
    late.send(late.seal(sale(BEN, "early")))
    till = Till(callers)
    till.send(till.seal(sale(ANNA, "a"), erasure(ANNA)))
    late.send(late.seal(sale(ANNA, "late"), sale(BEN, "b")))
    work(other)
    work(callers)
    assert (marks(callers), receipts(callers)[0].events) == (["early", "b"], 1)
    other.centre.close()


@pytest.mark.parametrize("seed", range(6))
def test_in_whatever_order_things_arrive_the_same_is_left(callers: Callers, seed: int) -> None:
    numbers = random.Random(seed)
    recorded: list[tuple[str, int, str, bytes]] = []  # till, time, subject or "", event
    asked: list[tuple[str, int, int, str]] = []  # till, time, sequence, subject
    batches_of: list[tuple[Till, bytes]] = []
    tills = [Till(callers, f"till-{number}") for number in range(3)]
    clock = NOW_MS - 1_000_000
    for round_ in range(25):
        till, events = numbers.choice(tills), list[bytes]()
        for index in range(numbers.randrange(1, 6)):
            clock += numbers.randrange(1, 1_000)
            subject = numbers.choice([ANNA, BEN, CARL])
            if numbers.random() < 0.12:
                asked.append((till.name, clock, till.next_sequence + index, subject))
                events.append(erasure(subject, f"e-{len(asked)}", clock))
                recorded.append((till.name, clock, "", events[-1]))
            else:
                events.append(sale(subject, f"{round_}.{index}", clock))
                recorded.append((till.name, clock, subject, events[-1]))
        batches_of.append((till, till.seal(*events)))
    left = {
        event
        for _, at, subject, event in recorded
        if not any(who == subject and at < when for _, when, _, who in asked)
    }
    arriving = [*batches_of, *numbers.sample(batches_of, 8)]
    numbers.shuffle(arriving)
    for till, batch in arriving:
        till.send(batch)
        for _ in range(numbers.randrange(3)):
            callers.centre.eraser.step()
    work(callers)
    found = [event for _, _, event in stored(callers)]
    assert len(found) == len(set(found))
    assert set(found) == left
    assert all(device["missing"] == [] for device in devices(callers))
    assert {each.done_ms for each in receipts(callers)} <= {NOW_MS}
    assert sum(device["erased"] for device in devices(callers)) == len(recorded) - len(left)


def test_the_log_names_no_subject(callers: Callers, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    till = Till(callers)
    till.send(till.seal(sale(ANNA, "a"), erasure(ANNA)))
    callers.client(Scope.ERASE).post("/v1/erasures", json={"subject": BEN})
    callers.client(Scope.TRAITS).put(f"/v1/traits/{CARL}", json={"a": [[[[[[[[[1]]]]]]]]]})
    work(callers)
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("nearwise")]
    assert [line for line in ours for subject in (ANNA, BEN, CARL) if subject in line] == []


def test_nothing_to_do_is_no_work(callers: Callers) -> None:
    assert not callers.centre.eraser.step()
    with callers.centre.database.reading() as connection:
        assert connection.execute(select(func.count()).select_from(batches)).scalar() == 0
