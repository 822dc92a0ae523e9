"""Whole files: replaced in one step, synced when it matters, read up to a limit."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import cast
from zlib import crc32


def write_whole(path: str, content: bytes, *, durable: bool) -> None:
    """Replace a file in one step: a reader sees the old content or the new, never a part. It is the owner's to read.

    Raises:
        OSError: the disk refused; the old file still stands.
    """
    new = f"{path}.new"
    with open(new, "wb", opener=_private) as file:
        file.write(content)
        if durable:
            file.flush()
            sync_file(file.fileno())
    os.replace(new, path)
    if durable:
        sync_folder(os.path.dirname(path))


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def read_whole(path: str, most_bytes: int) -> bytes | None:
    """The content of a file; None when there is no such file, it cannot be read, or it is larger than the limit."""
    try:
        with open(path, "rb") as file:
            content = file.read(most_bytes + 1)
    except OSError:
        return None
    return content if len(content) <= most_bytes else None


def pack_record(fields: Mapping[str, object]) -> bytes:
    """Fields as JSON with a check sum: one damaged digit must not pass for another number."""
    import json

    text = json.dumps(fields, sort_keys=True)
    return json.dumps({**fields, "check": crc32(text.encode())}, sort_keys=True).encode()


def read_record(content: bytes | None) -> dict[str, object]:
    """The fields of a record.

    Raises:
        ValueError: there is none, or it is damaged.
    """
    import json

    try:
        fields = cast("object", json.loads(content or b""))
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if not isinstance(fields, dict):
        raise ValueError("not a record")
    record = cast("dict[str, object]", fields)
    check = record.pop("check", None)
    if check != crc32(json.dumps(record, sort_keys=True).encode()):
        raise ValueError("the check sum is wrong")
    return record


def sync_file(file: int) -> None:
    """Wait until the disk has what was written to an open file, and its size.

    Raises:
        OSError: the disk failed.
    """
    if sys.platform == "darwin":
        import fcntl

        fcntl.fcntl(file, fcntl.F_FULLFSYNC)
    elif hasattr(os, "fdatasync"):
        os.fdatasync(file)
    else:
        os.fsync(file)


def sync_folder(folder: str) -> None:
    """Wait until the disk has the names in a folder. Nothing on systems that cannot open folders (Windows).

    Raises:
        OSError: the disk failed.
    """
    if os.name == "nt":
        return
    opened = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
