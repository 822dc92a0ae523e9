"""Opening a database: migrated once, private, durable, and one writer at a time."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import delete, insert, select, text

from nearwise_server.errors import StoreUnusable
from nearwise_server.store import Database, open_database, sqlite_url
from nearwise_server.store.batches import streams_of
from nearwise_server.store.database import alembic_config
from nearwise_server.store.migrations import NEWEST_REVISION
from nearwise_server.store.tables import entries, metadata


def opened(tmp_path: Path) -> Database:
    return open_database(sqlite_url(str(tmp_path / "nearwise.sqlite3")))


def test_the_migrations_lead_to_the_tables_of_the_code(tmp_path: Path) -> None:
    database = opened(tmp_path)
    with database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    database.close()


def test_the_newest_revision_of_the_code_is_the_last_of_the_scripts(tmp_path: Path) -> None:
    database = opened(tmp_path)
    with database.reading() as connection:
        assert ScriptDirectory.from_config(alembic_config(connection)).get_heads() == [NEWEST_REVISION]
    database.close()


def test_every_migration_can_be_taken_back(tmp_path: Path) -> None:
    database = opened(tmp_path)
    with database.writing() as connection:
        command.downgrade(alembic_config(connection), "base")
        command.upgrade(alembic_config(connection), "head")
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    database.close()


def test_opening_again_changes_nothing(tmp_path: Path) -> None:
    first, second = opened(tmp_path), opened(tmp_path)
    with second.reading() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == [NEWEST_REVISION]
    first.close()
    second.close()


def test_many_that_open_at_once_end_with_one_schema(tmp_path: Path) -> None:
    databases: list[Database] = []
    threads = [threading.Thread(target=lambda: databases.append(opened(tmp_path))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(databases) == 4
    for database in databases:
        database.close()


def test_the_file_is_private_and_commits_reach_the_disk(tmp_path: Path) -> None:
    database = opened(tmp_path)
    for file in os.listdir(tmp_path):
        assert stat.S_IMODE(os.stat(tmp_path / file).st_mode) == 0o600
    with database.reading() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2  # FULL
    database.close()


def test_an_exception_rolls_back_what_was_written(tmp_path: Path) -> None:
    database = opened(tmp_path)

    def write_and_fail() -> None:
        with database.writing() as connection:
            connection.execute(insert(entries), [{"digest": "d", "body": b""}])
            raise KeyError

    with pytest.raises(KeyError):
        write_and_fail()
    with database.reading() as connection:
        assert connection.execute(select(entries)).all() == []
    database.close()


def test_a_database_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    database = opened(tmp_path)
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    database.close()
    with pytest.raises(StoreUnusable, match="newer version"):
        opened(tmp_path)


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://host/db", "sqlite://", "sqlite:////no/such/folder/x"])
def test_what_is_no_database_is_refused_without_a_traceback(url: str) -> None:
    with pytest.raises(StoreUnusable):
        open_database(url)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(StoreUnusable):
        open_database(sqlite_url(str(path)))


def test_compacting_leaves_no_byte_of_what_was_deleted(database: Database, tmp_path: Path) -> None:
    bodies = [os.urandom(size) for size in (20, 300, 2_000, 9_000) * 10]
    with database.writing() as connection:
        connection.execute(insert(entries), [{"digest": f"d{at}", "body": body} for at, body in enumerate(bodies)])
    with database.writing() as connection:
        connection.execute(delete(entries).where(entries.c.digest != "d0"))
    assert database.compact(["entries"])
    with database.reading() as connection:
        assert connection.execute(select(entries.c.digest)).scalars().all() == ["d0"]
    if database.engine.dialect.name == "sqlite":
        raw = b"".join((tmp_path / file).read_bytes() for file in os.listdir(tmp_path))
        assert [body for body in bodies if body[:12] in raw] == bodies[:1]


def test_compacting_says_when_a_reader_is_in_the_way(tmp_path: Path) -> None:
    database = opened(tmp_path)
    with database.engine.connect() as pooled:
        pooled.exec_driver_sql("PRAGMA busy_timeout=20")  # of the one connection in the pool
    reader = sqlite3.connect(tmp_path / "nearwise.sqlite3", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM entries").fetchone()
    with database.writing() as connection:
        connection.execute(insert(entries), [{"digest": "d", "body": b"x"}])
    assert not database.compact(["entries"])
    reader.execute("COMMIT")
    assert database.compact(["entries"])
    reader.close()
    database.close()


def test_a_database_of_an_older_version_keeps_its_batches(tmp_path: Path) -> None:
    database = opened(tmp_path)
    with database.writing() as connection:
        command.downgrade(alembic_config(connection), "0001")
        connection.execute(
            text("INSERT INTO streams VALUES ('production', 'till-1', 'e', '[[0, 4]]', '[]', 1, 2, 3, 4)")
        )
    database.close()
    again = opened(tmp_path)
    with again.reading() as connection:
        (stream,) = streams_of(connection, "production", ["till-1"]).values()
    assert (stream.received, stream.last_ms, stream.erased) == (((0, 4),), 4, 0)
    again.close()
