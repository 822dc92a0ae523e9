"""One database behind one URL: opening, migrating, and the two kinds of transaction (reading, writing).

On SQLite a writing transaction begins IMMEDIATE, on PostgreSQL it takes one advisory lock: either way there is one
writer at a time over all processes, so a writer may read, decide and write without losing a race.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from nearwise_server.errors import StoreUnusable
from nearwise_server.store.migrations import NEWEST_REVISION

if TYPE_CHECKING:
    from alembic.config import Config

_WRITER_LOCK = 0x6E77_0001  # any constant: the advisory lock of this product's writers
_BUSY_MILLISECONDS = 15_000
_MIGRATIONS = Path(__file__).parent / "migrations"


class Database:
    """A pool of connections. `reading` and `writing` are context managers that give one transaction each."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._writers = threading.Lock()

    @contextmanager
    def reading(self) -> Generator[Connection]:
        """A transaction that only reads."""
        with self.engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Generator[Connection]:
        """The one writing transaction: commits on leaving, rolls back on an exception."""
        writer = self.engine.execution_options(nearwise_writes=True)
        with self._writers, writer.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _WRITER_LOCK})
            yield connection

    def compact(self, tables: Iterable[str]) -> bool:
        """Let go of what was deleted or replaced in some tables; False when a reader kept it from being done.

        On SQLite nothing of it is left in the files afterwards: all pages are written anew, the log is cut to nothing.
        `secure_delete` alone leaves copies behind where pages were split. On PostgreSQL the space is free to be used
        again. Other writers wait meanwhile.
        """
        if self.engine.dialect.name == "postgresql":
            with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql(f"VACUUM {', '.join(tables)}")
            return True
        with self._writers:
            pooled = self.engine.raw_connection()
            try:
                cursor = pooled.cursor()
                cursor.execute("VACUUM")
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                row = cursor.fetchone()
                return row is not None and row[0] == 0
            finally:
                pooled.close()

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def sqlite_url(path: str) -> str:
    """The URL of a SQLite file."""
    return f"sqlite:///{path}"


def open_database(url: str) -> Database:
    """Open the database at `url` and bring it to the newest revision.

    Raises:
        StoreUnusable: it cannot be opened, or a newer version of this product has written it.
    """
    database = Database(_engine(url))
    try:
        if not _is_newest(database):
            _migrate(database)
    except SQLAlchemyError as error:
        database.close()
        raise StoreUnusable(f"the database cannot be used: {type(error).__name__}") from error
    except StoreUnusable:
        database.close()
        raise
    return database


def _is_newest(database: Database) -> bool:
    with database.reading() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return False
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == NEWEST_REVISION


def _migrate(database: Database) -> None:
    """Bring an older database to the newest revision; alembic is loaded only for this."""
    from alembic import command
    from alembic.util.exc import CommandError

    try:
        with database.writing() as connection:
            command.upgrade(alembic_config(connection), "head")
    except CommandError as error:
        raise StoreUnusable("the database cannot be used: a newer version wrote it") from error


def alembic_config(connection: Connection) -> Config:
    """What alembic needs to work on this connection."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
    except SQLAlchemyError as error:
        raise StoreUnusable("the database URL cannot be read") from error
    if parsed.get_backend_name() == "sqlite":
        return _sqlite_engine(url)
    if parsed.get_backend_name() == "postgresql":
        # Values never appear in messages or logs: they may be personal.
        return create_engine(parsed.set(drivername="postgresql+psycopg"), hide_parameters=True, pool_pre_ping=True)
    raise StoreUnusable(f"no support for databases of kind {parsed.get_backend_name()!r}")


def _make_private(path: str | None) -> None:
    """Make the file before SQLite does: only its owner may read events."""
    if not path or path == ":memory:":
        raise StoreUnusable("a SQLite database needs a file")
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise StoreUnusable(f"{path}: {error.strerror}") from error


def _sqlite_engine(url: str) -> Engine:
    _make_private(make_url(url).database)
    engine = create_engine(url, hide_parameters=True, connect_args={"timeout": _BUSY_MILLISECONDS / 1000})

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: object) -> None:  # the driver's connection
        # The driver's own idea of when to begin is switched off; `begin` below is the only place.
        connection.isolation_level = None
        if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA secure_delete=ON")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("nearwise_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
