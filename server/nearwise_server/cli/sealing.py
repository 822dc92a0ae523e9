"""Sealing a built rule set into a bundle file with a key of this machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nearwise_rules import (
    Bundle,
    BundleRefused,
    Manifest,
    Trust,
    open_bundle,
    pack_bundle,
    public_key_text,
    seal,
)
from nearwise_server.authoring import Built
from nearwise_server.cli.errors import CommandFailed
from nearwise_server.settings import Settings
from nearwise_server.signing_keys import load_signing_key


@dataclass(frozen=True)
class BundleFile:
    """What a bundle file is for: the file of the private key, the version, the environment."""

    signing_key: str
    version: int
    environment: str


@dataclass(frozen=True)
class SealedBundle:
    """The bytes of a bundle file, what was signed, and the public key to pin."""

    data: bytes
    manifest: Manifest
    public_key: str


def seal_bundle(built: Built, file: BundleFile, now: float) -> SealedBundle:
    """Sign the entries of a rule set without problems. Tenant, audience and oldest SDK are a centre's defaults.

    Raises:
        SigningKeyRefused: the key file cannot be used.
    """
    signer = load_signing_key(file.signing_key)
    defaults = Settings(data=".")
    manifest = Manifest(
        tenant=defaults.tenant,
        environment=file.environment,
        audience=defaults.audience,
        version=file.version,
        issued=now,
        grace=built.settings.grace,
        min_sdk=defaults.min_sdk,
    ).covering(built.entries)
    data = pack_bundle(seal(manifest.to_payload(), [signer]), built.entries)
    return SealedBundle(data, manifest, public_key_text(signer.public_key))


def open_own(path: Path, signing_key: str) -> Bundle:
    """A bundle file that this machine's key has signed.

    Raises:
        SigningKeyRefused: the key file cannot be used.
        CommandFailed: the file cannot be read, or the key did not sign it.
    """
    trust = Trust.pinned(public_key_text(load_signing_key(signing_key).public_key))
    try:
        return open_bundle(path.read_bytes(), trust)
    except OSError as error:
        raise CommandFailed(f"{path}: {error.strerror}") from error
    except BundleRefused as refused:
        raise CommandFailed(f"{path}: {refused}") from refused
