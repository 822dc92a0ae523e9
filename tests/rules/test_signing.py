"""Envelopes: whose signature counts."""

import json
from binascii import a2b_base64, b2a_base64
from pathlib import Path
from typing import cast

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from nearwise_rules import (
    BundleLimits,
    BundleRefused,
    Refusal,
    Signer,
    Trust,
    development_signer,
    key_id,
    open_envelope,
    public_key_text,
    read_public_key,
    seal,
)
from nearwise_rules.bundle import MANIFEST_TYPE, pae

OLD, NEW, STRANGER = (development_signer(bytes([number]) * 32) for number in (1, 2, 3))
PAYLOAD = b'{"format":1}'


def trust_in(*signers: Signer, threshold: int = 1) -> Trust:
    return Trust(keys={signer.key_id: signer.public_key for signer in signers}, threshold=threshold)


def refusal(envelope: bytes, trust: Trust, limits: BundleLimits | None = None) -> Refusal:
    with pytest.raises(BundleRefused) as caught:
        open_envelope(envelope, trust, limits)
    return caught.value.reason


def changed(envelope: bytes, **members: object) -> bytes:
    return json.dumps({**json.loads(envelope), **members}).encode()


def test_the_vector_of_the_envelope_holds() -> None:
    vector = json.loads((Path(__file__).parent / "vectors" / "envelope.json").read_text())
    signer = development_signer(bytes.fromhex(vector["seed"]))
    assert signer.public_key.hex() == vector["public_key"]
    assert (public_key_text(signer.public_key), signer.key_id) == (vector["public_key_text"], vector["key_id"])
    payload = vector["payload"].encode()
    assert pae(MANIFEST_TYPE, payload).hex() == vector["pae"]
    assert signer.sign(pae(MANIFEST_TYPE, payload)).hex() == vector["signature"]
    assert seal(payload, [signer]).decode() == vector["envelope"]
    assert open_envelope(vector["envelope"].encode(), Trust.pinned(vector["public_key_text"])) == payload


def test_the_encoding_that_is_signed_is_that_of_dsse() -> None:
    # The example of secure-systems-lab/dsse, protocol.md.
    assert pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_a_signer_can_be_any_library() -> None:
    private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    signer = Signer(private.public_key().public_bytes_raw(), private.sign)
    assert open_envelope(seal(PAYLOAD, [signer]), trust_in(signer)) == PAYLOAD


def test_an_envelope_by_a_stranger_is_refused() -> None:
    assert refusal(seal(PAYLOAD, [STRANGER]), trust_in(OLD)) is Refusal.UNKNOWN_KEY
    assert refusal(seal(PAYLOAD, []), trust_in(OLD)) is Refusal.UNKNOWN_KEY
    assert refusal(seal(PAYLOAD, [OLD]), Trust(keys={})) is Refusal.UNKNOWN_KEY


def test_a_stranger_cannot_use_the_name_of_a_trusted_key() -> None:
    forger = Signer(OLD.public_key, STRANGER.sign)
    assert refusal(seal(PAYLOAD, [forger]), trust_in(OLD)) is Refusal.BAD_SIGNATURE


def test_keys_can_be_changed_by_signing_with_both() -> None:
    envelope = seal(PAYLOAD, [OLD, NEW])
    assert open_envelope(envelope, trust_in(OLD)) == open_envelope(envelope, trust_in(NEW)) == PAYLOAD


def test_a_wrong_signature_by_a_trusted_key_is_not_outvoted() -> None:
    forger = Signer(NEW.public_key, STRANGER.sign)
    assert refusal(seal(PAYLOAD, [OLD, forger]), trust_in(OLD, NEW)) is Refusal.BAD_SIGNATURE


