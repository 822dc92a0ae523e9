"""Where the server keeps things: SQLAlchemy Core over SQLite or PostgreSQL, called from worker threads."""

from nearwise_server.store.database import Database, open_database, sqlite_url

__all__ = ["Database", "open_database", "sqlite_url"]
