"""Entries: the named, content-addressed parts of a bundle, and the root hash over all of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from nearwise_rules.bundle.canonical import canonical_json
from nearwise_rules.bundle.hashing import sha256

MAX_KIND_CHARACTERS = 32
MAX_KEY_BYTES = 256

_KIND_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789-"


class Entry(NamedTuple):
    """One object of a bundle: its kind ("flag"), its key within the kind, and its body.

    The body is canonical JSON, but for kinds that define bytes of their own ("audience").
    """

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
    """Hash the content of a bundle, given (kind, key, digest) of its entries in any order.

    It is the SHA-256 of one line `<digest>  <kind>/<key>` per entry, sorted by (kind, key): what `sha256sum` prints
    when every kind is a folder, so that a bundle can be checked by hand.
    """
    lines = (f"{digest}  {kind}/{key}\n" for kind, key, digest in sorted(index))
    return sha256("".join(lines).encode()).hexdigest()


def is_kind(text: str) -> bool:
    """True for a name that a kind may have: 1..32 of `a-z`, `0-9` and `-`."""
    return 0 < len(text) <= MAX_KIND_CHARACTERS and not text.strip(_KIND_CHARACTERS)


def is_key(text: str) -> bool:
    """True for a key that an entry may have: 1..256 bytes of UTF-8, no control character (below U+0020, U+007F)."""
    if text.isascii() and text.isprintable():
        return 0 < len(text) <= MAX_KEY_BYTES
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        return False
    return size <= MAX_KEY_BYTES and not any(character < " " or character == "\x7f" for character in text)
