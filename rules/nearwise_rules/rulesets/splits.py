"""The ranges of a split: which ten-thousandths of the subjects each variant gets, and who keeps what on a change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

WHOLE = 10_000
"""Basis points in a whole: the resolution of every split."""


class Range(NamedTuple):
    """Buckets from `first` up to, not including, `end` (basis points, 0..10,000) belong to `variant`."""

    variant: str
    first: int
    end: int

    @property
    def width(self) -> int:
        return self.end - self.first


def basis_points(percent: float) -> int:
    """The share of `percent` in basis points.

    Raises:
        ValueError: the percentage is not within 0..100 or has more than two decimals.
    """
    if not 0 <= percent <= 100 or abs(percent * 100 - round(percent * 100)) > 1e-6:
        raise ValueError(f"{percent} is not a percentage from 0 to 100 with at most two decimals")
    return round(percent * 100)


def lay_out(shares: Mapping[str, int], previous: Iterable[Range] = ()) -> tuple[Range, ...]:
    """Give each variant of `shares` (basis points, at most 10,000 together) its ranges.

    Without `previous` the ranges are contiguous in the order of `shares`, as flagd's `fractional` lays them out. With
    `previous`, a variant keeps the buckets it has as far as its new share reaches, and a growing one takes first what
    others gave up, then what nobody had: only subjects of shrinking shares, or of none, move.

    Raises:
        ValueError: the shares exceed the whole, or `previous` overlaps itself or leaves 0..10,000.
    """
    if sum(shares.values()) > WHOLE or any(share < 0 for share in shares.values()):
        raise ValueError("the shares of a split exceed 100 percent")
    held = _sorted_and_checked(previous)
    kept: list[Range] = []
    freed: list[Range] = []
    wanted = dict(shares)
    for piece in held:
        stays = min(piece.width, wanted.get(piece.variant, 0))
        wanted[piece.variant] = wanted.get(piece.variant, 0) - stays
        kept.append(Range(piece.variant, piece.first, piece.first + stays))
        freed.append(Range("", piece.first + stays, piece.end))
    taken = _take(wanted, [*freed, *_gaps(held)])
    return _merged(sorted([*kept, *taken], key=lambda piece: piece.first))


def _sorted_and_checked(ranges: Iterable[Range]) -> list[Range]:
    held = sorted(ranges, key=lambda piece: (piece.first, piece.end))
    edge = 0
    for piece in held:
        if not edge <= piece.first <= piece.end <= WHOLE:
            raise ValueError(f"range {tuple(piece)} overlaps another or leaves 0..{WHOLE}")
        edge = piece.end
    return held


def _gaps(held: Sequence[Range]) -> list[Range]:
    starts = [0, *(piece.end for piece in held)]
    ends = [*(piece.first for piece in held), WHOLE]
    return [Range("", start, end) for start, end in zip(starts, ends, strict=True)]


def _take(wanted: Mapping[str, int], pool: Iterable[Range]) -> list[Range]:
    """Serve `wanted` in its order from the pieces of `pool` in theirs."""
    free = [piece for piece in pool if piece.width]
    taken: list[Range] = []
    for variant, share in wanted.items():
        missing = share
        while missing > 0:
            piece = free.pop(0)
            width = min(missing, piece.width)
            missing -= width
            taken.append(Range(variant, piece.first, piece.first + width))
            if width < piece.width:
                free.insert(0, Range("", piece.first + width, piece.end))
    return taken


def _merged(ranges: Iterable[Range]) -> tuple[Range, ...]:
    """Neighbours of one variant become one range; empty ranges vanish."""
    merged: list[Range] = []
    for piece in ranges:
        if not piece.width:
            continue
        if merged and merged[-1].variant == piece.variant and merged[-1].end == piece.first:
            merged[-1] = Range(piece.variant, merged[-1].first, piece.end)
        else:
            merged.append(piece)
    return tuple(merged)
