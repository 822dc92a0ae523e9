"""The bundle: its immutable documents, their wire form, and whether one may replace another.

Every name is loaded when it is first used: a device at start opens one bundle and needs neither deltas nor batches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nearwise_rules.later import imported_later

if TYPE_CHECKING:
    from nearwise_rules.bundle.acceptance import (
        Acceptance,
        Accepted,
        Freshness,
        Step,
        accept,
        freshness,
        trusted_time,
    )
    from nearwise_rules.bundle.batch import OpenBatch, SealedBatch, decode_batch, encode_batch, open_batch
    from nearwise_rules.bundle.bundles import Bundle, inspect_bundle, open_bundle, open_manifest, pack_bundle
    from nearwise_rules.bundle.canonical import canonical_json
    from nearwise_rules.bundle.contents import Contents
    from nearwise_rules.bundle.delta import apply_delta, pack_delta
    from nearwise_rules.bundle.entries import Entry, root_hash
    from nearwise_rules.bundle.erasure import erasure_digest, subjects_in
    from nearwise_rules.bundle.events import Event, Rejected
    from nearwise_rules.bundle.framing import read_frame, write_frame
    from nearwise_rules.bundle.limits import BatchLimits, BundleLimits
    from nearwise_rules.bundle.manifest import Manifest
    from nearwise_rules.bundle.signing import (
        MANIFEST_TYPE,
        Signer,
        Trust,
        development_signer,
        key_id,
        open_envelope,
        pae,
        public_key_text,
        read_public_key,
        seal,
    )

_HOMES = {
    "acceptance": (
        "Acceptance",
        "Accepted",
        "Freshness",
        "Step",
        "accept",
        "freshness",
        "trusted_time",
    ),
    "batch": (
        "OpenBatch",
        "SealedBatch",
        "decode_batch",
        "encode_batch",
        "open_batch",
    ),
    "bundles": (
        "Bundle",
        "inspect_bundle",
        "open_bundle",
        "open_manifest",
        "pack_bundle",
    ),
    "canonical": ("canonical_json",),
    "contents": ("Contents",),
    "delta": (
        "apply_delta",
        "pack_delta",
    ),
    "entries": (
        "Entry",
        "root_hash",
    ),
    "erasure": (
        "erasure_digest",
        "subjects_in",
    ),
    "events": (
        "Event",
        "Rejected",
    ),
    "framing": (
        "read_frame",
        "write_frame",
    ),
    "limits": (
        "BatchLimits",
        "BundleLimits",
    ),
    "manifest": ("Manifest",),
    "signing": (
        "MANIFEST_TYPE",
        "Signer",
        "Trust",
        "development_signer",
        "key_id",
        "open_envelope",
        "pae",
        "public_key_text",
        "read_public_key",
        "seal",
    ),
}
_HOME = {name: f".{home}" for home, names in _HOMES.items() for name in names}

__all__ = [
    "MANIFEST_TYPE",
    "Acceptance",
    "Accepted",
    "BatchLimits",
    "Bundle",
    "BundleLimits",
    "Contents",
    "Entry",
    "Event",
    "Freshness",
    "Manifest",
    "OpenBatch",
    "Rejected",
    "SealedBatch",
    "Signer",
    "Step",
    "Trust",
    "accept",
    "apply_delta",
    "canonical_json",
    "decode_batch",
    "development_signer",
    "encode_batch",
    "erasure_digest",
    "freshness",
    "inspect_bundle",
    "key_id",
    "open_batch",
    "open_bundle",
    "open_envelope",
    "open_manifest",
    "pack_bundle",
    "pack_delta",
    "pae",
    "public_key_text",
    "read_frame",
    "read_public_key",
    "root_hash",
    "seal",
    "subjects_in",
    "trusted_time",
    "write_frame",
]

if not TYPE_CHECKING:  # so that type checkers refuse names that are not there
    __getattr__ = imported_later(__name__, _HOME)


def __dir__() -> list[str]:
    return sorted(__all__)
