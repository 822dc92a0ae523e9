"""Building the filter of an audience out of its keys: the same keys give the same bytes, in whatever order."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import chain, pairwise
from typing import TypeAlias

from nearwise_rules.audiences.filters import (
    MAX_EXCEPTIONS,
    MAX_KEY_CHARACTERS,
    MAX_KEYS,
    NO_SHAPE,
    AudienceFilter,
    Head,
    hash_bytes,
    is_listed,
    key_hash,
    seed_bytes,
)
from nearwise_rules.audiences.fuse import CHUNK, Told, admitting, fingerprints_of, shape_for

LISTED_KEYS = 1_000
"""Up to so many keys are listed by their hashes instead of filtered: a list of testers admits nobody by chance."""

Progress: TypeAlias = "Callable[[float], None]"
"""Hears, from time to time, which part of the work is done: 0 to 1."""

_SEEDS = 100
_PASSES = 4  # hashing, and three in `fuse`


def build_filter(
    keys: Collection[str],
    *,
    known: Collection[str] = (),
    without: Collection[str] = (),
    purposes: int = 0,
    progress: Progress | None = None,
) -> AudienceFilter:
    """Build the filter that holds `keys`, but none of `without`; keys that occur twice count once.

    For keys of `known`, all subjects there are, the answer is exact: those that are no members and would be admitted
    by chance are listed as exceptions. `purposes` is the mask of what a subject must consent to.

    Raises:
        ValueError: more keys or exceptions than an audience may have, or a key that is too long or has no UTF-8 form.
    """
    if len(keys) > MAX_KEYS:
        raise ValueError(f"an audience has at most {MAX_KEYS:,} keys, and these are {len(keys):,}")
    left_out = frozenset(without)
    members = [key for key in keys if key not in left_out] if left_out else keys
    meter = _Meter(progress, _PASSES * len(members) + len(known))
    for seed in range(_SEEDS):
        built = _Attempt(seed, meter).build(members, known, left_out, purposes)
        if built is not None:
            return built
    raise ValueError(f"none of {_SEEDS} seeds gives a filter of these keys")


class _Meter:
    """Counts keys worked on, pass by pass, and tells the part of the whole. More seeds than one are not expected."""

    def __init__(self, progress: Progress | None, whole: int) -> None:
        self._progress = progress
        self._whole = max(whole, 1)
        self._done = 0

    def told(self, keys: int) -> None:
        self._done += keys
        if self._progress is not None:
            self._progress(min(1.0, self._done / self._whole))


class _Attempt:
    """One seed. About one in a hundred does not work for small filters, hardly any for large ones."""

    def __init__(self, seed: int, meter: _Meter) -> None:
        self._number = seed
        self._seed = seed_bytes(seed)
        self._told: Told = meter.told

    def build(
        self, members: Collection[str], known: Iterable[str], left_out: Collection[str], purposes: int
    ) -> AudienceFilter | None:
        """The filter; None when this seed gives none."""
        hashes = _different(self._hashes(members))
        foreign = {key_hash(self._seed, key) for key in left_out}
        if any(is_listed(hashes, hashed) for hashed in foreign):
            return None  # who is left out cannot be told from a member by this hash
        head = Head(len(hashes) > LISTED_KEYS, purposes, self._number, len(hashes), 0, NO_SHAPE)
        if not head.fuse:
            return _filter(head, hash_bytes(hashes))
        shape = shape_for(len(hashes))
        fingerprints = fingerprints_of(hashes, shape, self._told)
        if fingerprints is None:
            return None
        admits = admitting(fingerprints, shape)
        strangers = (hashed for hashed in chain(foreign, self._hashes(known)) if admits(hashed))
        exceptions = sorted({hashed for hashed in strangers if not is_listed(hashes, hashed)})
        if len(exceptions) > MAX_EXCEPTIONS:
            raise ValueError(
                f"an audience has at most {MAX_EXCEPTIONS:,} exceptions, this would have {len(exceptions):,}"
            )
        return _filter(head._replace(exceptions=len(exceptions), shape=shape), hash_bytes(exceptions) + fingerprints)

    def _hashes(self, keys: Iterable[str]) -> Iterator[int]:
        seed, told = self._seed, self._told
        for number, key in enumerate(keys, 1):
            if len(key) > MAX_KEY_CHARACTERS:
                raise ValueError(f"a key has at most {MAX_KEY_CHARACTERS:,} characters, this one {len(key):,}")
            yield key_hash(seed, key)
            if not number % CHUNK:
                told(CHUNK)


def _different(hashes: Iterable[int]) -> list[int]:
    """The hashes in ascending order, each once."""
    ordered = sorted(hashes)
    return [*(one for one, following in pairwise(ordered) if one != following), *ordered[-1:]]


def _filter(head: Head, rest: bytes) -> AudienceFilter:
    return AudienceFilter.from_bytes(head.to_bytes() + rest)
