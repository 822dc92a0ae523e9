"""The hash behind the buckets, its encodings, and the shares that come of it."""

from __future__ import annotations

from typing import cast

import cbor2
import mmh3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearwise_rules.logic.bucketing import Bucketing, bucket, canonical_cbor, subject_hash
from nearwise_rules.logic.murmur3 import murmur3_32, murmur3_32_pure
from nearwise_rules.logic.targeting import fractional


@pytest.mark.parametrize(
    ("data", "expected"),
    [(b"", 0), (b"\0", 0x514E28B7), (b"a", 0x3C2569B2), (b"abc", 0xB3DD93FA), (b"Hello, world!", 0xC0363E43)],
)
def test_known_texts_have_their_known_hashes(data: bytes, expected: int) -> None:
    assert murmur3_32(data) == murmur3_32_pure(data) == expected


@given(st.binary(max_size=70), st.integers(0, 2**32 - 1))
def test_plain_python_hashes_as_the_extension(data: bytes, seed: int) -> None:
    assert murmur3_32_pure(data, seed) == mmh3.hash(data, seed, signed=False)
    assert murmur3_32(data) == murmur3_32_pure(data)


whole = st.integers(-(2**70), 2**70)
parts = st.one_of(st.text(), whole, st.booleans(), st.none(), st.floats())
values = st.recursive(
    parts, lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(), inner, max_size=4))
)


def _normalised(value: object) -> object:
    """As flagd-core 2.0.0 prepares a value: whole floats in the 64-bit range are integers."""
    if isinstance(value, dict):
        return {key: _normalised(item) for key, item in cast("dict[str, object]", value).items()}
    if isinstance(value, list):
        return [_normalised(item) for item in cast("list[object]", value)]
    if isinstance(value, float) and value.is_integer() and -(2**63) <= value <= 2**64 - 1:
        return int(value)
    return value


@given(values)
def test_values_are_encoded_byte_for_byte_as_the_cbor_library_does(value: object) -> None:
    assert canonical_cbor(value) == cbor2.dumps(_normalised(value), canonical=True)


@given(st.text(), st.text())
def test_the_subject_hash_is_that_of_the_pair_or_of_the_joined_text(salt: str, subject: str) -> None:
    assert subject_hash(Bucketing.MURMUR3, salt, subject) == murmur3_32((salt + subject).encode())
    encoded = cbor2.dumps([salt, subject], canonical=True)
    assert subject_hash(Bucketing.MURMUR3_CBOR, salt, subject) == murmur3_32(encoded)


def test_what_has_no_encoding_is_refused() -> None:
    deep: object = "end"
    for _ in range(100):
        deep = [deep]
    for value in (deep, object(), "\ud800"):
        with pytest.raises(ValueError):
            canonical_cbor(value)


@given(st.integers(0, 2**32 - 1), st.integers(1, 2**31))
def test_a_bucket_is_below_the_total(hashed: int, total: int) -> None:
    assert 0 <= bucket(hashed, total) < total


def test_shares_get_the_subjects_that_they_weigh() -> None:
    counts = {"a": 0, "b": 0}
    for number in range(4_000):
        variant = fractional(Bucketing.MURMUR3, "flag", f"user-{number}", (["a", 70], ["b", 30]))
        counts[str(variant)] += 1
    assert 2_700 < counts["a"] < 2_900


@pytest.mark.parametrize("bucketing", Bucketing)
@pytest.mark.parametrize(
    "shares",
    [(), (["a", 0],), (["a", -1],), (["a", 2**31],), (["a", True],), (["a", 1.5],), (["a", "1"],), ([],), ("a", "b")],
)
def test_unusable_shares_choose_nothing(bucketing: Bucketing, shares: tuple[object, ...]) -> None:
    assert fractional(bucketing, "flag", "user", shares) is None


@pytest.mark.parametrize("bucketing", Bucketing)
def test_a_key_that_cannot_be_hashed_chooses_nothing(bucketing: Bucketing) -> None:
    assert fractional(bucketing, "flag", None, (["a", 1],)) is None
    assert fractional(bucketing, "flag", "\ud800", (["a", 1],)) is None
