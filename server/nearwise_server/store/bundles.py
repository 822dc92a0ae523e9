"""Published bundles: one row per version, entries kept once by digest, and the index that ties them together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, func, insert, select

from nearwise_rules import Entry
from nearwise_server.store.statements import insert_new
from nearwise_server.store.tables import bundle_entries, bundles, entries


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleRow:
    """One published version. `content_of` is the version whose content a rollback published again."""

    environment: str
    version: int
    root: str
    envelope: bytes
    entries: int
    size_bytes: int
    note: str
    published_by: str
    published_ms: int
    content_of: int | None


def newest_version(connection: Connection, environment: str) -> int:
    """The highest version of an environment, 0 when nothing was published."""
    query = select(func.max(bundles.c.version)).where(bundles.c.environment == environment)
    return connection.execute(query).scalar() or 0


def newest_versions(connection: Connection) -> dict[str, int]:
    """The highest version per environment."""
    query = select(bundles.c.environment, func.max(bundles.c.version)).group_by(bundles.c.environment)
    return {row.environment: row[1] for row in connection.execute(query)}


def add_bundle(connection: Connection, row: BundleRow, content: Iterable[Entry]) -> None:
    """Store a new version with its entries."""
    listed = [(entry, entry.digest) for entry in content]
    connection.execute(insert(bundles), [{column.name: getattr(row, column.name) for column in bundles.columns}])
    if not listed:
        return
    connection.execute(
        insert_new(connection, entries), [{"digest": digest, "body": entry.body} for entry, digest in listed]
    )
    name = {"environment": row.environment, "version": row.version}
    connection.execute(
        insert(bundle_entries),
        [name | {"kind": entry.kind, "key": entry.key, "digest": digest} for entry, digest in listed],
    )


def bundle_of_version(connection: Connection, environment: str, version: int) -> BundleRow | None:
    """One version."""
    return _bundle(connection, (bundles.c.environment == environment) & (bundles.c.version == version))


def bundle_of_root(connection: Connection, environment: str, root: str) -> BundleRow | None:
    """The newest version with this content."""
    return _bundle(connection, (bundles.c.environment == environment) & (bundles.c.root == root))


def bundles_before(connection: Connection, environment: str, version: int | None, limit: int) -> list[BundleRow]:
    """Versions below `version`, newest first; all of them from the newest on when it is None."""
    query = select(bundles).where(bundles.c.environment == environment)
    if version is not None:
        query = query.where(bundles.c.version < version)
    rows = connection.execute(query.order_by(bundles.c.version.desc()).limit(limit)).mappings()
    return [_bundle_row(row) for row in rows]


def content_of(connection: Connection, row: BundleRow) -> list[Entry]:
    """The entries of a version."""
    query = (
        select(bundle_entries.c.kind, bundle_entries.c.key, entries.c.body)
        .join(entries, entries.c.digest == bundle_entries.c.digest)
        .where((bundle_entries.c.environment == row.environment) & (bundle_entries.c.version == row.version))
    )
    return [Entry(kind, key, bytes(body)) for kind, key, body in connection.execute(query)]


def entries_of_digests(connection: Connection, environment: str, digests: Iterable[str]) -> dict[str, Entry]:
    """Entries that any version of an environment has, by digest."""
    rows = connection.execute(entries_query(environment, digests))
    return {row.digest: Entry(row.kind, row.key, bytes(row.body)) for row in rows}


def entries_query(environment: str, digests: Iterable[str]) -> Select[Any, Any, Any, Any]:
    """One row for each name of an entry, not one for each version that has it."""
    columns = (bundle_entries.c.digest, bundle_entries.c.kind, bundle_entries.c.key)
    wanted = (bundle_entries.c.environment == environment) & bundle_entries.c.digest.in_(list(digests))
    names = select(*columns).where(wanted).distinct().subquery()
    return select(names.c.digest, names.c.kind, names.c.key, entries.c.body).join(
        entries, entries.c.digest == names.c.digest
    )


def _bundle(connection: Connection, condition: ColumnElement[bool]) -> BundleRow | None:
    query = select(bundles).where(condition).order_by(bundles.c.version.desc()).limit(1)
    row = connection.execute(query).mappings().first()
    return None if row is None else _bundle_row(row)


def _bundle_row(row: RowMapping) -> BundleRow:
    values: dict[str, Any] = {column.name: row[column] for column in bundles.columns}
    values["envelope"] = bytes(values["envelope"])
    return BundleRow(**values)
