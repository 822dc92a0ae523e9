"""Traits: what the centre knows of a subject beside its events, a row for each, by the digest of the subject."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from nearwise_server.store.tables import traits


@dataclass(frozen=True, slots=True)
class StoredTraits:
    """The traits of one subject as canonical JSON, and when they were put."""

    body: bytes
    updated_ms: int


def put_traits(connection: Connection, environment: str, bodies: Mapping[str, bytes], now_ms: int) -> None:
    """Replace the traits of some subjects, by digest."""
    if not bodies:
        return
    connection.execute(delete(traits).where((traits.c.environment == environment) & traits.c.digest.in_([*bodies])))
    rows = [
        {"environment": environment, "digest": digest, "body": body, "updated_ms": now_ms}
        for digest, body in bodies.items()
    ]
    connection.execute(insert(traits), rows)


def drop_traits(connection: Connection, environment: str, digest: str) -> bool:
    """Forget the traits of a subject; False when there were none."""
    one = (traits.c.environment == environment) & (traits.c.digest == digest)
    return connection.execute(delete(traits).where(one)).rowcount > 0


def traits_of(connection: Connection, environment: str, digest: str) -> StoredTraits | None:
    """The traits of a subject."""
    one = (traits.c.environment == environment) & (traits.c.digest == digest)
    row = connection.execute(select(traits.c.body, traits.c.updated_ms).where(one)).first()
    return None if row is None else StoredTraits(bytes(row.body), row.updated_ms)
