"""Splits: which share of subjects a bucket falls into. Weights and bounds are in basis points (1/10,000)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Generic, TypeVar

from nearwise_rules.logic.bucketing import Bucketing, subject_hash

BASIS_POINTS = 10_000
MAX_KEY_BITS = 1024
MAX_KEY_DIGITS = 300

T = TypeVar("T")


def bucket_key(value: object) -> str | None:
    """The text that is hashed for a subject: a string, a whole number in decimal, what an Enum member stands for.

    None for anything else: nobody's key is also a string with a lone surrogate, which has no UTF-8 form, and a number
    of hundreds of digits.
    """
    if isinstance(value, str):
        return value if value.isascii() or _has_utf8(value) else None
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return str(int(value)) if value.bit_length() <= MAX_KEY_BITS else None
    return None if value is None else _key_of_other(value)


def _key_of_other(value: object) -> str | None:
    from decimal import Decimal  # a millisecond of each start, for values that are hardly ever there

    if isinstance(value, Decimal) and value.is_finite() and 0 <= value.adjusted() <= MAX_KEY_DIGITS:
        return str(int(value)) if value == int(value) else None
    return bucket_key(value.value) if isinstance(value, Enum) else None


def _has_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class Shares(Generic[T]):
    """Half-open ranges of basis points, each with what it gives; a gap gives None."""

    __slots__ = ("bounds", "targets")

    def __init__(self, ranges: Iterable[tuple[T, int, int]]) -> None:
        bounds: list[int] = []
        targets: list[T | None] = []
        reached = 0
        for target, start, end in sorted(ranges, key=lambda part: part[1]):
            if start > reached:
                bounds.append(start)
                targets.append(None)
            bounds.append(end)
            targets.append(target)
            reached = end
        self.bounds: Sequence[int] = tuple(bounds)
        self.targets: Sequence[T | None] = (*targets, None)

    def at(self, basis_point: int) -> T | None:
        """What the share holding `basis_point` (0-9,999) gives."""
        return self.targets[bisect_right(self.bounds, basis_point)]


def basis_point(hashed: int) -> int:
    """The basis point of a 32-bit hash, as flagd's `fractional` maps it: (hash * total) >> 32."""
    return (hashed * BASIS_POINTS) >> 32


def bucket_of(bucketing: Bucketing, salt: str, key: str) -> int:
    """The basis point of a subject's key under a salt."""
    return basis_point(subject_hash(bucketing, salt, key))


class HoldoutGate:
    """The first `basis_points` of subjects under `salt` are kept out."""

    __slots__ = ("basis_points", "salt")

    def __init__(self, percent: float, salt: str) -> None:
        self.basis_points = round(percent * 100)
        self.salt = salt

    def keeps_out(self, bucketing: Bucketing, key: str) -> bool:
        """Whether a key is held out."""
        return bucket_of(bucketing, self.salt, key) < self.basis_points
