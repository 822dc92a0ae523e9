"""Buckets: which share of a split a key falls into, in both living generations of flagd's hash.

`murmur3` hashes the UTF-8 text (flagd before 3, openfeature-flagd-core 1.0.0), `murmur3-cbor` the canonical CBOR
encoding of the value (openfeature-flagd-core 2.0.0). The encoding is RFC 8949, section 4.2.3 (length-first map keys),
with whole floats in the 64-bit range written as integers.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import cast

from .murmur3 import murmur3_32

MAX_DEPTH = 64


class Bucketing(StrEnum):
    """The hash that a bundle names for its splits; another one puts every subject into another bucket."""

    MURMUR3 = "murmur3"
    MURMUR3_CBOR = "murmur3-cbor"


def subject_hash(bucketing: Bucketing, salt: str, subject: str) -> int:
    """Hash a subject under a salt to an unsigned 32-bit integer.

    Raises:
        UnicodeEncodeError: salt or subject holds a lone surrogate.
    """
    if bucketing is Bucketing.MURMUR3:
        return murmur3_32((salt + subject).encode())
    return murmur3_32(b"\x82" + _text(salt) + _text(subject))


def bucket(hashed: int, total: int) -> int:
    """Scale an unsigned 32-bit hash to 0..total-1, without the bias of a remainder."""
    return hashed * total >> 32


def canonical_cbor(value: object, depth: int = 0) -> bytes:
    """Encode a JSON value as canonical CBOR, byte for byte as openfeature-flagd-core 2.0.0 hashes it.

    Raises:
        ValueError: not a JSON value, nested deeper than 64, or text with a lone surrogate.
    """
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, bool):
        return {None: b"\xf6", False: b"\xf4", True: b"\xf5"}[value]
    if isinstance(value, int):
        return _integer(value)
    if isinstance(value, float):
        return _number(value)
    if depth >= MAX_DEPTH:
        raise ValueError("nested too deep to be hashed")
    if isinstance(value, (list, tuple)):
        items = cast("Sequence[object]", value)
        return _head(4, len(items)) + b"".join(canonical_cbor(item, depth + 1) for item in items)
    if isinstance(value, Mapping):
        return _map(cast("Mapping[object, object]", value), depth)
    raise ValueError("not a JSON value")


def _head(major: int, length: int) -> bytes:
    major <<= 5
    if length < 24:
        return bytes((major | length,))
    for code, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if length < 1 << 8 * size:
            return bytes((major | code,)) + length.to_bytes(size, "big")
    raise ValueError("longer than 64 bits can say")


def _text(value: str) -> bytes:
    encoded = value.encode()
    return _head(3, len(encoded)) + encoded


def _integer(value: int) -> bytes:
    major, magnitude = (0, value) if value >= 0 else (1, -1 - value)
    if magnitude < 1 << 64:
        return _head(major, magnitude)
    # flagd-core hands such a negative to the encoder as is, which writes a bignum: tag 2 or 3 and the magnitude.
    payload = magnitude.to_bytes((magnitude.bit_length() + 7) // 8, "big")
    return _head(6, 2 + major) + _head(2, len(payload)) + payload


def _number(value: float) -> bytes:
    if value.is_integer() and -(2**63) <= value <= 2**64 - 1:
        return _integer(int(value))
    if value != value:
        return b"\xf9\x7e\x00"
    encoded = struct.pack(">Bd", 0xFB, value)
    for form, code in ((">Bf", 0xFA), (">Be", 0xF9)):
        try:
            shorter = struct.pack(form, code, value)
        except OverflowError:
            return encoded
        if struct.unpack(form, shorter)[1] != value:
            return encoded
        encoded = shorter
    return encoded


def _map(value: Mapping[object, object], depth: int) -> bytes:
    pairs = [(canonical_cbor(key, depth + 1), canonical_cbor(item, depth + 1)) for key, item in value.items()]
    pairs.sort(key=lambda pair: (len(pair[0]), pair[0]))
    return _head(5, len(pairs)) + b"".join(key + item for key, item in pairs)
