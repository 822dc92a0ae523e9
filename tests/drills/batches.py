"""Hostile batches of events: what a broken till, a replaying proxy or somebody with a device's key posts."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable
from typing import Any, cast

import msgpack

from nearwise_rules import encode_batch
from tests.drills.damage import damage

EPOCH = "0123456789abcdef" * 2


def pack(value: object) -> bytes:
    """A value as MessagePack."""
    return cast("bytes", msgpack.packb(value))  # pyright: ignore[reportUnknownMemberType]


def good_event(number: int = 0) -> bytes:
    """One true event as MessagePack."""
    return pack({"type": "track", "at": 1_750_000_000_000 + number, "name": "redemption", "value": 1.0})


def good_batch(rng: random.Random, first: int = 1) -> bytes:
    """A true batch of a few events."""
    return encode_batch("till-07", EPOCH, first, [good_event(number) for number in range(rng.randint(1, 20))])


def _sealed(**changes: Any) -> bytes:
    parts: dict[str, Any] = {"v": 1, "device": "till-07", "epoch": EPOCH, "first": 1, "events": [good_event()]}
    parts.update(changes)
    return zlib.compress(pack({name: value for name, value in parts.items() if value is not Ellipsis}))


def _damaged(rng: random.Random) -> bytes:
    return damage(good_batch(rng), rng)


def _damaged_inside(rng: random.Random) -> bytes:
    return zlib.compress(damage(zlib.decompress(good_batch(rng)), rng))


def _header(rng: random.Random) -> bytes:
    """Each field of the header of a wrong type, range or length, or missing."""
    odd: dict[str, tuple[Any, ...]] = {
        "v": (0, 2, "1", None, ..., -1),
        "device": ("", "x" * 129, "till 07", "../till", "till\n07", 7, None, ..., b"till", "ż"),
        "epoch": ("", "xyz", EPOCH[:-1], EPOCH.upper(), EPOCH + "0", 7, None, ...),
        "first": (-1, 2**63, 2**64 - 1, 1.5, "1", None, ..., True),
        "events": ({}, 7, None, ..., "events", [[]], [7, None], [], [{"type": "track"}]),
    }
    name = rng.choice(tuple(odd))
    return _sealed(**{name: rng.choice(odd[name])})


_EVENT_FIELDS: dict[str, tuple[Any, ...]] = {
    "type": ("", "nope", 7, None, ..., "x" * 1000, b"track"),
    "at": (-1, 2**63, 1.5, "now", None, ..., True),
    "subject": (7, "x" * 100_000, [], {}, "\u0000"),
    "bundle": (-1, "7", 1.5, True),
    "name": ("", 7, None, ..., "x" * 10_000),
    "value": ("1", [], {}, float("nan"), float("inf")),
    "properties": (7, [], "x", {1: 2}, {"": {}}, {"k": b"\xff" * 100}, {"__class__": "x"}),
}


def _event(rng: random.Random) -> bytes:
    """One bad event among good ones: it is rejected alone."""
    event: dict[str, Any] = {"type": "track", "at": 1_750_000_000_000, "name": "redemption"}
    name = rng.choice(tuple(_EVENT_FIELDS))
    event[name] = rng.choice(_EVENT_FIELDS[name])
    bad = pack({key: value for key, value in event.items() if value is not ...})
    others: tuple[bytes, ...] = (bad, bad, bad, b"", b"\xc1", damage(good_event(), rng), pack([]), pack(None))
    return _sealed(events=[good_event(), rng.choice(others), good_event(1)])


def _bomb(rng: random.Random) -> bytes:
    """Small to send, large to unpack: zeros, texts, ten thousand events and more, empty maps by the million."""
    empty: list[dict[str, object]] = [{}]
    wide = pack({"type": "track", "at": 1, "name": "n", "properties": {"k": empty * 60_000}})
    return rng.choice(
        (
            lambda: zlib.compress(bytes(64 << 20), 9),
            lambda: zlib.compress(b"\x80" * (9 << 20), 9),
            lambda: _sealed(events=[good_event()] * 10_001),
            lambda: _sealed(events=[b""] * 1_000_000),
            lambda: _sealed(events=[wide] * 120),
            lambda: _sealed(events=["x" * 7_000_000]),
            lambda: zlib.compress(b"\x85\xa6events\xdd\xff\xff\xff\xff" + b"\x90" * 1000),
            lambda: zlib.compress(zlib.compress(bytes(1 << 20))),
        )
    )()


def _deep(rng: random.Random) -> bytes:
    """An event, a property or the batch itself nested deeper than anybody counts."""
    depth = rng.choice((17, 600, 30_000))
    nested = b"\x91" * depth + b"\x01"
    event = b"\x84\xa4type\xa5track\xa2at\x01\xa4name\xa1n\xaaproperties\x81\xa1k" + nested
    return rng.choice((_sealed(events=[event]), zlib.compress(nested), zlib.compress(b"\x81\xa6events" + nested)))


def _odd_codes(rng: random.Random) -> bytes:
    """MessagePack that is not plain data: extension types, timestamps, repeated keys, keys that are no text."""
    pieces = (
        b"\xd4\x05\x00",
        b"\xd6\xff\x00\x00\x00\x00",
        b"\xc7\x0c\xff" + bytes(12),
        b"\xc1",
        b"\x82\xa1a\x01\xa1a\x02",
    )
    event = b"\x83\xa4type\xa5track\xa2at\x01\xa4name" + rng.choice(pieces)
    keys = b"\x82" + rng.choice(pieces) + b"\x01\xa4type\xa5track"
    return _sealed(events=[rng.choice((event, keys)), good_event()])


BATCHES: tuple[Callable[[random.Random], bytes], ...] = (
    _damaged,
    _damaged,
    _damaged_inside,
    _damaged_inside,
    _header,
    _event,
    _event,
    _deep,
    _odd_codes,
)
BOMBS = (_bomb,)


def hostile_batch(rng: random.Random) -> bytes:
    """One of the above; bombs are slow to make, so they are one in fifty."""
    return _bomb(rng) if rng.random() < 0.02 else rng.choice(BATCHES)(rng)
