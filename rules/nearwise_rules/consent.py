"""Consent: the purposes that a subject may grant, as names and as bits of a mask."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

PURPOSES: Final = ("store", "contextual", "profile", "personalise", "measure", "analyse", "train", "share")
"""In the order of their bits: `store` is 1, `contextual` 2 ... Nothing is granted by default."""

UNKNOWN_PURPOSE: Final = 1 << len(PURPOSES)
"""The bit of a purpose that this version does not know: nobody can grant it."""

_BITS: Final = {name: 1 << place for place, name in enumerate(PURPOSES)}


def purposes_mask(names: Iterable[str]) -> int:
    """The bits of some purposes; an unknown one asks for what nobody can grant."""
    mask = 0
    for name in names:
        mask |= _BITS.get(name, UNKNOWN_PURPOSE)
    return mask


def purposes_of(mask: int) -> tuple[str, ...]:
    """The names of the purposes in a mask, in order."""
    return tuple(name for name, bit in _BITS.items() if mask & bit)