def test_a_threshold_counts_keys_and_not_signatures() -> None:
    assert open_envelope(seal(PAYLOAD, [OLD, NEW]), trust_in(OLD, NEW, threshold=2)) == PAYLOAD
    assert refusal(seal(PAYLOAD, [OLD]), trust_in(OLD, NEW, threshold=2)) is Refusal.UNKNOWN_KEY
    assert refusal(seal(PAYLOAD, [OLD, OLD]), trust_in(OLD, NEW, threshold=2)) is Refusal.MALFORMED
    two_names = Trust(keys={OLD.key_id: OLD.public_key, "other": OLD.public_key}, threshold=2)
    signatures = json.loads(seal(PAYLOAD, [OLD]))["signatures"]
    twice = changed(seal(PAYLOAD, [OLD]), signatures=[*signatures, {**signatures[0], "keyid": "other"}])
    assert refusal(twice, two_names) is Refusal.UNKNOWN_KEY


def test_verification_cannot_be_switched_off() -> None:
    assert refusal(seal(PAYLOAD, []), Trust(keys={}, threshold=0)) is Refusal.UNKNOWN_KEY


def test_the_payload_type_is_signed_and_checked() -> None:
    other = seal(PAYLOAD, [OLD], payload_type="application/other")
    assert refusal(other, trust_in(OLD)) is Refusal.MALFORMED
    assert refusal(changed(other, payloadType=MANIFEST_TYPE), trust_in(OLD)) is Refusal.BAD_SIGNATURE


BAD_SHAPES: list[dict[str, object]] = [
    {"payload": None},
    {"payload": "e30"},
    {"payload": "e30=\n"},
    {"payload": "e31="},
    {"payload": "é"},
    {"payloadType": 1},
    {"signatures": None},
    {"signatures": {}},
    {"signatures": [1]},
    {"signatures": [{}]},
    {"signatures": [{"keyid": "a"}]},
    {"signatures": [{"keyid": 1, "sig": ""}]},
    {"signatures": [{"keyid": "a", "sig": 1}]},
]


@pytest.mark.parametrize("members", BAD_SHAPES)
def test_an_envelope_of_another_shape_is_malformed(members: dict[str, object]) -> None:
    assert refusal(changed(seal(PAYLOAD, [OLD]), **members), trust_in(OLD)) is Refusal.MALFORMED


def test_base64_has_one_form_only() -> None:
    envelope = json.loads(seal(b"x", [OLD]))
    assert a2b_base64("eB==") == a2b_base64(cast("str", envelope["payload"]))
    assert refusal(changed(seal(b"x", [OLD]), payload="eB=="), trust_in(OLD)) is Refusal.MALFORMED
    assert b2a_base64(b"x", newline=False).decode() == envelope["payload"]


def test_envelopes_have_limits() -> None:
    envelope = seal(PAYLOAD, [OLD, NEW])
    assert refusal(envelope, trust_in(OLD), BundleLimits(max_envelope_bytes=100)) is Refusal.TOO_LARGE
    assert refusal(envelope, trust_in(OLD), BundleLimits(max_signatures=1)) is Refusal.TOO_LARGE


@given(st.integers(0, 8 * len(seal(PAYLOAD, [OLD])) - 1))
def test_any_flipped_bit_is_refused(bit: int) -> None:
    envelope = bytearray(seal(PAYLOAD, [OLD]))
    envelope[bit // 8] ^= 1 << bit % 8
    refusal(bytes(envelope), trust_in(OLD))


@given(st.binary(max_size=100))
def test_hostile_bytes_are_refused(data: bytes) -> None:
    assert refusal(data, trust_in(OLD)) is Refusal.MALFORMED


@given(st.binary(min_size=32, max_size=32))
def test_public_keys_travel_as_43_characters(public_key: bytes) -> None:
    text = public_key_text(public_key)
    assert len(text) == 43
    assert text.replace("-", "a").replace("_", "a").isalnum()
    assert read_public_key(text) == public_key
    assert Trust.pinned(text).keys == {key_id(public_key): public_key}


@pytest.mark.parametrize(
    "text", ["", "a" * 42, "a" * 44, "a" * 43, "é" * 43, "A" * 42 + "+", "A" * 42 + "B", "A" * 43 + "="]
)
def test_other_texts_are_no_public_keys(text: str) -> None:
    with pytest.raises(ValueError, match="43 characters"):
        Trust.pinned(text)
