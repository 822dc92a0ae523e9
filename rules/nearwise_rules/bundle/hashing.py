"""SHA-256 and SHA-512 from where they start fastest; the digests are the same everywhere.

OpenSSL hashes two to three times as fast as the interpreter's built-in code, but loading it takes 4 ms of every start.
So it is used when the process has it already. The standard library's `random` prefers the built-in code too.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol, TypeAlias

    class Digest(Protocol):
        """What a hash function returns, as far as it is used here."""

        def digest(self) -> bytes: ...
        def hexdigest(self) -> str: ...

    HashFunction: TypeAlias = Callable[[bytes | memoryview], Digest]


def _hash_functions() -> tuple[HashFunction, HashFunction]:
    if "_hashlib" not in sys.modules:
        homes = ("_sha2", "_sha2") if sys.version_info >= (3, 12) else ("_sha256", "_sha512")
        with suppress(ImportError):  # an interpreter may be built without them
            first, second = map(import_module, homes)
            return cast("HashFunction", first.sha256), cast("HashFunction", second.sha512)
    import hashlib

    return hashlib.sha256, hashlib.sha512


sha256, sha512 = _hash_functions()
