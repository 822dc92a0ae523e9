"""Which decisions are recorded: a share of them, chosen by a hash of their id, so that anybody can tell which."""

from __future__ import annotations

from typing import Final
from zlib import crc32

from nearwise_rules.decide.splits import basis_point, bucket_key
from nearwise_rules.logic.murmur3 import murmur3_32

SALT: Final = b"recording/"
"""What is hashed with the id: of its own, so that who is recorded has nothing to do with holdouts and splits."""

_KEYS_KEPT = 10_000


class Sampling:
    """Chooses among the decisions of one bundle. `basis_points` (1/10,000) of them are recorded."""

    __slots__ = ("_points", "_start", "_sums")

    def __init__(self, version: int, basis_points: int) -> None:
        self._points = basis_points
        self._start = SALT + b"%x-" % version
        self._sums: dict[str, int] = {}

    def takes(self, key: str, subject: object, at: float) -> bool:
        """Whether the decision of that key, subject and clock is recorded.

        Its id is put together here as `decision_id` does it, because every decision is looked at.
        """
        begun = self._sums.get(key)
        if begun is None:
            if len(self._sums) >= _KEYS_KEPT:
                self._sums = {}
            begun = self._sums[key] = crc32(f"{key}\0".encode("utf-8", "surrogatepass"))
        text = subject if type(subject) is str and subject.isascii() else str(bucket_key(subject))
        named = self._start + b"%x-%08x" % (round(at * 1e6), crc32(text.encode(), begun))
        return basis_point(murmur3_32(named)) < self._points
