"""Sealed batches: the unit in which a device sends its events, written once and never changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nearwise_rules.bundle.limits import BatchLimits

FORMAT = 1
"""The batch format that this library writes, and the only one it reads."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event that passed every check. `at` is Unix milliseconds by the device's clock; `fields` the members left."""

    index: int
    type: str
    at: int
    subject: str | None
    bundle: int | None
    fields: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Rejected:
    """One event that is not stored, by its index in the batch, and why."""

    index: int
    reason: str


@dataclass(frozen=True, slots=True)
class SealedBatch:
    """The events of one device and epoch in order; the sequence number of an event is `first` + its index."""

    device: str
    epoch: str
    first: int
    events: tuple[Event | Rejected, ...]


def encode_batch(device: str, epoch: str, first: int, events: Sequence[bytes]) -> bytes:
    """Seal already encoded events (each one MessagePack map) into one batch; equal input gives equal bytes."""
    import zlib

    import msgpack

    parts = {"v": FORMAT, "device": device, "epoch": epoch, "first": first, "events": list(events)}
    return zlib.compress(msgpack.packb(parts), 6)


def decode_batch(data: bytes, limits: BatchLimits | None = None) -> SealedBatch:
    """Read a received batch: a bad event is rejected alone, a bad batch is refused as a whole.

    Raises:
        BundleRefused: MALFORMED, TOO_LARGE or UNSUPPORTED_FORMAT.
    """
    import zlib

    import msgpack

    parts = msgpack.unpackb(zlib.decompress(data))
    events: list[Event | Rejected] = []
    for index, payload in enumerate(parts["events"]):
        fields = msgpack.unpackb(payload)
        events.append(
            Event(
                index,
                fields.pop("type"),
                fields.pop("at"),
                fields.pop("subject", None),
                fields.pop("bundle", None),
                fields,
            )
        )
    return SealedBatch(parts["device"], parts["epoch"], parts["first"], tuple(events))
