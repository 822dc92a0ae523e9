"""Ed25519 in pure Python, held against the RFC's vectors and against OpenSSL."""

import json
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from nearwise_rules.bundle.ed25519 import public_key_of, sign_message, verify_signature

VECTORS = json.loads((Path(__file__).parent / "vectors" / "ed25519.json").read_text())["signatures"]
ORDER = 2**252 + 27742317777372353535851937790883648493
PRIME = 2**255 - 19
ORDER_8_Y = 55188659117513257062467267217118295137698188065244968500265048394206261417927
SEEDS = st.binary(min_size=32, max_size=32)

# The y coordinates of the eight points of small order, each with both signs; the last three are not canonical.
SMALL_Y = (
    0,
    1,
    PRIME - 1,
    ORDER_8_Y,
    PRIME - ORDER_8_Y,
    PRIME,
    PRIME + 1,
    2**255 - 1,
)


def openssl_accepts(public_key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8 % len(data)] ^= 1 << bit % 8
    return bytes(changed)


def encoded(y: int, sign: int) -> bytes:
    return (y | sign << 255).to_bytes(32, "little")


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_the_vectors_of_rfc_8032_hold(vector: dict[str, str]) -> None:
    seed, public_key, message, signature = (
        bytes.fromhex(vector[name]) for name in ("seed", "public_key", "message", "signature")
    )
    assert public_key_of(seed) == public_key
    assert sign_message(seed, message) == signature
    assert verify_signature(public_key, message, signature)


@given(SEEDS, st.binary(max_size=200))
def test_keys_and_signatures_are_those_of_openssl(seed: bytes, message: bytes) -> None:
    theirs = Ed25519PrivateKey.from_private_bytes(seed)
    public_key, signature = theirs.public_key().public_bytes_raw(), theirs.sign(message)
    assert public_key_of(seed) == public_key
    assert sign_message(seed, message) == signature
    assert verify_signature(public_key, message, signature)


@given(SEEDS, st.binary(min_size=1, max_size=40), st.integers(0, 255), st.integers(0, 511), st.integers(0, 319))
def test_any_flipped_bit_is_refused_as_by_openssl(
    seed: bytes, message: bytes, key_bit: int, signature_bit: int, message_bit: int
) -> None:
    public_key, signature = public_key_of(seed), sign_message(seed, message)
    for changed in (
        (flipped(public_key, key_bit), message, signature),
        (public_key, flipped(message, message_bit), signature),
        (public_key, message, flipped(signature, signature_bit)),
    ):
        assert not verify_signature(*changed)
        assert not openssl_accepts(*changed)


@given(st.binary(max_size=70), st.binary(max_size=70), st.binary(max_size=10))
def test_bytes_of_any_length_are_just_refused(public_key: bytes, signature: bytes, message: bytes) -> None:
    assert not verify_signature(public_key, message, signature)


@given(SEEDS, st.integers(1, 15))
def test_a_signature_cannot_be_varied_by_adding_the_group_order(seed: bytes, times: int) -> None:
    signature = sign_message(seed, b"message")
    varied = int.from_bytes(signature[32:], "little") + times * ORDER
    if varied >= 2**256:
        return
    forged = signature[:32] + varied.to_bytes(32, "little")
    assert not verify_signature(public_key_of(seed), b"message", forged)


@pytest.mark.parametrize("sign", [0, 1])
@pytest.mark.parametrize("y", SMALL_Y)
def test_keys_and_commitments_of_small_order_are_refused(y: int, sign: int) -> None:
    small, zero = encoded(y, sign), bytes(32)
    for number in range(16):
        message = b"%d" % number
        for commitment in (small, encoded(1, 0), encoded(0, 0)):
            assert not verify_signature(small, message, commitment + zero)
        assert not verify_signature(public_key_of(bytes(32)), message, small + zero)


@pytest.mark.parametrize("y", [PRIME, PRIME + 1, PRIME + 3, 2**255 - 1])
def test_encodings_that_are_not_canonical_are_refused(y: int) -> None:
    signature = sign_message(bytes(32), b"message")
    assert not verify_signature(encoded(y, 0), b"message", signature)
    assert not verify_signature(public_key_of(bytes(32)), b"message", encoded(y, 0) + signature[32:])


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=64, max_size=64))
def test_what_is_good_here_is_good_for_openssl(public_key: bytes, signature: bytes) -> None:
    if verify_signature(public_key, b"", signature):
        assert openssl_accepts(public_key, b"", signature)


def test_a_seed_has_32_bytes() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        public_key_of(bytes(31))
