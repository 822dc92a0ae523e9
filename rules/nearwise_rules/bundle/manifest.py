"""The manifest: the few signed fields that say what a bundle is, for whom, and until when."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal, cast

from nearwise_rules.bundle.canonical import canonical_json, load_json
from nearwise_rules.bundle.limits import BundleLimits
from nearwise_rules.errors import BundleRefused, Refusal

FORMAT = 1
"""The bundle format that this library writes, and the only one it reads."""

Grace = Literal["serve", "safe_only", "stop"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a publisher signs. Times are Unix seconds; `root` is 64 hex characters; `min_sdk` a version text."""

    format: int = FORMAT
    tenant: str
    environment: str
    audience: str
    version: int
    issued: float
    expires: float | None = None
    grace: Grace = "serve"
    min_sdk: str = "0"
    root: str
    entries: int
    size_bytes: int
    root_version: int = 1

    def to_payload(self) -> bytes:
        """The canonical JSON that gets signed."""
        return canonical_json(asdict(self))

    @classmethod
    def from_payload(cls, payload: bytes, limits: BundleLimits | None = None) -> Manifest:
        """Read a payload whose signature has been verified.

        Raises:
            BundleRefused: MALFORMED, TOO_LARGE or UNSUPPORTED_FORMAT.
        """
        if len(payload) > (limits or BundleLimits()).max_manifest_bytes:
            raise BundleRefused(Refusal.TOO_LARGE, f"manifest of {len(payload)} bytes")
        fields = load_json(payload, "manifest")
        if not isinstance(fields, dict):
            raise BundleRefused(Refusal.MALFORMED, "manifest is not an object")
        return cls(**cast("dict[str, object]", fields))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
