"""Entries: the named, content-addressed parts of a bundle, and the root hash over all of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from nearwise_rules.bundle.canonical import canonical_json
from nearwise_rules.bundle.hashing import sha256

MAX_KIND_CHARACTERS = 32
MAX_KEY_BYTES = 256


@dataclass(frozen=True, slots=True)
class Entry:
    """One object of a bundle: its kind ("flag"), its key within the kind, and its canonical JSON."""

    kind: str
    key: str
    body: bytes

    @classmethod
    def of(cls, kind: str, key: str, document: object) -> Entry:
        """Make an entry of a JSON document.

        Raises:
            DocumentError: the document cannot be written as JSON.
        """
        return cls(kind, key, canonical_json(document))

    @property
    def digest(self) -> str:
        """SHA-256 of the body, 64 hex characters: the entry's address."""
        return sha256(self.body).hexdigest()


def root_hash(index: Iterable[tuple[str, str, str]]) -> str:
    """Hash a bundle's content: SHA-256 over one line `<digest>  <kind>/<key>` per entry, sorted by (kind, key).

    The lines are what `sha256sum` prints for a folder per kind, so a bundle can be checked by hand.
    """
    lines = [f"{digest}  {kind}/{key}\n" for kind, key, digest in sorted(index)]
    return sha256("".join(lines).encode()).hexdigest()


def is_kind(text: object) -> bool:
    """True for a name a kind may have: 1..32 of `a-z`, `0-9` and `-`."""
    return isinstance(text, str) and 0 < len(text) <= MAX_KIND_CHARACTERS and not text.strip(_KIND_CHARACTERS)


def is_key(text: object) -> bool:
    """True for a key an entry may have: 1..256 bytes of printable UTF-8 text."""
    if not isinstance(text, str) or not text or not text.isprintable():
        return False
    return len(text.encode()) <= MAX_KEY_BYTES


_KIND_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789-"
