"""Binary fuse filters with three slots for a key and fingerprints of eight bits.

Thomas Mueller Graf and Daniel Lemire, "Binary Fuse Filters: Fast and Smaller Than Xor Filters", ACM Journal of
Experimental Algorithmics 27, 2022 (https://arxiv.org/abs/2201.01174). A key's three slots lie in three neighbouring
segments; the fingerprints in them, joined by exclusive or, give the fingerprint of the key. Slots are found as in the
authors' library. The same four lines find them in every loop here: a call would double what a key costs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil, log
from typing import NamedTuple, TypeAlias

FALSE_POSITIVES = 1 / 256
"""The share of foreign keys whose three slots give their fingerprint by chance."""

MAX_SEGMENT_LENGTH = 1 << 18

Told: TypeAlias = "Callable[[int], None]"
"""Takes how many more keys a pass has dealt with."""

CHUNK = 1 << 16
"""How many keys are dealt with between two words of progress."""


class Shape(NamedTuple):
    """The slots of a filter: `segments`, each `segment_length` (a power of two) long, and two more after them."""

    segment_length: int
    segments: int

    @property
    def slots(self) -> int:
        """How many slots, of a byte each."""
        return self.segment_length * (self.segments + 2)


def shape_for(keys: int) -> Shape:
    """The shape that the paper recommends for so many keys (section 4): from a million on, 1.13 slots for each."""
    size = max(keys, 2)
    length = min(1 << int(log(size) / log(3.33) + 2.25), MAX_SEGMENT_LENGTH)
    factor = max(1.125, 0.875 + 0.25 * log(1_000_000) / log(size))
    return Shape(length, max(1, ceil(round(size * factor) / length) - 2))


def admitting(fingerprints: Sequence[int], shape: Shape) -> Callable[[int], bool]:
    """The test of a filter: whether the slots of a 64-bit hash give its fingerprint."""
    length, double, mask, span = _numbers(shape)

    def admits(hashed: int) -> bool:
        first = hashed * span >> 64
        second = first + length ^ (hashed >> 18 & mask)
        third = first + double ^ (hashed & mask)
        joined = fingerprints[first] ^ fingerprints[second] ^ fingerprints[third]
        return not (hashed ^ hashed >> 32 ^ joined) & 255

    return admits


def _numbers(shape: Shape) -> tuple[int, int, int, int]:
    length = shape.segment_length
    return length, 2 * length, length - 1, length * shape.segments


def fingerprints_of(hashes: Sequence[int], shape: Shape, told: Told) -> bytes | None:
    """The slots of a filter that admits these different hashes; None when they go round in circles.

    `told` hears of every hash three times. Sorted hashes are dealt with faster: neighbours share what the processor
    has at hand.
    """
    peeled, slots = _peeled(*_filled(hashes, shape, told), shape, told)
    if len(peeled) < len(hashes):
        return None
    length, double, mask, span = _numbers(shape)
    fingerprints = bytearray(shape.slots)
    for end in range(len(peeled), 0, -CHUNK):
        start = max(0, end - CHUNK)
        for hashed, slot in zip(reversed(peeled[start:end]), reversed(slots[start:end]), strict=True):
            first = hashed * span >> 64
            second = first + length ^ (hashed >> 18 & mask)
            third = first + double ^ (hashed & mask)
            joined = fingerprints[first] ^ fingerprints[second] ^ fingerprints[third]
            fingerprints[slot] = (hashed ^ hashed >> 32 ^ joined) & 255
        told(end - start)
    return bytes(fingerprints)


def _filled(hashes: Sequence[int], shape: Shape, told: Told) -> tuple[bytearray, list[int]]:
    """For each slot how many hashes want it, and all of these joined by exclusive or."""
    length, double, mask, span = _numbers(shape)
    counts, joined = bytearray(shape.slots), [0] * shape.slots
    for start in range(0, len(hashes), CHUNK):
        chunk = hashes[start : start + CHUNK]
        for hashed in chunk:
            first = hashed * span >> 64
            second = first + length ^ (hashed >> 18 & mask)
            third = first + double ^ (hashed & mask)
            counts[first] += 1
            counts[second] += 1
            counts[third] += 1
            joined[first] ^= hashed
            joined[second] ^= hashed
            joined[third] ^= hashed
        told(len(chunk))
    return counts, joined


def _peeled(counts: bytearray, joined: list[int], shape: Shape, told: Told) -> tuple[list[int], list[int]]:
    """Hashes in an order in which each has a slot that no later one wants, and these slots."""
    length, double, mask, span = _numbers(shape)
    peeled: list[int] = []
    slots: list[int] = []
    alone = [slot for slot, count in enumerate(counts) if count == 1]
    while alone:
        before = len(peeled)
        while alone and len(peeled) < before + CHUNK:
            slot = alone.pop()
            if counts[slot] != 1:
                continue
            hashed = joined[slot]
            peeled.append(hashed)
            slots.append(slot)
            first = hashed * span >> 64
            for wanted in (first, first + length ^ (hashed >> 18 & mask), first + double ^ (hashed & mask)):
                joined[wanted] ^= hashed
                counts[wanted] -= 1
                if counts[wanted] == 1:
                    alone.append(wanted)
        told(len(peeled) - before)
    return peeled, slots
