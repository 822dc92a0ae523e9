"""Deltas: the way from one bundle to the next, deflated with the device's own old entries as dictionary.

A delta needs no trust: what comes out of it is checked against the signed root of the target.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise

from nearwise_rules.bundle.bundles import Bundle, check_contents, open_manifest
from nearwise_rules.bundle.contents import Contents
from nearwise_rules.bundle.entries import is_key, is_kind
from nearwise_rules.bundle.framing import Frame, Part, read_frame, write_frame
from nearwise_rules.bundle.hashing import sha256
from nearwise_rules.bundle.limits import BundleLimits
from nearwise_rules.bundle.signing import Trust
from nearwise_rules.errors import BundleRefused, Refusal

FORMAT = 1
"""The delta format that this library writes, and the only one that it reads."""

_NAME = "nearwise.delta"
_FRAME_PARTS, _ENTRY_PARTS = 8, 14  # an entry is at most a block of its own: 6 parts, a name of 3, five numbers
_DICTIONARY_BYTES = 32 * 1024  # deflate's window (RFC 1951)
_REACH_BYTES = _DICTIONARY_BYTES - 262  # how far back zlib looks when it compresses


@dataclass(frozen=True, slots=True)
class _Block:
    """Entries deflated together. `similar` and `replaced` number old entries: their bodies are the dictionary.

    `sizes` are those of the new bodies, where a line feed cannot tell them apart; else there are none.
    """

    similar: list[int] = field(default_factory=list[int])
    replaced: list[int] = field(default_factory=list[int])
    added: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    deflated: bytes | memoryview = b""
    sizes: list[int] = field(default_factory=list[int])

    def dictionary(self, old: Contents) -> bytes:
        """The last 32 KiB of the bodies joined; no more than that is ever copied, whatever a block asks for."""
        tail: list[bytes | memoryview] = []
        room = _DICTIONARY_BYTES
        for number in reversed((*self.similar, *self.replaced)):
            if not room:
                break
            tail.append(old.body(number)[-room:])
            room -= len(tail[-1])
        return b"".join(reversed(tail))


def pack_delta(base: Bundle, target: Bundle) -> bytes | None:
    """Write the way from `base` to `target`; None when fetching the whole target is the better way.

    That is so when the delta exceeds a quarter of the target's entries (about what they come to compressed).
    """
    old, new = base.contents, target.contents
    removed = [number for number, name in enumerate(old.ordered_names()) if new.number(*name) is None]
    blocks: list[Part] = []
    for block in _plan(old, new):
        deflated, sizes = _deflated(block, old, new)
        blocks.append([block.similar, block.replaced, block.added, deflated, *([sizes] if sizes else ())])
    delta = write_frame([_NAME, FORMAT, bytes.fromhex(base.manifest.root), removed, blocks])
    return delta if len(delta) * 4 <= new.size_bytes else None


def _plan(old: Contents, new: Contents) -> Iterator[_Block]:
    """Divide what is new into blocks whose dictionaries stay within deflate's reach."""
    block, room = _Block(), _REACH_BYTES
    old_keys = {kind: [*keys] for kind, keys in old.names.items()}
    for kind, key in sorted(new.ordered_names(), key=lambda name: old.number(*name) is None):
        number = old.number(kind, key)
        if number is not None and old.digest(number) == new.digest(new.names[kind][key]):
            continue
        model = number if number is not None else _neighbour(old, kind, key, old_keys.get(kind, []))
        size = 0 if model is None else len(old.body(model))
        if size > room and room < _REACH_BYTES:
            yield block
            block, room = _Block(), _REACH_BYTES
        room -= size
        if number is not None:
            block.replaced.append(number)
            continue
        block.added.append((kind, key))
        if model is not None and model not in (*block.replaced, *block.similar):
            block.similar.append(model)
    if block.replaced or block.added:
        yield block


