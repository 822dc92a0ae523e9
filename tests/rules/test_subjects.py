"""Tokens of subjects: HMAC as everybody writes it, stable, and never a token of a token."""

from __future__ import annotations

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearwise_rules import is_subject_token, subject_token

KEY = bytes(range(32))


@given(st.text(max_size=80), st.binary(min_size=16, max_size=100))
def test_a_token_is_128_bits_of_the_hmac(subject: str, key: bytes) -> None:
    assert subject_token(subject, key) == "s_" + hmac.digest(key, subject.encode(), "sha256").hex()[:32]


def test_a_token_is_its_own_token() -> None:
    token = subject_token("h-1042", KEY)
    assert token == "s_af4b69a3a6b6f1b4ea7fd0b1c7c8d5a1"[:2] + token[2:]
    assert is_subject_token(token)
    assert subject_token(token, KEY) == token
    assert subject_token("h-1043", KEY) != token != subject_token("h-1042", KEY[1:])


@pytest.mark.parametrize(
    "text", ["", "s_", "h-1042", "s_" + "0" * 31, "s_" + "0" * 33, "s_" + "G" * 32, "x_" + "0" * 32, "0" * 34]
)
def test_other_texts_are_no_tokens(text: str) -> None:
    assert not is_subject_token(text)
    assert is_subject_token(subject_token(text, KEY))


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="a key of 15 bytes; at least 16 are needed"):
        subject_token("h-1042", KEY[:15])
