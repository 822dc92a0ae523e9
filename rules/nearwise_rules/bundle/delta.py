"""Deltas: the way from one bundle to the next, deflated with the device's own old entries as dictionary."""

from __future__ import annotations

from nearwise_rules.bundle.bundles import Bundle
from nearwise_rules.bundle.limits import BundleLimits
from nearwise_rules.bundle.signing import Trust


def pack_delta(base: Bundle, target: Bundle) -> bytes | None:
    """Write the way from `base` to `target`; None when it is more than a quarter of the whole target."""
    raise NotImplementedError


def apply_delta(
    base: Bundle, delta: bytes, target_envelope: bytes, trust: Trust, limits: BundleLimits | None = None
) -> Bundle:
    """Rebuild and verify the target of a delta; the delta itself needs no trust."""
    raise NotImplementedError
