"""The private key that signs manifests: a file that only its owner may read, never a row in the database.

The file holds the 32-byte Ed25519 seed (RFC 8032) as base64url text without padding.
"""

from __future__ import annotations

import base64
import os
import stat

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from nearwise_rules import Signer
from nearwise_server.errors import SigningKeyRefused

_SEED_BYTES = 32


def load_signing_key(path: str) -> Signer:
    """Read the key file.

    Raises:
        SigningKeyRefused: there is none, others may read it, or it is not a key.
    """
    try:
        with open(path, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(256).strip()
    except OSError as error:
        raise SigningKeyRefused(f"{path}: {error.strerror}") from error
    if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        raise SigningKeyRefused(f"{path}: others may read it; run `chmod 600` on it")
    try:
        seed = base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError as error:
        raise SigningKeyRefused(f"{path}: not a signing key") from error
    if len(seed) != _SEED_BYTES:
        raise SigningKeyRefused(f"{path}: not a signing key")
    private = Ed25519PrivateKey.from_private_bytes(seed)
    return Signer(private.public_key().public_bytes_raw(), private.sign)


def ensure_signing_key(path: str) -> Signer:
    """Read the key file, or make one when there is none. Two processes that start together end with one key.

    Raises:
        SigningKeyRefused: the file cannot be read or written, or is not a key.
    """
    if not os.path.exists(path):
        _create(path)
    return load_signing_key(path)


def _create(path: str) -> None:
    folder = os.path.dirname(os.path.abspath(path))
    partial = f"{path}.{os.getpid()}.partial"
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.urlsafe_b64encode(os.urandom(_SEED_BYTES)).rstrip(b"=") + b"\n")
            file.flush()
            os.fsync(file.fileno())
        _publish(partial, path)
    except OSError as error:
        raise SigningKeyRefused(f"{path}: {error.strerror}") from error


def _publish(partial: str, path: str) -> None:
    try:
        os.link(partial, path)  # fails when another process was first, and then its key stands
    except FileExistsError:
        pass
    finally:
        os.unlink(partial)
