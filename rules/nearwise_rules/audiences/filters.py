"""Audience filters: who is in an audience, asked of the bytes that a bundle carries, which are never copied.

All numbers are unsigned and little-endian. A key's hash is the first 64 bits of SHA-256(seed + key in UTF-8).

offset  bytes
0       4      "NWAF"
4       1      format, 1
5       1      form: 0 the members' hashes themselves, 1 a binary fuse filter (see `fuse`)
6       2      the purposes that a subject must consent to, as bits
8       8      seed
16      4      number of members
20      4      number of exceptions
24      4      length of a segment (form 0: 0)
28      4      number of segments without the last two (form 0: 0)
32      8 * n  exceptions: hashes of known strangers that the filter admits, ascending (form 0: none)
...            form 0: the members' hashes, 8 bytes each, ascending; form 1: a byte for each slot
"""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from struct import Struct
from typing import Final, NamedTuple

from nearwise_rules.audiences.fuse import FALSE_POSITIVES, MAX_SEGMENT_LENGTH, Shape, admitting
from nearwise_rules.bundle.hashing import sha256
from nearwise_rules.bundle.limits import BundleLimits
from nearwise_rules.errors import BundleRefused, Refusal

FORMAT: Final = 1
"""The format of filters that this library writes, and the only one that it reads."""

MAX_KEYS: Final = 10_000_000
MAX_EXCEPTIONS: Final = 500_000
MAX_KEY_CHARACTERS: Final = 1_024

_MAX_BYTES: Final = BundleLimits().max_entry_bytes
_MAGIC: Final = b"NWAF"
_LISTED, _FUSE = 0, 1
_HEAD: Final = Struct("<4sBBHQIIII")
_HASH_BYTES: Final = 8


class Head(NamedTuple):
    """What a filter says of itself."""

    fuse: bool
    purposes: int
    seed: int
    keys: int
    exceptions: int
    shape: Shape

    def to_bytes(self) -> bytes:
        """The first 32 bytes of the filter."""
        form = _FUSE if self.fuse else _LISTED
        return _HEAD.pack(_MAGIC, FORMAT, form, self.purposes, self.seed, self.keys, self.exceptions, *self.shape)


NO_SHAPE: Final = Shape(0, 0)
"""The shape of a filter that lists its members."""


class AudienceFilter:
    """Answers whether a key is in an audience. Never changes; safe from any thread.

    `keys`: how many members; `exceptions`: how many known strangers are listed because the filter alone would admit
    them; `purposes`: what a subject must consent to, as a mask.
    """

    __slots__ = ("_admits", "_body", "_exceptions", "_is_fuse", "_seed", "exceptions", "keys", "purposes")

    def __init__(self, head: Head, body: memoryview) -> None:
        """Make a filter of checked bytes; use `from_bytes`."""
        listed = _HEAD.size + _HASH_BYTES * head.exceptions
        self.keys = head.keys
        self.exceptions = head.exceptions
        self.purposes = head.purposes
        self._body = body
        self._is_fuse = head.fuse
        self._seed = seed_bytes(head.seed)
        self._exceptions = _hashes(body[_HEAD.size : listed])
        self._admits: Callable[[int], bool] = (
            admitting(body[listed:], head.shape) if head.fuse else _listing(_hashes(body[listed:]))
        )

    @classmethod
    def from_bytes(cls, data: bytes | memoryview) -> AudienceFilter:
        """Check a filter and use it where it lies: `data` must not change.

        Raises:
            BundleRefused: MALFORMED, TOO_LARGE or UNSUPPORTED_FORMAT.
        """
        body = memoryview(data)
        if len(body) > _MAX_BYTES:
            raise BundleRefused(Refusal.TOO_LARGE, f"audience filter of {len(body)} bytes, at most {_MAX_BYTES}")
        head = _read_head(body)
        _check_length(head, len(body))
        found = cls(head, body)
        end = len(body) if not head.fuse else _HEAD.size + _HASH_BYTES * head.exceptions
        if not all(one < other for one, other in pairwise(_hashes(body[_HEAD.size : end]))):
            raise BundleRefused(Refusal.MALFORMED, "audience filter whose hashes are not in order")
        return found

    @classmethod
    def from_text(cls, text: str) -> AudienceFilter:
        """Read what `to_text` wrote.

        Raises:
            BundleRefused: MALFORMED, TOO_LARGE or UNSUPPORTED_FORMAT.
        """
        from binascii import a2b_base64

        try:
            data = a2b_base64("".join(text.split()), strict_mode=True)
        except ValueError:
            raise BundleRefused(Refusal.MALFORMED, "audience filter that is no base64 text") from None
        return cls.from_bytes(data)

    def to_bytes(self) -> bytes:
        """The filter as `from_bytes` reads it."""
        return bytes(self._body)

    def to_text(self) -> str:
        """The filter as a text: base64 in lines of 76 characters (RFC 2045)."""
        from base64 import encodebytes

        return encodebytes(self._body).decode()

    def with_purposes(self, purposes: int) -> AudienceFilter:
        """The same filter for subjects who consent to these purposes (a mask)."""
        head = _read_head(self._body)._replace(purposes=purposes)
        return AudienceFilter(head, memoryview(head.to_bytes() + bytes(self._body[_HEAD.size :])))

    @property
    def size_bytes(self) -> int:
        """The size of the whole filter."""
        return len(self._body)

    @property
    def false_positives(self) -> float:
        """The share of strangers that the filter admits, leaving those out that are known: 1/256, or 0 when listed."""
        return FALSE_POSITIVES if self._is_fuse else 0.0

    def holds(self, key: str) -> bool:
        """Whether the key is in the audience: always for a member, never for a known stranger."""
        if len(key) > MAX_KEY_CHARACTERS:
            return False
        try:
            hashed = key_hash(self._seed, key)
        except UnicodeEncodeError:  # half of a surrogate pair is nobody's key
            return False
        return self._admits(hashed) and not is_listed(self._exceptions, hashed)


