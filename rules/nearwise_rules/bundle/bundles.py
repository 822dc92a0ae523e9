"""Bundles: a signed manifest with its entries, packed as one file and opened only as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from nearwise_rules.bundle.contents import Contents
from nearwise_rules.bundle.entries import Entry
from nearwise_rules.bundle.framing import read_frame, write_frame
from nearwise_rules.bundle.limits import BundleLimits
from nearwise_rules.bundle.manifest import FORMAT, Manifest
from nearwise_rules.bundle.signing import Trust, open_envelope, unverified_payload
from nearwise_rules.errors import BundleRefused, Refusal
from nearwise_rules.records import Record

_NAME = "nearwise.bundle"


class Bundle(Record):
    """A verified manifest, its envelope as received, and the contents whose root it signs."""

    __slots__ = ("contents", "envelope", "manifest")

    manifest: Manifest
    envelope: bytes
    contents: Contents

    def __init__(self, manifest: Manifest, envelope: bytes, contents: Contents) -> None:
        self._fix(manifest=manifest, envelope=envelope, contents=contents)

    @property
    def index(self) -> Mapping[tuple[str, str], str]:
        """The digest (64 hex characters) of every entry by (kind, key), sorted."""
        names = self.contents.ordered_names()
        return {name: self.contents.digest(number).hex() for number, name in enumerate(names)}

    def entry(self, kind: str, key: str) -> bytes | None:
        """The body of an entry, None when the bundle has no such entry."""
        number = self.contents.number(kind, key)
        return None if number is None else bytes(self.contents.body(number))

    def view(self, kind: str, key: str) -> memoryview | None:
        """The body of an entry where it lies in the bundle's buffer, None when the bundle has no such entry."""
        number = self.contents.number(kind, key)
        return None if number is None else self.contents.view(number)

    def keys(self, kind: str) -> tuple[str, ...]:
        """The keys of all entries of a kind, sorted."""
        return tuple(self.contents.names.get(kind, ()))

    def entries(self) -> Iterator[Entry]:
        """All entries, sorted by (kind, key)."""
        for number, (kind, key) in enumerate(self.contents.ordered_names()):
            yield Entry(kind, key, bytes(self.contents.body(number)))

    def to_bytes(self) -> bytes:
        """The bundle file: what `open_bundle` reads."""
        return _pack(self.envelope, self.contents)


def pack_bundle(envelope: bytes, entries: Iterable[Entry]) -> bytes:
    """Write the bundle file of a sealed manifest and the entries that its root was made of, in any order.

    Raises:
        DocumentError: a name that no entry may have, or that occurs twice.
    """
    return _pack(envelope, Contents.of(entries))


def _pack(envelope: bytes, contents: Contents) -> bytes:
    return write_frame([_NAME, FORMAT, envelope, contents.index, contents.bodies])


def open_bundle(data: bytes, trust: Trust, limits: BundleLimits | None = None) -> Bundle:
    """Verify a bundle file whole: signature, scope, root hash and with it the digest of every entry.

    Entries stay slices of `data` until they are asked for.

    Raises:
        BundleRefused: with the reason; nothing of the file may be used.
    """
    limits = limits or BundleLimits()
    if len(data) > limits.max_bundle_bytes:
        raise BundleRefused(Refusal.TOO_LARGE, f"bundle of {len(data)} bytes, at most {limits.max_bundle_bytes}")
    envelope, index, bodies = _parts(data)
    manifest = open_manifest(bytes(envelope), trust, limits)
    contents = Contents.read(bytes(index), bodies, limits)
    check_contents(contents, manifest)
    return Bundle(manifest, bytes(envelope), contents)


def inspect_bundle(data: bytes, limits: BundleLimits | None = None) -> Bundle:
    """Open a bundle file to look at, whoever signed it: its entries are those that its own manifest names.

    Whoever knows the root from elsewhere, as recordings do, knows by it that this is the content. No device decides so.

    Raises:
        BundleRefused: MALFORMED, TOO_LARGE, UNSUPPORTED_FORMAT or WRONG_ROOT.
    """
    limits = limits or BundleLimits()
    envelope, index, bodies = _parts(data)
    manifest = Manifest.from_payload(unverified_payload(bytes(envelope), limits), limits)
    contents = Contents.read(bytes(index), bodies, limits)
    check_contents(contents, manifest)
    return Bundle(manifest, bytes(envelope), contents)


def _parts(data: bytes) -> tuple[memoryview, memoryview, memoryview]:
    match read_frame(data):
        case [str(name), int(version), *_] if name == _NAME and version != FORMAT:
            raise BundleRefused(Refusal.UNSUPPORTED_FORMAT, f"bundle format {version}, this SDK reads {FORMAT}")
        case [str(name), int(_), memoryview() as envelope, memoryview() as index, memoryview() as bodies] if (
            name == _NAME
        ):
            return envelope, index, bodies
        case _:
            raise BundleRefused(Refusal.MALFORMED, "not a bundle file")


def open_manifest(envelope: bytes, trust: Trust, limits: BundleLimits | None = None) -> Manifest:
    """Verify an envelope, and that the manifest in it is meant for us.

    Raises:
        BundleRefused: MALFORMED, TOO_LARGE, UNSUPPORTED_FORMAT, UNKNOWN_KEY, BAD_SIGNATURE or WRONG_SCOPE.
    """
    manifest = Manifest.from_payload(open_envelope(envelope, trust, limits), limits)
    if not trust.covers(manifest.tenant, manifest.environment, manifest.audience):
        raise BundleRefused(Refusal.WRONG_SCOPE, f"meant for {manifest.scope}")
    return manifest


def check_contents(contents: Contents, manifest: Manifest) -> None:
    """Check that these are the very entries the manifest was signed for.

    Raises:
        BundleRefused: WRONG_ROOT.
    """
    stated = (manifest.entries, manifest.size_bytes, manifest.root)
    if (len(contents), contents.size_bytes, contents.root) != stated:
        raise BundleRefused(Refusal.WRONG_ROOT, "the entries are not those that the manifest was signed for")
