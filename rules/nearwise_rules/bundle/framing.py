"""Framing: a strict subset of MessagePack, small enough to be read without a library.

A frame is an array of strings, byte strings, unsigned integers and such arrays, each in its shortest encoding.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, cast

from nearwise_rules.errors import BundleRefused, Refusal

Part: TypeAlias = "str | bytes | memoryview | int | Sequence[Part]"
"""What may be written into a frame."""

Frame: TypeAlias = "str | memoryview | int | list[Frame]"
"""What is read from a frame; byte strings are views of the received buffer."""


def write_frame(value: Sequence[Part]) -> bytes:
    """Encode a frame."""
    pieces: list[bytes | memoryview] = []
    _write(value, pieces)
    return b"".join(pieces)


def _write(value: Part, pieces: list[bytes | memoryview]) -> None:
    if isinstance(value, str):
        text = value.encode()
        pieces += (_head(len(text), _STRING), text)
    elif isinstance(value, bytes | memoryview):
        pieces += (_head(len(value), _BYTES), cast("bytes", value))
    elif isinstance(value, int):
        pieces.append(_head(value, _INTEGER))
    else:
        pieces.append(_head(len(value), _ARRAY))
        for part in value:
            _write(part, pieces)


_MAX_DEPTH = 8

# Per type: (first byte, largest value) of the form that holds the number itself, then the codes that are followed
# by 1, 2, 4 and 8 bytes of it (None: no such form). https://github.com/msgpack/msgpack/blob/master/spec.md
_Forms: TypeAlias = "tuple[int, int, tuple[int | None, ...]]"
_INTEGER: _Forms = (0x00, 127, (0xCC, 0xCD, 0xCE, 0xCF))
_STRING: _Forms = (0xA0, 31, (0xD9, 0xDA, 0xDB, None))
_BYTES: _Forms = (0x00, -1, (0xC4, 0xC5, 0xC6, None))
_ARRAY: _Forms = (0x90, 15, (None, 0xDC, 0xDD, None))


def _head(number: int, forms: _Forms) -> bytes:
    first, largest, codes = forms
    if 0 <= number <= largest:
        return bytes((first + number,))
    for code, size in zip(codes, (1, 2, 4, 8), strict=True):
        if code is not None and 0 <= number < 1 << 8 * size:
            return bytes((code,)) + number.to_bytes(size, "big")
    raise ValueError(f"{number} is out of a frame's range")


def read_frame(data: bytes, *, max_parts: int = 64) -> list[Frame]:
    """Decode a frame whose outermost part is an array, without copying its byte strings.

    Raises:
        BundleRefused: MALFORMED, or TOO_LARGE when it has more than `max_parts` parts in all.
    """
    reader = _Reader(memoryview(data), max_parts)
    try:
        value = reader.value(0)
    except (IndexError, UnicodeDecodeError):
        raise BundleRefused(Refusal.MALFORMED, "frame is cut off or is not text where text is due") from None
    if reader.place != len(data) or not isinstance(value, list):
        raise BundleRefused(Refusal.MALFORMED, "frame is not one array")
    return value


class _Reader:
    """A position in a received buffer."""

    def __init__(self, data: memoryview, max_parts: int) -> None:
        self.data = data
        self.place = 0
        self.parts_left = max_parts

    def value(self, depth: int) -> Frame:
        self.parts_left -= 1
        if self.parts_left < 0 or depth > _MAX_DEPTH:
            raise BundleRefused(Refusal.TOO_LARGE, "frame has too many parts")
        code = self.data[self.place]
        self.place += 1
        if code <= 0x7F:
            return code
        if 0xA0 <= code <= 0xBF:
            return str(self.take(code - 0xA0), "utf-8")
        if 0x90 <= code <= 0x9F:
            return [self.value(depth + 1) for _ in range(code - 0x90)]
        return self.long_value(code, depth)

    def long_value(self, code: int, depth: int) -> Frame:
        if code not in _SIZES:
            raise BundleRefused(Refusal.MALFORMED, f"frame has a part of a type it may not have (0x{code:02x})")
        forms, size = _SIZES[code]
        number = int.from_bytes(self.take(size), "big")
        if _head(number, forms)[0] != code:
            raise BundleRefused(Refusal.MALFORMED, "frame has a number that is not in its shortest form")
        if forms is _INTEGER:
            return number
        if forms is _ARRAY:
            if number > self.parts_left:
                raise BundleRefused(Refusal.TOO_LARGE, "frame has too many parts")
            return [self.value(depth + 1) for _ in range(number)]
        part = self.take(number)
        return str(part, "utf-8") if forms is _STRING else part

    def take(self, size: int) -> memoryview:
        start = self.place
        self.place = start + size
        if self.place > len(self.data):
            raise BundleRefused(Refusal.MALFORMED, "frame is cut off")
        return self.data[start : self.place]


_SIZES = {
    code: (forms, size)
    for forms in (_INTEGER, _STRING, _BYTES, _ARRAY)
    for code, size in zip(forms[2], (1, 2, 4, 8), strict=True)
    if code is not None
}