def seed_bytes(seed: int) -> bytes:
    """The seed as it is hashed before every key."""
    return seed.to_bytes(_HASH_BYTES, "little")


def key_hash(seed: bytes, key: str) -> int:
    """The 64-bit hash of a key.

    Raises:
        UnicodeEncodeError: the key has no UTF-8 form.
    """
    return int.from_bytes(sha256(seed + key.encode()).digest()[:_HASH_BYTES], "little")


def is_listed(hashes: Sequence[int], hashed: int) -> bool:
    """Whether a hash is one of those listed in ascending order."""
    place = bisect_left(hashes, hashed)
    return place < len(hashes) and hashes[place] == hashed


def hash_bytes(hashes: Iterable[int]) -> bytes:
    """Hashes as a filter lists them."""
    return b"".join([hashed.to_bytes(_HASH_BYTES, "little") for hashed in hashes])


def _listing(hashes: Sequence[int]) -> Callable[[int], bool]:
    return lambda hashed: is_listed(hashes, hashed)


def _hashes(listed: memoryview) -> Sequence[int]:
    """The listed hashes; where the processor is little-endian too, nothing is copied."""
    if sys.byteorder == "little":
        return listed.cast("Q")
    from array import array

    turned = array("Q", bytes(listed))
    turned.byteswap()
    return turned


def _read_head(body: memoryview) -> Head:
    if len(body) < _HEAD.size:
        raise BundleRefused(Refusal.MALFORMED, "audience filter is cut off")
    magic, version, form, purposes, seed, keys, exceptions, length, segments = _HEAD.unpack_from(body)
    if magic != _MAGIC or form not in (_LISTED, _FUSE):
        raise BundleRefused(Refusal.MALFORMED, "not an audience filter")
    if version != FORMAT:
        raise BundleRefused(Refusal.UNSUPPORTED_FORMAT, f"audience filter of format {version}, this SDK reads {FORMAT}")
    if keys > MAX_KEYS or exceptions > MAX_EXCEPTIONS:
        message = f"audience of {keys} keys and {exceptions} exceptions, at most {MAX_KEYS} and {MAX_EXCEPTIONS}"
        raise BundleRefused(Refusal.TOO_LARGE, message)
    return Head(form == _FUSE, purposes, seed, keys, exceptions, Shape(length, segments))


def _check_length(head: Head, size: int) -> None:
    """Hold the numbers of a head against each other and the size of the whole."""
    shape = head.shape
    if head.fuse:
        is_power = (
            0 < shape.segment_length <= MAX_SEGMENT_LENGTH and not shape.segment_length & shape.segment_length - 1
        )
        fits = is_power and shape.segments > 0 and head.keys <= shape.slots
        last = shape.slots
    else:
        fits = shape == NO_SHAPE and not head.exceptions
        last = _HASH_BYTES * head.keys
    if not fits or size != _HEAD.size + _HASH_BYTES * head.exceptions + last:
        raise BundleRefused(Refusal.MALFORMED, "audience filter whose numbers do not fit together")
