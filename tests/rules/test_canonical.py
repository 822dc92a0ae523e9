"""Canonical JSON: one document, one sequence of bytes."""

import json
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearwise_rules import BundleRefused, DocumentError, Refusal, canonical_json
from nearwise_rules.bundle.canonical import MAX_DEPTH, load_object

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


def nested(depth: int) -> object:
    value: object = 1
    for _ in range(depth):
        value = [value]
    return value


@given(VALUES)
def test_what_is_written_reads_back_and_writes_the_same_again(value: object) -> None:
    written = canonical_json(value)
    assert json.loads(written) == value
    assert canonical_json(json.loads(written)) == written


@given(st.dictionaries(TEXT, st.integers(), min_size=2))
def test_the_order_of_members_does_not_matter(members: dict[str, int]) -> None:
    assert canonical_json(dict(reversed(members.items()))) == canonical_json(members)


def test_integers_are_exact_and_floats_stay_floats() -> None:
    assert canonical_json([10**20, 1.0, 1e16, 1e-5, 0.1, -0.0]) == b"[100000000000000000000,1.0,1e+16,1e-05,0.1,-0.0]"


@pytest.mark.parametrize(
    ("value", "code", "pointer"),
    [
        ({"a": [1, nan]}, "not_finite", "/a/1"),
        ({"a/b": {"c~d": inf}}, "not_finite", "/a~1b/c~0d"),
        (["\ud800"], "lone_surrogate", "/0"),
        ({"\udfff": 1}, "lone_surrogate", ""),
        ({1: 2}, "bad_member_name", ""),
        ({"a": {3}}, "not_json", "/a"),
        ({"a": b"x"}, "not_json", "/a"),
        ({"a": 1 << 20_000}, "too_large", "/a"),
    ],
)
def test_what_json_cannot_carry_is_reported_with_its_place(value: object, code: str, pointer: str) -> None:
    with pytest.raises(DocumentError) as caught:
        canonical_json(value)
    assert [(problem.code, problem.pointer) for problem in caught.value.problems] == [(code, pointer)]


def test_every_problem_is_reported_at_once() -> None:
    with pytest.raises(DocumentError) as caught:
        canonical_json({"a": nan, "b": {1, 2}, "c": "\ud800"})
    assert sorted(problem.pointer for problem in caught.value.problems) == ["/a", "/b", "/c"]


def test_nesting_has_a_limit_however_deep_the_document() -> None:
    canonical_json(nested(MAX_DEPTH))
    for depth in (MAX_DEPTH + 1, 100_000):
        with pytest.raises(DocumentError, match="nested deeper"):
            canonical_json(nested(depth))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"1",
        b"{",
        b'{"a":1,"a":2}',
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b'{"a":"\xff"}',
        b'{"a":' + b"[" * 100_000,
        b'{"a":' + b"9" * 100_000 + b"}",
        b'\xef\xbb\xbf{"a":1}',
    ],
)
def test_hostile_json_is_refused(data: bytes) -> None:
    with pytest.raises(BundleRefused) as caught:
        load_object(data, "thing")
    assert caught.value.reason is Refusal.MALFORMED
