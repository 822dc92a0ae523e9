"""The database's history, applied in order when a server starts on an older database."""

NEWEST_REVISION = "0003"
"""The last revision in `versions`: a database that has it is opened without loading alembic."""
