"""Segments as files: what their names tell, their bytes, copies to replace them, damaged ones set aside."""

from __future__ import annotations

import os
from contextlib import suppress

from nearwise.files import sync_file

COPY = ".new"
"""Behind the name of a segment: a copy that has not taken its place. What a crash leaves of one is deleted."""

_COPY = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_DAMAGED = "damaged"
_DAMAGED_KEPT = 8
"""Damaged segments kept for diagnosis, per outbox."""


def told_by_name(path: str) -> list[int]:
    """The ordinal of a segment, and when its name tells them: its first and last sequence and how many events."""
    numbers = os.path.basename(path).removesuffix(".seg").split("-")[1:]
    return [int(number) for number in numbers] if all(number.isdecimal() for number in numbers) else [0]


def short_path(path: str) -> str:
    """The path of a segment without what its name tells about its events."""
    name = os.path.basename(path).removesuffix(".seg")
    return os.path.join(os.path.dirname(path), "-".join(name.split("-")[:2]) + ".seg")


def size_of(path: str) -> int:
    """The bytes of a file; 0 when it cannot be looked at."""
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def content_of(path: str, most_bytes: int = -1) -> bytes:
    """What a file holds, up to a limit; nothing when it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read(most_bytes)
    except OSError:
        return b""


def write_copy(path: str, content: bytes) -> str:
    """The path of a new file beside a segment, on the disk when this returns.

    Raises:
        OSError: the disk refused; nothing is left behind.
    """
    copy = f"{path}{COPY}"
    file = os.open(copy, _COPY, 0o600)
    try:
        with open(file, "wb") as opened:
            opened.write(content)
            opened.flush()
            sync_file(file)
    except OSError:
        os.unlink(copy)
        raise
    return copy


def discard(path: str, *, damaged: bool) -> None:
    """Delete a segment; a damaged one is set aside for diagnosis instead."""
    with suppress(OSError):
        if not damaged:
            os.unlink(path)
            return
        folder = os.path.join(os.path.dirname(path), _DAMAGED)
        os.makedirs(folder, exist_ok=True)
        os.replace(path, os.path.join(folder, os.path.basename(path)))
        for name in sorted(os.listdir(folder))[:-_DAMAGED_KEPT]:
            os.unlink(os.path.join(folder, name))


def clear_damaged(folder: str) -> None:
    """Delete the damaged segments of an outbox folder: nobody can tell whose events are in them.

    Raises:
        OSError: the disk refused.
    """
    aside = os.path.join(folder, _DAMAGED)
    for name in os.listdir(aside) if os.path.isdir(aside) else ():
        os.unlink(os.path.join(aside, name))
