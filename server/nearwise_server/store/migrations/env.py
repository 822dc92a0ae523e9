"""What alembic runs for each command: it works on the connection and transaction that the store opened."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from nearwise_server.store.tables import metadata


def _migrate(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
    context.run_migrations()


_migrate(context.config.attributes["connection"])
