"""MurmurHash3 (x86, 32 bit), the hash behind every bucket. Where the `mmh3` extension is installed, it does the work.

Source: Austin Appleby, https://github.com/aappleby/smhasher, `MurmurHash3_x86_32` (public domain).
"""

from __future__ import annotations

from collections.abc import Callable

_MASK = 0xFFFFFFFF
_C1 = 0xCC9E2D51
_C2 = 0x1B873593


def murmur3_32_pure(data: bytes, seed: int = 0) -> int:
    """Hash bytes to an unsigned 32-bit integer, in Python alone."""
    length = len(data)
    whole = length & ~3
    state = seed & _MASK
    for start in range(0, whole, 4):
        state ^= _scrambled(int.from_bytes(data[start : start + 4], "little"))
        state = (state << 13 | state >> 19) & _MASK
        state = (state * 5 + 0xE6546B64) & _MASK
    if whole < length:
        state ^= _scrambled(int.from_bytes(data[whole:], "little"))
    return _finished(state ^ length)


def _scrambled(block: int) -> int:
    block = block * _C1 & _MASK
    return (block << 15 | block >> 17) * _C2 & _MASK


def _finished(state: int) -> int:
    state ^= state >> 16
    state = state * 0x85EBCA6B & _MASK
    state ^= state >> 13
    state = state * 0xC2B2AE35 & _MASK
    return state ^ state >> 16


def _fastest() -> Callable[[bytes], int]:
    try:
        from mmh3 import mmh3_32_uintdigest
    except ImportError:
        return murmur3_32_pure
    digest: Callable[[bytes], int] = mmh3_32_uintdigest
    return digest


murmur3_32: Callable[[bytes], int] = _fastest()
"""Hash bytes with seed 0 to an unsigned 32-bit integer, by the fastest implementation that is installed."""
