"""Signatures: the DSSE envelope around a manifest, the keys that are trusted, and their texts."""

from __future__ import annotations

from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import cast

from nearwise_rules.bundle.canonical import canonical_json, load_json
from nearwise_rules.bundle.ed25519 import public_key_of, sign_message, verify_signature
from nearwise_rules.bundle.hashing import sha256
from nearwise_rules.bundle.limits import BundleLimits
from nearwise_rules.errors import BundleRefused, Refusal

MANIFEST_TYPE = "application/vnd.nearwise.manifest+json"
"""The DSSE payload type of a manifest."""


@dataclass(frozen=True, slots=True)
class Signer:
    """A key that can sign: its public half (32 bytes) and a function from message to signature (64 bytes)."""

    public_key: bytes
    sign: Callable[[bytes], bytes]

    @property
    def key_id(self) -> str:
        """The key id that its signatures carry."""
        return key_id(self.public_key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Whose signature counts, how many are needed, and for whom a bundle must be meant (None = anyone)."""

    keys: Mapping[str, bytes]
    threshold: int = 1
    tenant: str | None = None
    environment: str | None = None
    audience: str | None = None

    def __post_init__(self) -> None:
        if self.threshold < 1:
            raise ValueError("threshold must be at least 1: verification cannot be switched off")

    @classmethod
    def pinned(cls, public_key_text: str) -> Trust:
        """Trust exactly one key, given as text.

        Raises:
            ValueError: the text is not a public key.
        """
        public_key = read_public_key(public_key_text)
        return cls(keys={key_id(public_key): public_key})

    def covers(self, tenant: str, environment: str, audience: str) -> bool:
        """True when a bundle meant for this tenant, environment and audience may be used here."""
        expected = (self.tenant, self.environment, self.audience)
        return all(
            mine in (None, theirs) for mine, theirs in zip(expected, (tenant, environment, audience), strict=True)
        )


def key_id(public_key: bytes) -> str:
    """The short name of a key: the first 16 hex characters of the SHA-256 of its 32 bytes."""
    return sha256(public_key).hexdigest()[:16]


def public_key_text(public_key: bytes) -> str:
    """A public key as people pass it on: base64url without padding, 43 characters."""
    return b2a_base64(public_key, newline=False).decode().rstrip("=").replace("+", "-").replace("/", "_")


def read_public_key(text: str) -> bytes:
    """The 32 bytes of a public key text.

    Raises:
        ValueError: the text is not the base64url of 32 bytes.
    """
    try:
        public_key = a2b_base64(text.replace("-", "+").replace("_", "/") + "=", strict_mode=True)
    except ValueError:
        public_key = b""
    if len(public_key) != 32 or public_key_text(public_key) != text:
        raise ValueError("a public key is 43 characters of base64url")
    return public_key


def development_signer(seed: bytes) -> Signer:
    """A signer in pure Python out of a 32-byte seed, for tests and development: not safe against timing attacks."""
    return Signer(public_key_of(seed), lambda message: sign_message(seed, message))


def pae(payload_type: str, payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding: the bytes that get signed (secure-systems-lab/dsse, protocol.md)."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def seal(payload: bytes, signers: Iterable[Signer], *, payload_type: str = MANIFEST_TYPE) -> bytes:
    """Sign a payload and wrap it into an envelope."""
    message = pae(payload_type, payload)
    signatures = [{"keyid": signer.key_id, "sig": _base64(signer.sign(message))} for signer in signers]
    return canonical_json({"payload": _base64(payload), "payloadType": payload_type, "signatures": signatures})


def open_envelope(
    envelope: bytes, trust: Trust, limits: BundleLimits | None = None, *, payload_type: str = MANIFEST_TYPE
) -> bytes:
    """Verify an envelope and return its payload.

    Raises:
        BundleRefused: MALFORMED, TOO_LARGE, UNKNOWN_KEY or BAD_SIGNATURE.
    """
    limits = limits or BundleLimits()
    if len(envelope) > limits.max_envelope_bytes:
        raise BundleRefused(Refusal.TOO_LARGE, f"envelope of {len(envelope)} bytes")
    payload, signatures = _parts(envelope, payload_type)
    message = pae(payload_type, payload)
    good: set[str] = set()
    for signer, signature in signatures:
        public_key = trust.keys.get(signer)
        if public_key is None:
            continue
        if not verify_signature(public_key, message, signature):
            raise BundleRefused(Refusal.BAD_SIGNATURE, f"key {signer} did not sign this")
        good.add(signer)
    if len(good) < trust.threshold:
        raise BundleRefused(Refusal.UNKNOWN_KEY, f"signed by {len(good)} of the {trust.threshold} trusted keys needed")
    return payload


def _parts(envelope: bytes, payload_type: str) -> tuple[bytes, list[tuple[str, bytes]]]:
    parts = load_json(envelope, "envelope")
    try:
        fields = cast("dict[str, object]", parts)
        if fields["payloadType"] != payload_type:
            raise BundleRefused(Refusal.MALFORMED, "envelope of another payload type")
        listed = cast("list[dict[str, str]]", fields["signatures"])
        signatures = [(part["keyid"], _unbase64(part["sig"])) for part in listed]
        return _unbase64(cast("str", fields["payload"])), signatures
    except (KeyError, TypeError, AttributeError, Base64Error):
        raise BundleRefused(Refusal.MALFORMED, "envelope lacks a part") from None


def _base64(data: bytes) -> str:
    return b2a_base64(data, newline=False).decode()


def _unbase64(text: str) -> bytes:
    return a2b_base64(text.encode(), strict_mode=True)
