"""Dead letters: events that the server will never take, kept for diagnosis in one bounded file."""

from __future__ import annotations

import os
from contextlib import suppress

_LIMIT_BYTES = 1024 * 1024


class DeadLetters:
    """A JSON line for each event: epoch, sequence, reason, payload (base64 MessagePack). One file and one older."""

    def __init__(self, path: str | None) -> None:
        """With no path they are only counted."""
        self.count = 0
        self._path = path

    def add(self, epoch: str, sequence: int, payload: bytes, reason: str) -> None:
        """Set one event aside. A disk that refuses loses the copy, never the flow."""
        self.count += 1
        if self._path is None:
            return
        import json
        from base64 import b64encode

        letter = {"epoch": epoch, "sequence": sequence, "reason": reason, "event": b64encode(payload).decode()}
        with suppress(OSError):
            if os.path.exists(self._path) and os.path.getsize(self._path) > _LIMIT_BYTES:
                os.replace(self._path, f"{self._path}.old")
            with open(self._path, "a", encoding="utf-8") as file:
                file.write(json.dumps(letter) + "\n")
