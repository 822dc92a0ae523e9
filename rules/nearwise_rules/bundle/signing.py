"""Signatures: the DSSE envelope around a manifest, the keys that are trusted, and their texts."""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import NamedTuple, cast

from nearwise_rules.bundle.canonical import canonical_json, load_object
from nearwise_rules.bundle.ed25519 import public_key_of, sign_message, verify_signature
from nearwise_rules.bundle.hashing import sha256
from nearwise_rules.bundle.limits import BundleLimits
from nearwise_rules.errors import BundleRefused, Refusal

MANIFEST_TYPE = "application/vnd.nearwise.manifest+json"
"""The DSSE payload type of a manifest."""


class Signer(NamedTuple):
    """A key that can sign: its public half (32 bytes) and a function from message to signature (64 bytes)."""

    public_key: bytes
    sign: Callable[[bytes], bytes]

    @property
    def key_id(self) -> str:
        """The key id that its signatures carry."""
        return key_id(self.public_key)


class Trust(NamedTuple):
    """Whose signatures count, by key id, how many are needed, and for whom a bundle must be meant (None = anyone)."""

    keys: Mapping[str, bytes]
    threshold: int = 1
    tenant: str | None = None
    environment: str | None = None
    audience: str | None = None

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
    return _base64(public_key).rstrip("=").replace("+", "-").replace("/", "_")


def read_public_key(text: str) -> bytes:
    """The 32 bytes of a public key text.

    Raises:
        ValueError: the text is not the base64url of 32 bytes.
    """
    try:
        public_key = a2b_base64(text.replace("-", "+").replace("_", "/") + "=", strict_mode=True)
    except ValueError:  # also of text that is not ASCII
        public_key = b""
    if len(public_key) != 32 or public_key_text(public_key) != text:
        raise ValueError("a public key is 43 characters of base64url")
    return public_key


def development_signer(seed: bytes) -> Signer:
    """A signer in pure Python out of a 32-byte seed, for tests and development: not safe against timing attacks."""
    return Signer(public_key_of(seed), partial(sign_message, seed))


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

    Signatures by unknown keys are passed over, so that a publisher can sign with an old and a new key; a wrong
    signature by a trusted key refuses the envelope whatever else it carries.

    Raises:
        BundleRefused: MALFORMED, TOO_LARGE, UNKNOWN_KEY or BAD_SIGNATURE.
    """
    limits = limits or BundleLimits()
    if len(envelope) > limits.max_envelope_bytes:
        raise BundleRefused(
            Refusal.TOO_LARGE, f"envelope of {len(envelope)} bytes, at most {limits.max_envelope_bytes}"
        )
    payload, signatures = _parts(load_object(envelope, "envelope"), payload_type, limits)
    message = pae(payload_type, payload)
    signers: set[bytes] = set()
    for name, signature in signatures.items():
        public_key = trust.keys.get(name)
        if public_key is None:
            continue
        if not verify_signature(public_key, message, signature):
            raise BundleRefused(Refusal.BAD_SIGNATURE, f"the signature by key {name} does not fit")
        signers.add(public_key)
    needed = max(trust.threshold, 1)  # verification cannot be switched off
    if len(signers) < needed:
        raise BundleRefused(Refusal.UNKNOWN_KEY, f"signed by {len(signers)} trusted keys, {needed} needed")
    return payload


def unverified_payload(
    envelope: bytes, limits: BundleLimits | None = None, *, payload_type: str = MANIFEST_TYPE
) -> bytes:
    """The payload of an envelope whose signatures nobody looks at.

    Raises:
        BundleRefused: MALFORMED or TOO_LARGE.
    """
    return _parts(load_object(envelope, "envelope"), payload_type, limits or BundleLimits())[0]


def _parts(envelope: dict[str, object], payload_type: str, limits: BundleLimits) -> tuple[bytes, dict[str, bytes]]:
    """The payload, and the signatures by key id."""
    if envelope.get("payloadType") != payload_type or not isinstance(envelope.get("signatures"), list):
        raise BundleRefused(Refusal.MALFORMED, f"not an envelope of {payload_type}")
    listed = cast("list[object]", envelope["signatures"])
    if len(listed) > limits.max_signatures:
        raise BundleRefused(Refusal.TOO_LARGE, f"{len(listed)} signatures, at most {limits.max_signatures}")
    signatures: dict[str, bytes] = {}
    for part in listed:
        if not isinstance(part, dict):
            raise BundleRefused(Refusal.MALFORMED, "envelope has a signature that is not an object")
        members = cast("dict[str, object]", part)
        name = members.get("keyid")
        if not isinstance(name, str) or name in signatures:
            raise BundleRefused(Refusal.MALFORMED, "envelope has a signature without a key, or two by one key")
        signatures[name] = _unbase64(members.get("sig"))
    return _unbase64(envelope.get("payload")), signatures


def _base64(data: bytes) -> str:
    return b2a_base64(data, newline=False).decode()


def _unbase64(text: object) -> bytes:
    """The bytes of standard base64 with padding, in its one canonical form."""
    if isinstance(text, str):
        with suppress(ValueError):
            data = a2b_base64(text, strict_mode=True)
            if _base64(data) == text:
                return data
    raise BundleRefused(Refusal.MALFORMED, "envelope has a part that is not base64")
