"""Requests to erase, their receipts, and the tombstones that tell later batches whom they may not bring back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, RowMapping, exists, func, insert, select, update

from nearwise_server.store.statements import insert_new
from nearwise_server.store.tables import erasures, tombstones
from nearwise_server.store.traits import drop_traits

_TOMBSTONES_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request to erase the subject with this digest. `asked_ms` is by the server's clock.

    `device`, `epoch` and `sequence` are where a device asked; None for a request that came by letter.
    """

    id: str
    digest: str
    asked_ms: int
    device: str | None = None
    epoch: str | None = None
    sequence: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tombstone:
    """Somebody who is erased, and by which request."""

    row: int
    erasure: int
    environment: str
    digest: str
    asked_ms: int
    device: str | None
    epoch: str | None
    sequence: int | None
    scanned_row: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """A request and what became of it: done when nothing of it is left to do, also not in the files."""

    number: int
    id: str
    digest: str
    device: str | None
    asked_ms: int
    done_ms: int | None
    events: int
    batches: int
    traits: int


def ask_erasures(connection: Connection, environment: str, asked: Iterable[Asked]) -> None:
    """Store requests; one that is there already stays as it is."""
    for each in asked:
        row = {
            "environment": environment,
            "id": each.id,
            "digest": each.digest,
            "device": each.device,
            "epoch": each.epoch,
            "seq": each.sequence,
            "asked_ms": each.asked_ms,
        }
        connection.execute(insert_new(connection, erasures), [row | {"events": 0, "batches": 0, "traits": 0}])
        same = (erasures.c.id == each.id) & (erasures.c.digest == each.digest)
        query = select(erasures.c.number).where((erasures.c.environment == environment) & same)
        bury(connection, environment, connection.execute(query).scalar_one(), each.digest)


def bury(connection: Connection, environment: str, erasure: int, digest: str) -> None:
    """Let a request erase somebody: its subject, or an anonymous one that joined it.

    What can be found by the digest goes at once; the ledger is to be searched. Known ones change nothing.
    """
    same = (tombstones.c.erasure == erasure) & (tombstones.c.digest == digest)
    if connection.execute(select(exists().where(same))).scalar():
        return
    row = {"erasure": erasure, "digest": digest, "scanned_row": 0, "searched": False}
    connection.execute(insert(tombstones), [row])
    dropped = int(drop_traits(connection, environment, digest))
    changes = {"done_ms": None, "traits": erasures.c.traits + dropped}
    connection.execute(update(erasures).where(erasures.c.number == erasure).values(changes))


def tombstones_after(connection: Connection, row: int) -> list[Tombstone]:
    """All tombstones behind a row number, in order."""
    return _tombstones(connection, tombstones.c.row > row)


def unsearched(connection: Connection) -> list[Tombstone]:
    """Tombstones of one environment to search for in one pass, from the same row on; none when all are done."""
    found = _tombstones(connection, tombstones.c.searched.is_(False), limit=_TOMBSTONES_AT_ONCE)
    place = [(each.environment, each.scanned_row) for each in found]
    return [each for each in found if (each.environment, each.scanned_row) == place[0]]


def note_search(connection: Connection, searched: Sequence[Tombstone], row: int, *, ended: bool) -> None:
    """The ledger was searched for these up to a row, or to its end."""
    these = tombstones.c.row.in_([each.row for each in searched])
    connection.execute(update(tombstones).where(these).values(scanned_row=row, searched=ended))


def count_erased(connection: Connection, erasure: int, events: int, batches: int) -> None:
    """Add to a receipt."""
    sums = {"events": erasures.c.events + events, "batches": erasures.c.batches + batches}
    connection.execute(update(erasures).where(erasures.c.number == erasure).values(sums))


def searched_erasures(connection: Connection) -> list[int]:
    """Requests that are not done, with nothing left to search."""
    query = select(erasures.c.number).where(erasures.c.done_ms.is_(None) & ~_has_unsearched())
    return list(connection.execute(query).scalars())


def note_done(connection: Connection, numbers: Collection[int], now_ms: int) -> None:
    """These are done, except where more was found in the meantime."""
    these = erasures.c.number.in_([*numbers]) & ~_has_unsearched()
    connection.execute(update(erasures).where(these).values(done_ms=now_ms))


def erasure_of_id(connection: Connection, environment: str, id_: str) -> Erasure | None:
    """The newest request with this id."""
    same = (erasures.c.environment == environment) & (erasures.c.id == id_)
    query = select(erasures).where(same).order_by(erasures.c.number.desc()).limit(1)
    row = connection.execute(query).mappings().first()
    return None if row is None else _erasure(row)


def erasures_after(connection: Connection, environment: str, number: int, limit: int) -> list[Erasure]:
    """Requests of an environment behind a number, in the order of arrival."""
    behind = (erasures.c.environment == environment) & (erasures.c.number > number)
    query = select(erasures).where(behind).order_by(erasures.c.number).limit(limit)
    return [_erasure(row) for row in connection.execute(query).mappings()]


def rewritten_batches(connection: Connection, environment: str) -> int:
    """How many times a batch was rewritten: a number that grows whenever stored events change."""
    query = select(func.coalesce(func.sum(erasures.c.batches), 0)).where(erasures.c.environment == environment)
    return int(connection.execute(query).scalar_one())


def _has_unsearched() -> ColumnElement[bool]:
    return exists().where((tombstones.c.erasure == erasures.c.number) & tombstones.c.searched.is_(False))


def _tombstones(connection: Connection, condition: ColumnElement[bool], limit: int | None = None) -> list[Tombstone]:
    request = (erasures.c.environment, erasures.c.asked_ms, erasures.c.device, erasures.c.epoch, erasures.c.seq)
    query = (
        select(tombstones.c.row, tombstones.c.erasure, tombstones.c.digest, tombstones.c.scanned_row, *request)
        .join(erasures, erasures.c.number == tombstones.c.erasure)
        .where(condition)
        .order_by(tombstones.c.row)
        .limit(limit)
    )
    rows = [dict(row) for row in connection.execute(query).mappings()]
    return [Tombstone(sequence=row.pop("seq"), **row) for row in rows]


def _erasure(row: RowMapping) -> Erasure:
    names = ("number", "id", "digest", "device", "asked_ms", "done_ms", "events", "batches", "traits")
    return Erasure(**{name: row[name] for name in names})
