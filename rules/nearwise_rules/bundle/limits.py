"""How much a received bundle or batch may ask of its reader. Every limit is checked before or while decoding.

Values that a device makes at every start are named tuples in this package: a frozen dataclass takes ten times as long
to define (0.5 ms), which the start of a device would pay for each.
"""

from __future__ import annotations

from typing import NamedTuple


class BundleLimits(NamedTuple):
    """Upper bounds for opening bundles, deltas and envelopes; the defaults suit a device with little memory."""

    max_bundle_bytes: int = 64 * 1024 * 1024
    max_envelope_bytes: int = 64 * 1024
    max_manifest_bytes: int = 16 * 1024
    max_signatures: int = 16
    max_index_bytes: int = 8 * 1024 * 1024
    max_entries: int = 100_000
    max_entry_bytes: int = 16 * 1024 * 1024
    max_delta_bytes: int = 16 * 1024 * 1024
    max_inflated_bytes: int = 64 * 1024 * 1024


class BatchLimits(NamedTuple):
    """Upper bounds for decoding one sealed batch of events."""

    max_batch_bytes: int = 1024 * 1024
    max_inflated_bytes: int = 8 * 1024 * 1024
    max_events: int = 10_000
    max_event_bytes: int = 64 * 1024
    max_event_depth: int = 16
    max_values: int = 200_000
