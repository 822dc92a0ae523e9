"""Files of recorded decisions: one JSON object a line, read in pieces by whoever has time."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from typing import NamedTuple, cast

from nearwise_rules import Bundle, Recording, inspect_bundle

PIECE_BYTES = 512 * 1024
"""How much of a file is worked on at a time, up to the end of a line."""


class Piece(NamedTuple):
    """Whole lines of a file: from byte `start` up to, not including, `end`."""

    start: int
    end: int


def pieces_of(path: str, size_bytes: int = PIECE_BYTES) -> list[Piece]:
    """A file cut at ends of lines. Raises OSError."""
    total, start, pieces = os.path.getsize(path), 0, list[Piece]()
    with open(path, "rb") as file:
        while start < total:
            file.seek(min(start + size_bytes, total))
            file.readline()
            pieces.append(Piece(start, file.tell()))
            start = file.tell()
    return pieces


def recordings_in(path: str, piece: Piece) -> Iterator[Recording | None]:
    """The recordings of a piece; None for a line that holds none. Empty lines are passed over. Raises OSError."""
    with open(path, "rb") as file:
        file.seek(piece.start)
        lines = file.read(piece.end - piece.start).split(b"\n")
    for line in lines:
        if line.strip():
            yield _recording(line)


def roots_in(path: str) -> set[str]:
    """The root hashes of all bundles that decided what a file holds. Raises OSError."""
    roots: set[str] = set()
    for piece in pieces_of(path):
        roots.update(recording.root for recording in recordings_in(path, piece) if recording is not None)
    return roots


def _recording(line: bytes) -> Recording | None:
    try:
        members: object = json.loads(line)
        return Recording.from_members(cast("Mapping[str, object]", members)) if isinstance(members, dict) else None
    except (ValueError, RecursionError):
        return None


def open_bundles(contents: tuple[bytes, ...]) -> dict[str, Bundle]:
    """Bundle files by the root hash of their content.

    Raises:
        BundleRefused: one of them is no bundle file.
    """
    opened = [inspect_bundle(content) for content in contents]
    return {bundle.manifest.root: bundle for bundle in opened}
