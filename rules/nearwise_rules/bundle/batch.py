"""Sealed batches: the unit in which a device sends its events, written once and never changed.

A batch is zlib-compressed MessagePack: a map of `v`, `device`, `epoch`, `first` and `events`. Each event in it is
a byte string that holds one MessagePack map, so events go in as they lie in the log, and a bad one harms no other.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from nearwise_rules.bundle.events import NO_EVENT, Allowance, Event, Rejected, event_members, read_event
from nearwise_rules.bundle.limits import BatchLimits
from nearwise_rules.bundle.manifest import MAX_INTEGER
from nearwise_rules.bundle.messagepack import Reader, pack
from nearwise_rules.errors import BundleRefused, Refusal

FORMAT = 1
"""The batch format that this library writes, and the only one that it reads."""

_DEVICE_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-"
_MEMBERS = {"v", "device", "epoch", "first", "events"}


@dataclass(frozen=True, slots=True)
class SealedBatch:
    """The events of one device and epoch in order; the sequence number of an event is `first` + its index."""

    device: str
    epoch: str
    first: int
    events: tuple[Event | Rejected, ...]


@dataclass(frozen=True, slots=True)
class OpenBatch:
    """A batch with its events as they lie in it, unchecked: each should be the bytes of one MessagePack map."""

    device: str
    epoch: str
    first: int
    payloads: tuple[object, ...]

    def members(self) -> tuple[Mapping[str, object] | None, ...]:
        """The members of each event; None where there is no map."""
        return tuple(event_members(payload) if isinstance(payload, bytes) else None for payload in self.payloads)

    def without(self, indices: Collection[int]) -> bytes:
        """The batch sealed again with `NO_EVENT` at these indices; every other event stays, byte for byte.

        What is not even a byte string is replaced too.
        """
        kept = [
            payload if isinstance(payload, bytes) and index not in indices else NO_EVENT
            for index, payload in enumerate(self.payloads)
        ]
        return encode_batch(self.device, self.epoch, self.first, kept)


def encode_batch(device: str, epoch: str, first: int, events: Sequence[bytes]) -> bytes:
    """Seal encoded events, each one MessagePack map, without decoding them; equal input gives equal bytes.

    Raises:
        ValueError: a device, epoch or first number that no server would take.
    """
    import zlib

    parts: dict[str, object] = {"v": FORMAT, "device": device, "epoch": epoch, "first": first, "events": [*events]}
    wrong = _wrong_parts(parts)
    if wrong:
        raise ValueError(wrong)
    return zlib.compress(pack(parts), 6)


def decode_batch(data: bytes, limits: BatchLimits | None = None) -> SealedBatch:
    """Read a received batch: a bad event is rejected alone, a bad batch is refused as a whole.

    Raises:
        BundleRefused: MALFORMED, TOO_LARGE or UNSUPPORTED_FORMAT.
    """
    limits = limits or BatchLimits()
    batch = open_batch(data, limits)
    allowance = Allowance(limits)
    events = tuple(read_event(index, payload, limits, allowance) for index, payload in enumerate(batch.payloads))
    return SealedBatch(batch.device, batch.epoch, batch.first, events)


def open_batch(data: bytes, limits: BatchLimits | None = None) -> OpenBatch:
    """Read a received batch without looking into its events.

    Raises:
        BundleRefused: MALFORMED, TOO_LARGE or UNSUPPORTED_FORMAT.
    """
    limits = limits or BatchLimits()
    parts = _read_parts(_inflated(data, limits), limits)
    version = parts.get("v")
    if type(version) is int and version != FORMAT:
        raise BundleRefused(Refusal.UNSUPPORTED_FORMAT, f"batch format {version}, this server reads {FORMAT}")
    wrong = f"lacks {sorted(_MEMBERS - {*parts})}" if {*parts} != _MEMBERS else _wrong_parts(parts)
    if wrong:
        raise BundleRefused(Refusal.MALFORMED, f"batch {wrong}")
    payloads = tuple(cast("list[object]", parts["events"]))
    return OpenBatch(cast("str", parts["device"]), cast("str", parts["epoch"]), cast("int", parts["first"]), payloads)


def _wrong_parts(parts: dict[str, object]) -> str | None:
    device, epoch, first = parts["device"], parts["epoch"], parts["first"]
    if type(parts["v"]) is not int:
        return "has a format that is not a number"
    if not isinstance(device, str) or not 0 < len(device) <= 128 or device.strip(_DEVICE_CHARACTERS):
        return "has a device name that is not 1..128 of A-Z a-z 0-9 . _ : -"
    if not isinstance(epoch, str) or len(epoch) != 32 or epoch.strip("0123456789abcdef"):
        return "has an epoch that is not 32 hex digits"
    if type(first) is not int or not 0 <= first <= MAX_INTEGER:
        return "has a first sequence number that is none"
    if not isinstance(parts["events"], list):
        return "has events that are not an array"
    return None


def _inflated(data: bytes, limits: BatchLimits) -> bytes:
    import zlib

    if len(data) > limits.max_batch_bytes:
        raise BundleRefused(Refusal.TOO_LARGE, f"batch of {len(data)} bytes, at most {limits.max_batch_bytes}")
    inflate = zlib.decompressobj()
    try:
        inflated = inflate.decompress(data, limits.max_inflated_bytes + 1)
    except zlib.error:
        raise BundleRefused(Refusal.MALFORMED, "batch cannot be inflated") from None
    if len(inflated) > limits.max_inflated_bytes:
        raise BundleRefused(Refusal.TOO_LARGE, f"batch inflates to more than {limits.max_inflated_bytes} bytes")
    if not inflate.eof or inflate.unused_data:
        raise BundleRefused(Refusal.MALFORMED, "batch is cut off or goes on after its end")
    return inflated


def _read_parts(packed: bytes, limits: BatchLimits) -> dict[str, object]:
    reader = Reader(packed)
    parts: dict[str, object] = {}
    try:
        for _ in range(min(reader.map_header(), len(_MEMBERS))):
            name = reader.value()
            if not isinstance(name, str) or name in parts:
                raise ValueError("a member without a name, or twice")
            parts[name] = _read_events(reader, limits) if name == "events" else reader.value()
    except ValueError:
        raise BundleRefused(Refusal.MALFORMED, "batch is not the MessagePack map it should be") from None
    if reader.place != len(packed):
        raise BundleRefused(Refusal.MALFORMED, "batch goes on after its end")
    return parts


def _read_events(reader: Reader, limits: BatchLimits) -> list[object]:
    count = reader.array_header()
    if count > limits.max_events:
        raise BundleRefused(Refusal.TOO_LARGE, f"batch of {count} events, at most {limits.max_events}")
    return [reader.value() for _ in range(count)]
