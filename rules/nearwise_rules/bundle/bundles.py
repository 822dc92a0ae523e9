"""Bundles: a verified manifest with its entries, packed as one file and opened only as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from nearwise_rules.bundle.canonical import canonical_json, load_json
from nearwise_rules.bundle.entries import Entry, is_key, is_kind
from nearwise_rules.bundle.framing import read_frame, write_frame
from nearwise_rules.bundle.hashing import sha256
from nearwise_rules.bundle.limits import BundleLimits
from nearwise_rules.bundle.manifest import FORMAT, Manifest
from nearwise_rules.bundle.signing import Trust, open_envelope
from nearwise_rules.errors import BundleRefused, Refusal

_MAGIC = "nearwise.bundle"


@dataclass(frozen=True, slots=True, eq=False)
class Bundle:
    """Entries whose digests are what the manifest's signature covers. Bodies are slices of one buffer."""

    manifest: Manifest
    envelope: bytes
    _bodies: memoryview
    _names: Mapping[tuple[str, str], tuple[int, int, bytes]]

    @property
    def index(self) -> Mapping[tuple[str, str], str]:
        """Digest (hex) per (kind, key), in order."""
        return {name: digest.hex() for name, (_, _, digest) in self._names.items()}

    def entry(self, kind: str, key: str) -> bytes | None:
        """The canonical JSON of an entry, None when the bundle has no such entry."""
        found = self._names.get((kind, key))
        return None if found is None else bytes(self._bodies[found[0] : found[1]])

    def keys(self, kind: str) -> tuple[str, ...]:
        """The keys of all entries of a kind, sorted."""
        return tuple(key for other, key in self._names if other == kind)

    def entries(self) -> Iterator[Entry]:
        """All entries, sorted by (kind, key)."""
        for (kind, key), (start, stop, _) in self._names.items():
            yield Entry(kind, key, bytes(self._bodies[start:stop]))


def pack_bundle(envelope: bytes, entries: Iterable[Entry]) -> bytes:
    """Write a bundle file out of a sealed manifest and the entries it was made for."""
    index: dict[str, dict[str, int]] = {}
    ordered = sorted(entries, key=lambda entry: (entry.kind, entry.key))
    for entry in ordered:
        index.setdefault(entry.kind, {})[entry.key] = len(entry.body)
    bodies = b"".join(entry.body for entry in ordered)
    return write_frame([_MAGIC, FORMAT, envelope, canonical_json(index), bodies])


def open_bundle(data: bytes, trust: Trust, limits: BundleLimits | None = None) -> Bundle:
    """Verify a received bundle whole: signature, scope, root hash and with it every entry's digest.

    Raises:
        BundleRefused: with the reason; nothing of the bundle may be used.
    """
    limits = limits or BundleLimits()
    if len(data) > limits.max_bundle_bytes:
        raise BundleRefused(Refusal.TOO_LARGE, f"bundle of {len(data)} bytes")
    match read_frame(data):
        case [
            str() as magic,
            int() as version,
            memoryview() as envelope,
            memoryview() as index,
            memoryview() as bodies,
        ]:
            pass
        case _:
            raise BundleRefused(Refusal.MALFORMED, "not a bundle")
    if magic != _MAGIC or version != FORMAT:
        raise BundleRefused(Refusal.UNSUPPORTED_FORMAT, f"{magic} {version}")
    manifest = open_manifest(bytes(envelope), trust, limits)
    sizes = cast("dict[str, dict[str, int]]", load_json(bytes(index), "index"))
    names: dict[tuple[str, str], tuple[int, int, bytes]] = {}
    lines: list[str] = []
    start = 0
    for kind, keys in sizes.items():
        for key, size in keys.items():
            if not (is_kind(kind) and is_key(key)):
                raise BundleRefused(Refusal.MALFORMED, "bad name")
            digest = sha256(bodies[start : start + size])
            lines.append(f"{digest.hexdigest()}  {kind}/{key}\n")
            names[kind, key] = (start, start + size, digest.digest())
            start += size
    if start != len(bodies) or sha256("".join(lines).encode()).hexdigest() != manifest.root:
        raise BundleRefused(Refusal.WRONG_ROOT, "the entries are not what was signed")
    return Bundle(manifest, bytes(envelope), bodies, names)


def open_manifest(envelope: bytes, trust: Trust, limits: BundleLimits | None = None) -> Manifest:
    """Verify an envelope and its scope and return the manifest in it.

    Raises:
        BundleRefused: with the reason.
    """
    manifest = Manifest.from_payload(open_envelope(envelope, trust, limits), limits)
    if not trust.covers(manifest.tenant, manifest.environment, manifest.audience):
        meant = f"{manifest.tenant}/{manifest.environment}/{manifest.audience}"
        raise BundleRefused(Refusal.WRONG_SCOPE, f"meant for {meant}")
    return manifest
