"""Bundles for tests: made of plain documents, packed, sealed and opened again like any received bundle."""

from collections.abc import Callable, Mapping

import pytest

from nearwise_rules import (
    Bundle,
    Entry,
    Manifest,
    Trust,
    development_signer,
    open_bundle,
    pack_bundle,
    root_hash,
    seal,
)

Documents = Mapping[tuple[str, str], object]
BundleMaker = Callable[..., Bundle]

SIGNER = development_signer(bytes(range(32)))
ISSUED = 1_700_000_000.0


def opened(documents: Documents, **fields: object) -> Bundle:
    """The bundle of {(kind, key): document}, packed, sealed and opened; keyword arguments go into the manifest.

    A document of bytes is a body as it stands.
    """
    entries = [
        Entry(kind, key, document) if isinstance(document, bytes) else Entry.of(kind, key, document)
        for (kind, key), document in documents.items()
    ]
    parts: dict[str, object] = {"tenant": "test", "environment": "test", "audience": "all", "version": 1}
    parts |= {"issued": ISSUED, "entries": len(entries), "size_bytes": sum(len(entry.body) for entry in entries)}
    parts |= {"root": root_hash((entry.kind, entry.key, entry.digest) for entry in entries)} | fields
    manifest = Manifest(**parts)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    trust = Trust(keys={SIGNER.key_id: SIGNER.public_key})
    return open_bundle(pack_bundle(seal(manifest.to_payload(), [SIGNER]), entries), trust)


@pytest.fixture(scope="session")
def make_bundle() -> BundleMaker:
    """The function above, for tests that take it as a fixture."""
    return opened
