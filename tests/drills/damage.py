"""Ways to damage valid bytes, and bytes that were never valid: what a broken disk, a proxy or an attacker sends."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable

Damage = Callable[[bytes, random.Random], bytes]


def flip(data: bytes, rng: random.Random) -> bytes:
    """One to eight bits the other way round."""
    damaged = bytearray(data or b"\0")
    for _ in range(rng.randint(1, 8)):
        damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def cut(data: bytes, rng: random.Random) -> bytes:
    """The end is missing."""
    return data[: rng.randrange(len(data) + 1)]


def lead(data: bytes, rng: random.Random) -> bytes:
    """The beginning is missing."""
    return data[rng.randint(1, max(1, len(data))) :]


def repeat(data: bytes, rng: random.Random) -> bytes:
    """A piece stands twice, or the whole thing does."""
    start = rng.randrange(len(data) + 1)
    end = rng.randint(start, len(data))
    return data[:end] + data[start:end] + data[end:] if rng.random() < 0.7 else data + data


def splice(data: bytes, rng: random.Random) -> bytes:
    """Foreign bytes in the middle."""
    start = rng.randrange(len(data) + 1)
    end = min(len(data), start + rng.randrange(16))
    return data[:start] + rng.randbytes(rng.randint(1, 64)) + data[end:]


def blank(data: bytes, rng: random.Random) -> bytes:
    """A stretch of zeros, as a file system leaves it after a power cut."""
    start = rng.randrange(len(data) + 1)
    end = rng.randint(start, len(data))
    return data[:start] + bytes(end - start) + data[end:]


def noise(_data: bytes, rng: random.Random) -> bytes:
    """Nothing but random bytes, up to 4 KiB; sometimes none at all."""
    return rng.randbytes(rng.choice((0, 1, 2, 15, 256, 4096)))


def announce(_data: bytes, rng: random.Random) -> bytes:
    """A MessagePack head that promises gigabytes which never come."""
    head = rng.choice((b"\xc6", b"\xdb", b"\xdd", b"\xdf", b"\xc9"))
    return rng.choice((b"", b"\x95", b"\x81\xa1v")) + head + rng.choice((b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff"))


def nest(_data: bytes, rng: random.Random) -> bytes:
    """Brackets inside brackets: MessagePack arrays, MessagePack maps, JSON lists or JSON objects."""
    depth = rng.choice((65, 600, 5_000, 100_000))
    opening = rng.choice((b"\x91", b"\x81\xa1k", b"[", b'{"k":'))
    return opening * depth


def deflate(data: bytes, rng: random.Random) -> bytes:
    """The same, compressed once more than expected."""
    return zlib.compress(data, rng.choice((1, 9)))


def page(_data: bytes, rng: random.Random) -> bytes:
    """What a hotel's network answers instead: a page."""
    return rng.choice(
        (b"<!doctype html><title>Log in</title>", b"Internal Server Error", b"null", b'{"ok":true}', b"[]")
    )


DAMAGES: tuple[Damage, ...] = (flip, flip, cut, lead, repeat, splice, blank, noise, announce, nest, deflate, page)


def damage(data: bytes, rng: random.Random) -> bytes:
    """One of the ways above, sometimes two in a row."""
    damaged = rng.choice(DAMAGES)(data, rng)
    return rng.choice(DAMAGES)(damaged, rng) if rng.random() < 0.2 else damaged
