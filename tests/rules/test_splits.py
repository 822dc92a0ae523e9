"""Shares of a split: where bounds lie, and what falls between them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearwise_rules.decide.splits import Shares, basis_point, bucket_key


def test_shares_lie_in_order_and_a_gap_gives_nothing() -> None:
    shares = Shares([("b", 4000, 7000), ("a", 0, 2000)])
    assert [shares.at(point) for point in (0, 1999, 2000, 3999, 4000, 6999, 7000, 9999)] == [
        "a", "a", None, None, "b", "b", None, None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ("h-1", "h-1"),
        ("", ""),
        (17, "17"),
        (Decimal(5), "5"),
        (True, None),
        (1.5, None),
        (None, None),
        (["x"], None),
        ("\ud800", None),
        ("zażółć 😀", "zażółć 😀"),
    ],
)
def test_only_text_and_whole_numbers_are_bucketed(value: object, key: str | None) -> None:
    assert bucket_key(value) == key


@given(st.integers(0, 2**32 - 1))
def test_every_hash_has_a_basis_point(hashed: int) -> None:
    assert 0 <= basis_point(hashed) < 10_000


@given(st.integers(0, 10_000), st.integers(0, 9_999))
def test_a_subject_is_in_the_first_share_exactly_when_its_point_is_below_the_bound(bound: int, point: int) -> None:
    assert (Shares([("in", 0, bound)]).at(point) == "in") == (point < bound)
