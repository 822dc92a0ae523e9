"""Whom the events of each batch name, as four bytes of a digest per subject: enough to know which batches to open.

Four bytes may stand for somebody else; then a batch is opened in vain. They never miss a subject.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set

from sqlalchemy import Connection, delete, insert, select

from nearwise_rules import erasure_digest, subjects_in
from nearwise_server.store.tables import batches, mentions

_SIZE = 4
_SEARCHED_ONE_BY_ONE = 16
"""Up to so many a search of the bytes is faster than taking them apart."""


def mention(digest: str) -> bytes:
    """The part of a digest that is kept for a batch."""
    return bytes.fromhex(digest[: 2 * _SIZE])


def mentions_in(events: Iterable[Mapping[str, object]]) -> bytes:
    """Whom some events name, joined."""
    return b"".join(sorted({mention(erasure_digest(subject)) for subject in subjects_in(*events)}))


def split(joined: bytes) -> set[bytes]:
    """Joined mentions, one by one."""
    return {joined[at : at + _SIZE] for at in range(0, len(joined), _SIZE)}


def may_name(joined: bytes, wanted: Set[bytes]) -> bool:
    """Whether joined mentions may hold one of some; across two of them it can seem so by accident."""
    if len(wanted) <= _SEARCHED_ONE_BY_ONE:
        return any(part in joined for part in wanted)
    return not wanted.isdisjoint(split(joined))


def add_mentions(connection: Connection, rows: Mapping[int, bytes]) -> None:
    """Note whom some batches name, by row number."""
    if rows:
        connection.execute(insert(mentions), [{"batch": row, "digests": digests} for row, digests in rows.items()])


def replace_mentions(connection: Connection, row: int, digests: bytes) -> None:
    """Note whom a batch names from now on."""
    connection.execute(delete(mentions).where(mentions.c.batch == row))
    add_mentions(connection, {row: digests})


def mentions_after(connection: Connection, environment: str, row: int, limit: int) -> list[tuple[int, bytes | None]]:
    """The batches of an environment behind a row number, in order, each with whom it names; None: nobody noted it."""
    query = (
        select(batches.c.id, mentions.c.digests)
        .join_from(batches, mentions, mentions.c.batch == batches.c.id, isouter=True)
        .where((batches.c.environment == environment) & (batches.c.id > row))
        .order_by(batches.c.id)
        .limit(limit)
    )
    return [(found.id, None if found.digests is None else bytes(found.digests)) for found in connection.execute(query)]
