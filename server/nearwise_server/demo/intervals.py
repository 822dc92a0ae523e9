"""Shares and their intervals: Wilson's score interval for one, Newcombe's for the difference of two.

E. B. Wilson, JASA 22 (1927) 209-212; R. G. Newcombe, "Interval estimation for the difference between independent
proportions", Statistics in Medicine 17 (1998) 873-890, method 10.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot, sqrt

Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` of `total`."""

    hits: int
    total: int

    @property
    def rate(self) -> float | None:
        """The share (0-1); None of nothing."""
        return self.hits / self.total if self.total else None

    def interval(self, z: float = Z95) -> tuple[float, float]:
        """Wilson's score interval (0-1); (0, 1) of nothing."""
        if not self.total:
            return 0.0, 1.0
        n, p = self.total, self.hits / self.total
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
        return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True, slots=True)
class Difference:
    """How far a share lies above another: the estimate and its interval, all from -1 to 1."""

    estimate: float
    low: float
    high: float

    @property
    def conclusive(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.low > 0 or self.high < 0


def difference(one: Share, other: Share, z: float = Z95) -> Difference | None:
    """The first share minus the second, with Newcombe's interval; None when either is of nothing."""
    if one.rate is None or other.rate is None:
        return None
    (low1, high1), (low2, high2) = one.interval(z), other.interval(z)
    gap = one.rate - other.rate
    return Difference(
        gap, gap - hypot(one.rate - low1, high2 - other.rate), gap + hypot(high1 - one.rate, other.rate - low2)
    )
