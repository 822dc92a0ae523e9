"""The bytes of an event log segment: one header, then frames. Pure; files are the business of `segments`.

Segment header, 40 bytes, little-endian: magic ``nwlog\\n``, format version (u16), epoch (16 bytes), the sequence that
was next when the segment was opened (u64), CRC-32 of the 32 bytes before (u32), 4 zero bytes.
Frame: payload length (u32), CRC-32 of the payload started from the low 32 bits of the sequence (u32), sequence (u64),
payload. A length of zero ends the log: segments are allocated ahead and filled with zeros.
"""

from __future__ import annotations

import zlib
from struct import Struct
from typing import NamedTuple

FORMAT_VERSION = 1
HEADER_BYTES = 40
FRAME_BYTES = 16
FRAME = Struct("<IIQ")
_MAGIC = b"nwlog\n"
_HEADER = Struct("<6sH16sQ")
_CHECK = Struct("<II")
_FAR = 1 << 24
"""Two neighbouring frames never differ by more than this many sequence numbers; a larger step is damage."""


class Header(NamedTuple):
    """What a segment says about itself: its epoch (32 hex characters) and the sequence it starts at or above."""

    epoch: str
    base: int
    version: int = FORMAT_VERSION


class Frame(NamedTuple):
    """One event as found in a segment: its sequence and where its payload lies."""

    sequence: int
    start: int
    end: int


class Scan(NamedTuple):
    """What a segment holds: the valid frames, where they end, and the byte ranges in between that are damaged."""

    frames: tuple[Frame, ...]
    end: int
    damaged: tuple[tuple[int, int], ...]
    torn: bool
    """Bytes that are no frame stand after the last valid one."""


def pack_header(header: Header) -> bytes:
    """The 40 bytes that open a segment."""
    head = _HEADER.pack(_MAGIC, header.version, bytes.fromhex(header.epoch), header.base)
    return head + _CHECK.pack(zlib.crc32(head), 0)


def read_header(segment: bytes) -> Header | None:
    """The header of a segment, or None when these bytes do not open one."""
    if len(segment) < HEADER_BYTES:
        return None
    magic, version, epoch, base = _HEADER.unpack_from(segment)
    check, _ = _CHECK.unpack_from(segment, _HEADER.size)
    if magic != _MAGIC or check != zlib.crc32(segment[: _HEADER.size]):
        return None
    return Header(epoch=epoch.hex(), base=base, version=version)


def pack_frame(sequence: int, payload: bytes) -> bytes:
    """The payload behind its length, check sum and sequence."""
    return FRAME.pack(len(payload), zlib.crc32(payload, sequence & 0xFFFFFFFF), sequence) + payload


def scan(segment: bytes, base: int | None) -> Scan:
    """Every valid frame of a segment. What follows a damaged middle is found again and kept.

    Args:
        segment: the bytes of the whole file, header included.
        base: the sequence of the header, from which a first frame cannot be far; None when the header is lost.
    """
    frames: list[Frame] = []
    damaged: list[tuple[int, int]] = []
    position, near = HEADER_BYTES, base
    while (found := _next_frame(segment, position, near)) is not None:
        frame, begins = found
        if begins != position:
            damaged.append((position, begins))
        frames.append(frame)
        position, near = frame.end, frame.sequence
    return Scan(tuple(frames), position, tuple(damaged), not _blank(segment, position))


def _next_frame(segment: bytes, position: int, near: int | None) -> tuple[Frame, int] | None:
    """The frame at or after a position, with the offset at which it begins."""
    frame = _frame_at(segment, position, near)
    if frame is not None:
        return frame, position
    if _blank(segment, position):
        return None
    for candidate in range(position + 1, len(segment) - FRAME_BYTES):
        frame = _frame_at(segment, candidate, near)
        if frame is not None:
            return frame, candidate
    return None


def _frame_at(segment: bytes, position: int, near: int | None) -> Frame | None:
    if position + FRAME_BYTES >= len(segment):
        return None
    length, check, sequence = FRAME.unpack_from(segment, position)
    start = position + FRAME_BYTES
    end = start + length
    if not length or end > len(segment) or (near is not None and abs(sequence - near) > _FAR):
        return None
    if zlib.crc32(segment[start:end], sequence & 0xFFFFFFFF) != check:
        return None
    return Frame(sequence, start, end)


def _blank(segment: bytes, position: int) -> bool:
    return segment.count(0, position) == len(segment) - position
