"""The bytes of a segment after events were taken out. Pure; putting them in place is the business of `redaction`.

An event that was taken out leaves `NO_EVENT` under its sequence number. Bytes that are no event are left out too:
nobody can tell whose they were.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from .batches import NO_EVENT
from .frames import FORMAT_VERSION, Header, pack_frame, pack_header, read_header, scan

Matches = Callable[[bytes], bool]
"""Whether the event with this payload is to be taken out."""


class Rewritten(NamedTuple):
    """The bytes of a segment after events were taken out."""

    content: bytes
    taken: tuple[int, ...]
    """The sequences that have lost their events."""
    events: int
    """How many events are left."""
    damaged_bytes: int
    """How many bytes were no event."""


def holds(segment: bytes, matches: Matches) -> bool:
    """Whether one of the events of a segment matches."""
    header = read_header(segment)
    frames = scan(segment, None if header is None else header.base).frames
    return any(matches(payload) for frame in frames if (payload := segment[frame.start : frame.end]) != NO_EVENT)


def rewrite(segment: bytes, origin: Header, matches: Matches) -> Rewritten | None:
    """A segment without the events that match; None when it may stay as it is. `origin` stands in for a lost header."""
    header = read_header(segment)
    found = scan(segment, None if header is None else header.base)
    frames = [(frame.sequence, segment[frame.start : frame.end]) for frame in found.frames]
    taken = {sequence for sequence, payload in frames if payload != NO_EVENT and matches(payload)}
    damaged = sum(end - start for start, end in found.damaged) + (len(segment) - found.end if found.torn else 0)
    known = header is not None and header.version == FORMAT_VERSION
    if known and not taken and not damaged:
        return None
    kept = [(sequence, NO_EVENT if sequence in taken else payload) for sequence, payload in frames]
    begin = Header(header.epoch, header.base) if header is not None else origin
    return Rewritten(
        content=pack_header(begin) + b"".join(pack_frame(sequence, payload) for sequence, payload in kept),
        taken=tuple(sorted(taken)),
        events=sum(payload != NO_EVENT for _, payload in kept),
        damaged_bytes=damaged,
    )