def _neighbour(old: Contents, kind: str, key: str, old_keys: Sequence[str]) -> int | None:
    """The number of the old entry that a new one is likely to resemble: the one before it in its kind."""
    return old.number(kind, old_keys[max(0, bisect(old_keys, key) - 1)]) if old_keys else None


def _deflated(block: _Block, old: Contents, new: Contents) -> tuple[bytes, list[int]]:
    """The new bodies deflated, and their sizes when one is no canonical JSON, which has no line feeds."""
    import zlib

    names = [*old.ordered_names()]
    bodies = [bytes(new.body(new.names[kind][key])) for kind, key in _block_names(block, names)]
    sizes = [*map(len, bodies)] if any(b"\n" in body for body in bodies) else []
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS, 9, zdict=block.dictionary(old))
    return deflate.compress(b"".join(body if sizes else body + b"\n" for body in bodies)) + deflate.flush(), sizes


def _block_names(block: _Block, names: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    return [*(names[number] for number in block.replaced), *block.added]


def apply_delta(
    base: Bundle, delta: bytes, target_envelope: bytes, trust: Trust, limits: BundleLimits | None = None
) -> Bundle:
    """Rebuild the target of a delta out of the base and verify it like a bundle that came whole.

    Raises:
        BundleRefused: with the reason; UNKNOWN_BASE and WRONG_ROOT mean: fetch the whole bundle.
    """
    limits = limits or BundleLimits()
    manifest = open_manifest(target_envelope, trust, limits)
    if len(delta) > limits.max_delta_bytes:
        raise BundleRefused(Refusal.TOO_LARGE, f"delta of {len(delta)} bytes, at most {limits.max_delta_bytes}")
    if manifest.entries > limits.max_entries:
        raise BundleRefused(Refusal.TOO_LARGE, f"bundle of {manifest.entries} entries, at most {limits.max_entries}")
    parts = _FRAME_PARTS + _ENTRY_PARTS * (len(base.contents) + manifest.entries)
    base_root, removed, blocks = _parts(read_frame(delta, max_parts=parts))
    if base_root.hex() != base.manifest.root:
        raise BundleRefused(Refusal.UNKNOWN_BASE, "the delta starts from another bundle")
    names = [*base.contents.ordered_names()]
    _check_numbers(names, removed, blocks)
    room = min(limits.max_inflated_bytes, manifest.size_bytes + manifest.entries)
    changes: dict[tuple[str, str], bytes] = {}
    for block in blocks:
        inflated = _inflated(block, base.contents, room)
        room -= len(inflated)
        changes |= _bodies(inflated, block.sizes, _block_names(block, names), limits)
    contents = _changed(base.contents, {names[number] for number in removed}, changes)
    check_contents(contents, manifest)
    return Bundle(manifest, target_envelope, contents)


def _parts(frame: list[Frame]) -> tuple[memoryview, list[int], list[_Block]]:
    match frame:
        case [str(name), int(version), *_] if name == _NAME and version != FORMAT:
            raise BundleRefused(Refusal.UNSUPPORTED_FORMAT, f"delta format {version}, this SDK reads {FORMAT}")
        case [str(name), int(_), memoryview() as base_root, list() as removed, list() as blocks] if name == _NAME:
            return base_root, _numbers(removed), [_block(block) for block in blocks]
        case _:
            raise BundleRefused(Refusal.MALFORMED, "not a delta")


def _block(frame: Frame) -> _Block:
    match frame:
        case [list() as similar, list() as replaced, list() as added, memoryview() as deflated]:
            return _Block(_numbers(similar), _numbers(replaced), _names(added), deflated)
        case [list() as similar, list() as replaced, list() as added, memoryview() as deflated, list() as sizes] if (
            sizes
        ):
            return _Block(_numbers(similar), _numbers(replaced), _names(added), deflated, _numbers(sizes))
        case _:
            raise BundleRefused(Refusal.MALFORMED, "delta has a block that is none")


def _names(parts: list[Frame]) -> list[tuple[str, str]]:
    return [_added_name(part) for part in parts]


def _numbers(parts: list[Frame]) -> list[int]:
    numbers = [part for part in parts if isinstance(part, int)]
    if len(numbers) != len(parts):
        raise BundleRefused(Refusal.MALFORMED, "delta has an entry number that is none")
    return numbers


def _added_name(part: Frame) -> tuple[str, str]:
    match part:
        case [str(kind), str(key)] if is_kind(kind) and is_key(key):
            return kind, key
        case _:
            raise BundleRefused(Refusal.MALFORMED, "delta adds a name that no entry may have")


def _check_numbers(names: Sequence[tuple[str, str]], removed: list[int], blocks: Sequence[_Block]) -> None:
    """Every old entry may be touched once, every new name be added once, and every number must be one of the base."""
    touched = [*removed, *(number for block in blocks for number in block.replaced)]
    similar = [number for block in blocks for number in block.similar]
    added = [name for block in blocks for name in block.added]
    if max((*touched, *similar), default=0) >= max(len(names), 1):
        raise BundleRefused(Refusal.MALFORMED, "delta has an entry number that the base has not")
    if len({*touched}) != len(touched) or len({*names, *added}) != len(names) + len(added):
        raise BundleRefused(Refusal.MALFORMED, "delta changes an entry twice")


def _inflated(block: _Block, old: Contents, room: int) -> bytes:
    import zlib

    inflate = zlib.decompressobj(-zlib.MAX_WBITS, zdict=block.dictionary(old))
    try:
        inflated = inflate.decompress(block.deflated, room + 1)
    except zlib.error:
        raise BundleRefused(Refusal.MALFORMED, "delta has a block that cannot be inflated") from None
    if len(inflated) > room:
        raise BundleRefused(Refusal.TOO_LARGE, "delta inflates to more than its target")
    if not inflate.eof or inflate.unused_data:
        raise BundleRefused(Refusal.MALFORMED, "delta has a block that is cut off or goes on after its end")
    return inflated


def _bodies(
    inflated: bytes, sizes: Sequence[int], names: Sequence[tuple[str, str]], limits: BundleLimits
) -> dict[tuple[str, str], bytes]:
    if not (_are_of(sizes, inflated, len(names)) if sizes else _are_lines(inflated, len(names))):
        raise BundleRefused(Refusal.MALFORMED, "delta has a block with another number of entries than it names")
    edges = pairwise(accumulate(sizes, initial=0))
    bodies = [inflated[start:stop] for start, stop in edges] if sizes else inflated[:-1].split(b"\n")
    largest = max(map(len, bodies))
    if largest > limits.max_entry_bytes:
        raise BundleRefused(Refusal.TOO_LARGE, f"entry of {largest} bytes, at most {limits.max_entry_bytes}")
    return dict(zip(names, bodies, strict=True))


def _are_of(sizes: Sequence[int], inflated: bytes, count: int) -> bool:
    return len(sizes) == count and min(sizes) > 0 and sum(sizes) == len(inflated)


def _are_lines(inflated: bytes, count: int) -> bool:
    return inflated.count(b"\n") == count and inflated.endswith(b"\n")


def _changed(old: Contents, removed: set[tuple[str, str]], changes: dict[tuple[str, str], bytes]) -> Contents:
    """The new contents; entries that stay keep the digests that were computed when the base was opened."""
    parts = {
        name: (old.body(number), old.digest(number))
        for number, name in enumerate(old.ordered_names())
        if name not in removed and name not in changes
    }
    parts.update((name, (body, sha256(body).digest())) for name, body in changes.items())
    ordered = sorted(parts)
    bodies = [parts[name][0] for name in ordered]
    return Contents.joined(ordered, bodies, b"".join(parts[name][1] for name in ordered))
