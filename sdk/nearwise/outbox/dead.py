"""Dead letters: events that the server will never take, kept for diagnosis in one bounded file."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .rewriting import Matches

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

    def redact(self, matches: Matches) -> int:
        """Delete the letters whose event matches, and lines that are no letter; how many letters it were.

        Raises:
            OSError: the disk refused.
        """
        return 0 if self._path is None else sum(_redact(path, matches) for path in (self._path, f"{self._path}.old"))


def _redact(path: str, matches: Matches) -> int:
    """Rewrite one file of letters."""
    from nearwise.files import write_whole

    with suppress(FileNotFoundError):
        os.unlink(f"{path}.new")  # what a crash has left
    if not os.path.exists(path):
        return 0
    with open(path, "rb") as file:
        lines = file.readlines()
    verdicts = [_verdict(line, matches) for line in lines]
    kept = [line for line, verdict in zip(lines, verdicts, strict=True) if verdict is False]
    if not kept:
        os.unlink(path)
    elif len(kept) < len(lines):
        write_whole(path, b"".join(kept), durable=True)
    return sum(verdict is True for verdict in verdicts)


def _verdict(line: bytes, matches: Matches) -> bool | None:
    """Whether the event of a letter matches; None when the line is no letter."""
    import json
    from base64 import b64decode

    try:
        payload = b64decode(json.loads(line)["event"])
    except (ValueError, TypeError, KeyError):
        return None
    return matches(payload)
