"""Naming a subject without naming it, and the texts in which an event could name one."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearwise_rules import erasure_digest, texts_in

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)


def test_the_digest_is_that_of_the_label_and_the_subject() -> None:
    assert erasure_digest("household-1042") == hashlib.sha256(b"nearwise.erase\0household-1042").hexdigest()
    assert erasure_digest("Łódź") == hashlib.sha256("nearwise.erase\0Łódź".encode()).hexdigest()


def test_the_digest_of_a_subject_stays_as_it_is() -> None:
    assert erasure_digest("s_0123") == "ecb54115cbd541a118776625cc410a5a0a40921ac040f10d7f890262daa0109f"


def test_a_lone_surrogate_is_no_subject() -> None:
    with pytest.raises(UnicodeEncodeError):
        erasure_digest("\ud800")


def test_texts_are_found_at_any_depth_and_as_names() -> None:
    event = {"subject": "a", "value": 1, "properties": {"b": [{"c": "d"}, True, None, 2.5]}, "list": ("e",)}
    assert texts_in(event) == {"subject", "a", "value", "properties", "b", "c", "d", "list", "e"}
    assert texts_in("x") == {"x"}
    assert texts_in(None) == set()


def test_nesting_does_not_end_the_search() -> None:
    deep: object = "bottom"
    for _ in range(100_000):
        deep = [deep]
    assert texts_in(deep) == {"bottom"}


@given(VALUES, VALUES)
def test_what_is_in_a_part_is_in_the_whole(one: object, other: object) -> None:
    assert texts_in([one, {"other": other}]) == texts_in(one) | texts_in(other) | {"other"}
