"""Naming a subject without naming it, and the subjects that an event names."""

from __future__ import annotations

import hashlib
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearwise_rules import erasure_digest, subjects_in

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)


def token(number: int) -> str:
    return f"s_{number:032x}"


def test_the_digest_is_that_of_the_label_and_the_subject() -> None:
    assert erasure_digest("household-1042") == hashlib.sha256(b"nearwise.erase\0household-1042").hexdigest()
    assert erasure_digest("Łódź") == hashlib.sha256("nearwise.erase\0Łódź".encode()).hexdigest()


def test_the_digest_of_a_subject_stays_as_it_is() -> None:
    assert erasure_digest("s_0123") == "ecb54115cbd541a118776625cc410a5a0a40921ac040f10d7f890262daa0109f"


def test_a_lone_surrogate_is_no_subject() -> None:
    with pytest.raises(UnicodeEncodeError):
        erasure_digest("\ud800")


def test_an_event_names_its_subject_and_the_anonymous_one_that_joins_it() -> None:
    assert subjects_in({"type": "track", "subject": "card-1", "name": "sale"}) == {"card-1"}
    assert subjects_in({"type": "join", "subject": "card-1", "anonymous": "a-7"}) == {"card-1", "a-7"}
    assert subjects_in({"type": "track", "anonymous": "a-7", "subject": None}) == set()
    assert subjects_in({"type": "track", "subject": ""}) == set()
    assert subjects_in({"type": "track", "subject": 5}) == set()


def test_tokens_are_found_anywhere_and_other_texts_nowhere() -> None:
    record: dict[str, object] = {token(1): 0.5, "list": [{"of": token(2)}, token(3), None, 2.5, "COFFEE"]}
    event = {"type": "track", "subject": token(0), "name": "sale", "properties": record}
    assert subjects_in(event) == {token(number) for number in range(4)}


def test_an_event_that_no_check_has_seen_is_searched_too() -> None:
    unchecked = cast("dict[str, object]", {1: token(1), b"x": {2: [b"y", token(2)]}, "type": 5, "subject": []})
    assert subjects_in(unchecked) == {token(1), token(2)}


def test_nesting_does_not_end_the_search() -> None:
    deep: object = token(1)
    for _ in range(100_000):
        deep = [deep]
    assert subjects_in({"deep": deep}) == {token(1)}


@given(st.dictionaries(st.text(max_size=3), VALUES), VALUES)
def test_what_a_part_names_the_whole_names(event: dict[str, object], value: object) -> None:
    assert subjects_in({**event, "value": [value, token(1)]}) >= {token(1)} | subjects_in({"value": value})
