"""What the app's log is told: that the server refuses the key. Nothing else is logged by this SDK."""

from __future__ import annotations

EVENT = "nearwise.key_refused"
"""How the record begins, and its `event`: alarms can be set on it."""


class KeyNotices:
    """One warning when polls or batches begin to be refused, none until they were taken again."""

    def __init__(self) -> None:
        self._refused: set[str] = set()

    def refused(self, call: str, why: Exception) -> None:
        """A call was refused for its key."""
        if not self._refused:
            from logging import getLogger

            getLogger("nearwise").warning("%s: %s", EVENT, why, extra={"event": EVENT})
        self._refused.add(call)

    def taken(self, call: str) -> None:
        """A call of this kind got past the check of the key."""
        self._refused.discard(call)
