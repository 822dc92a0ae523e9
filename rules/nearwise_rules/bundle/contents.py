"""Contents: the entries of a bundle in one buffer, with the digest of each.

The index gives their names and sizes: canonical JSON `{kind: {key: bytes}}`, in the order of the bodies.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import cast

from nearwise_rules.bundle.canonical import canonical_json, load_object
from nearwise_rules.bundle.entries import Entry, is_key, is_kind
from nearwise_rules.bundle.hashing import sha256
from nearwise_rules.bundle.limits import BundleLimits
from nearwise_rules.errors import BundleRefused, DocumentError, Problem, Refusal


class Contents:
    """Entries sorted by (kind, key) and numbered from 0; entry n is `bodies[offsets[n]:offsets[n + 1]]`. Never changes.

    `names` gives the number by kind and key, `digests` are the SHA-256 of all bodies, 32 bytes each, joined.
    """

    __slots__ = ("bodies", "digests", "names", "offsets")

    def __init__(
        self,
        names: Mapping[str, Mapping[str, int]],
        offsets: Sequence[int],
        bodies: bytes | memoryview,
        digests: bytes,
    ) -> None:
        self.names = names
        self.offsets = offsets
        self.bodies = bodies
        self.digests = digests

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Contents:
        """Collect entries, given in any order.

        Raises:
            DocumentError: every name that no entry may have and every name that occurs twice.
        """
        ordered = sorted(entries, key=_name)
        problems = (*_bad_names(ordered), *_repeated_names(ordered))
        if problems:
            raise DocumentError(problems)
        digests = b"".join([sha256(entry.body).digest() for entry in ordered])
        return cls.joined(map(_name, ordered), [entry.body for entry in ordered], digests)

    @classmethod
    def joined(cls, names: Iterable[tuple[str, str]], bodies: Sequence[bytes | memoryview], digests: bytes) -> Contents:
        """Collect entries whose names are known to be good and sorted, and whose digests are known."""
        numbers: dict[str, dict[str, int]] = {}
        for number, (kind, key) in enumerate(names):
            numbers.setdefault(kind, {})[key] = number
        return cls(numbers, _offsets(map(len, bodies)), b"".join(bodies), digests)

    @classmethod
    def read(cls, index: bytes, bodies: memoryview, limits: BundleLimits) -> Contents:
        """Cut received bodies as a received index says, and hash each of them.

        Raises:
            BundleRefused: MALFORMED or TOO_LARGE.
        """
        if len(index) > limits.max_index_bytes:
            raise BundleRefused(Refusal.TOO_LARGE, f"index of {len(index)} bytes, at most {limits.max_index_bytes}")
        names, sizes = _read_index(load_object(index, "index"), limits)
        offsets = _offsets(sizes)
        if offsets[-1] != len(bodies):
            raise BundleRefused(Refusal.MALFORMED, f"{len(bodies)} bytes of entries, the index says {offsets[-1]}")
        digests = b"".join([sha256(bodies[start:stop]).digest() for start, stop in pairwise(offsets)])
        return cls(names, offsets, bodies, digests)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def size_bytes(self) -> int:
        """The size of all bodies together."""
        return self.offsets[-1]

    @property
    def index(self) -> bytes:
        """The index as canonical JSON."""
        sizes = [stop - start for start, stop in pairwise(self.offsets)]
        return canonical_json(
            {kind: {key: sizes[number] for key, number in keys.items()} for kind, keys in self.names.items()}
        )

    @property
    def root(self) -> str:
        """The root hash (see `root_hash`), 64 hex characters."""
        digests = iter(self.digests.hex("\n", 32).split("\n"))
        lines = [f"{next(digests)}  {kind}/{key}\n" for kind, keys in self.names.items() for key in keys]
        return sha256("".join(lines).encode()).hexdigest()

    def ordered_names(self) -> Iterator[tuple[str, str]]:
        """(kind, key) of every entry, in order of their numbers."""
        return ((kind, key) for kind, keys in self.names.items() for key in keys)

    def number(self, kind: str, key: str) -> int | None:
        """The number of an entry, None when there is none of that name."""
        return self.names.get(kind, {}).get(key)

    def body(self, number: int) -> bytes | memoryview:
        """The body of an entry."""
        return self.bodies[self.offsets[number] : self.offsets[number + 1]]

    def view(self, number: int) -> memoryview:
        """The body of an entry, never a copy."""
        return memoryview(self.bodies)[self.offsets[number] : self.offsets[number + 1]]

    def digest(self, number: int) -> bytes:
        """The SHA-256 of an entry's body, 32 bytes."""
        return self.digests[32 * number : 32 * number + 32]


def _name(entry: Entry) -> tuple[str, str]:
    return entry.kind, entry.key


def _offsets(sizes: Iterable[int]) -> list[int]:
    return list(accumulate(sizes, initial=0))


def _bad_names(entries: Iterable[Entry]) -> Iterator[Problem]:
    for entry in entries:
        if not is_kind(entry.kind):
            yield Problem("bad_kind", "", f"{entry.kind!r} cannot be the kind of an entry")
        if not is_key(entry.key):
            yield Problem("bad_key", "", f"{entry.key!r} cannot be the key of an entry")
        if not entry.body:
            yield Problem("empty_entry", "", f"{entry.kind}/{entry.key} has no body")


def _repeated_names(ordered: Sequence[Entry]) -> Iterator[Problem]:
    for before, entry in pairwise(ordered):
        if _name(before) == _name(entry):
            yield Problem("repeated_entry", "", f"{entry.kind}/{entry.key} occurs twice")


def _read_index(index: dict[str, object], limits: BundleLimits) -> tuple[dict[str, dict[str, int]], list[int]]:
    """The numbers by kind and key, and the sizes in order, of an index that nobody has checked yet."""
    numbers: dict[str, dict[str, int]] = {}
    sizes: list[int] = []
    for kind, members in _sorted_members(index):
        if not is_kind(kind) or not isinstance(members, dict) or not members:
            raise BundleRefused(Refusal.MALFORMED, "index has a kind that is none")
        keys = cast("dict[str, object]", members)
        numbers[kind] = dict(zip(keys, range(len(sizes), len(sizes) + len(keys)), strict=True))
        sizes.extend(_read_sizes(keys, limits))
        if len(sizes) > limits.max_entries:
            raise BundleRefused(Refusal.TOO_LARGE, f"more than {limits.max_entries} entries")
    return numbers, sizes


def _read_sizes(keys: dict[str, object], limits: BundleLimits) -> Iterable[int]:
    _sorted_members(keys)
    if not all(map(is_key, keys)):
        raise BundleRefused(Refusal.MALFORMED, "index has a key that is none")
    sizes = cast("list[int]", list(keys.values()))
    if {*map(type, sizes)} != {int} or min(sizes) < 1:
        raise BundleRefused(Refusal.MALFORMED, "index has a size that is none")
    if max(sizes) > limits.max_entry_bytes:
        raise BundleRefused(Refusal.TOO_LARGE, f"entry of {max(sizes)} bytes, at most {limits.max_entry_bytes}")
    return sizes


def _sorted_members(members: dict[str, object]) -> Iterable[tuple[str, object]]:
    if [*members] != sorted(members):
        raise BundleRefused(Refusal.MALFORMED, "index is not sorted")
    return members.items()
