"""The database's history, applied in order when a server starts."""
