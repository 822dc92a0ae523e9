"""SHA-2 for the device: the interpreter's built-in modules where they start faster than OpenSSL."""

from __future__ import annotations

from hashlib import sha256, sha512

__all__ = ["sha256", "sha512"]
