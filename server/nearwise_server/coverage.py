"""Sets of sequence numbers as sorted, disjoint, closed ranges `(first, last)`. Pure arithmetic.

From these sets follow the three figures that prove completeness: what was received, up to where without a gap
(the high-water mark), and which ranges are missing.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable

Range = tuple[int, int]
Ranges = tuple[Range, ...]

FIRST_SEQUENCE = 0
"""The sequence number of the first event of an epoch."""


def union(ranges: Iterable[Range], more: Iterable[Range]) -> Ranges:
    """All numbers of both."""
    merged: list[Range] = []
    for first, last in sorted([*ranges, *more]):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return tuple(merged)


def difference(ranges: Iterable[Range], without: Ranges) -> Ranges:
    """The numbers of `ranges` that are not in `without`."""
    rest: list[Range] = []
    for first, last in ranges:
        start = first
        for taken_first, taken_last in without[_index_from(without, first) :]:
            if taken_first > last:
                break
            if start < taken_first:
                rest.append((start, taken_first - 1))
            start = max(start, taken_last + 1)
        if start <= last:
            rest.append((start, last))
    return tuple(rest)


def size(ranges: Iterable[Range]) -> int:
    """How many numbers."""
    return sum(last - first + 1 for first, last in ranges)


def high_water(ranges: Ranges) -> int:
    """The last number before the first gap; one below the first sequence number when nothing is there."""
    if ranges and ranges[0][0] <= FIRST_SEQUENCE:
        return ranges[0][1]
    return FIRST_SEQUENCE - 1


def missing(ranges: Ranges) -> Ranges:
    """The gaps below the highest number."""
    if not ranges:
        return ()
    return difference([(FIRST_SEQUENCE, ranges[-1][1])], ranges)


def contains(ranges: Ranges, number: int) -> bool:
    """True when `number` is in one of the ranges."""
    index = _index_from(ranges, number)
    return index < len(ranges) and ranges[index][0] <= number


def _index_from(ranges: Ranges, number: int) -> int:
    """The index of the first range that ends at `number` or later."""
    return bisect_left(ranges, number, key=lambda held: held[1])
