"""Who keeps what when a split changes."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearwise_rules.rulesets.splits import WHOLE, Range, basis_points, lay_out

VARIANTS = ["a", "b", "c", "d", "e"]


@st.composite
def shares(draw: st.DrawFn) -> dict[str, int]:
    """Up to five variants with shares that fit into the whole."""
    names = draw(st.lists(st.sampled_from(VARIANTS), unique=True, max_size=5))
    cuts = sorted(draw(st.lists(st.integers(0, WHOLE), min_size=len(names), max_size=len(names))))
    return {name: high - low for name, (low, high) in zip(names, pairwise([0, *cuts]), strict=True)}


def owners(ranges: tuple[Range, ...]) -> list[str | None]:
    """The variant of each bucket."""
    owned: list[str | None] = [None] * WHOLE
    for variant, first, end in ranges:
        assert owned[first:end] == [None] * (end - first), "ranges overlap"
        owned[first:end] = [variant] * (end - first)
    return owned


def widths(ranges: tuple[Range, ...]) -> dict[str, int]:
    owned = owners(ranges)
    return {variant: owned.count(variant) for variant in VARIANTS}


def test_a_first_layout_is_contiguous_in_order_as_flagd_does_it() -> None:
    assert lay_out({"red": 5000, "blue": 2500, "green": 2500}) == (
        ("red", 0, 5000),
        ("blue", 5000, 7500),
        ("green", 7500, 10000),
    )


def test_a_share_of_zero_gets_no_range() -> None:
    assert lay_out({"red": 0, "blue": 100}) == (("blue", 0, 100),)


@given(st.lists(shares(), min_size=1, max_size=5))
def test_every_variant_gets_exactly_its_share_after_any_history(history: list[dict[str, int]]) -> None:
    ranges: tuple[Range, ...] = ()
    for wanted in history:
        ranges = lay_out(wanted, ranges)
        assert widths(ranges) == {variant: wanted.get(variant, 0) for variant in VARIANTS}


@given(st.lists(shares(), min_size=1, max_size=4), shares())
def test_only_subjects_of_shrinking_shares_or_of_none_move(
    history: list[dict[str, int]], wanted: dict[str, int]
) -> None:
    before: tuple[Range, ...] = ()
    for past in history:
        before = lay_out(past, before)
    after = lay_out(wanted, before)
    had, has = widths(before), widths(after)
    moved = [(old, new) for old, new in zip(owners(before), owners(after), strict=True) if old != new]
    assert all(old is None or has[old] < had[old] for old, _ in moved)
    assert all(new is None or has[new] > had[new] for _, new in moved)
    grown = sum(max(0, has[variant] - had[variant]) for variant in VARIANTS)
    shrunk = sum(max(0, had[variant] - has[variant]) for variant in VARIANTS)
    assert len(moved) == max(grown, shrunk), "nobody moves without need"


def test_a_variant_added_at_the_end_moves_nobody_but_into_it() -> None:
    before = lay_out({"a": 5000, "b": 5000})
    after = lay_out({"a": 4000, "b": 4000, "c": 2000}, before)
    moved = [(old, new) for old, new in zip(owners(before), owners(after), strict=True) if old != new]
    assert len(moved) == 2000
    assert {new for _, new in moved} == {"c"}


def test_a_growing_share_takes_from_unallocated_subjects_only() -> None:
    before = lay_out({"a": 1000, "b": 1000})
    after = lay_out({"a": 3000, "b": 1000}, before)
    assert after == (("a", 0, 1000), ("b", 1000, 2000), ("a", 2000, 4000))


def test_percentages_have_at_most_two_decimals() -> None:
    assert [basis_points(value) for value in (0, 0.01, 33.33, 12.5, 99.99, 100)] == [0, 1, 3333, 1250, 9999, 10000]
    for wrong in (-1, 100.01, 33.333, 1e300, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="percentage"):
            basis_points(wrong)


@pytest.mark.parametrize("ranges", [[Range("a", 0, 10), Range("b", 5, 20)], [Range("a", 5, 4)], [Range("a", 0, 10001)]])
def test_a_damaged_history_is_refused(ranges: list[Range]) -> None:
    with pytest.raises(ValueError, match="range"):
        lay_out({"a": 100}, ranges)


def test_shares_beyond_the_whole_are_refused() -> None:
    with pytest.raises(ValueError, match="100 percent"):
        lay_out({"a": 9000, "b": 1001})
