"""A bundle of entries, however they were made."""

from __future__ import annotations

from collections.abc import Iterable

from nearwise.testing.rule_sets import signer
from nearwise_rules import Bundle, Entry, Manifest, Trust, open_bundle, pack_bundle, seal


def bundle_of(entries: Iterable[Entry], version: int = 1) -> Bundle:
    """The entries as a device has them: sealed, packed and opened."""
    covered = tuple(entries)
    manifest = Manifest(tenant="t", environment="e", audience="*", version=version, issued=0.0).covering(covered)
    packed = pack_bundle(seal(manifest.to_payload(), [signer()]), covered)
    return open_bundle(packed, Trust(keys={signer().key_id: signer().public_key}))
