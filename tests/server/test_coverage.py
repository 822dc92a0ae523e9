"""Range arithmetic, held against plain sets."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from nearwise_server import coverage
from nearwise_server.coverage import Ranges

spans = st.tuples(st.integers(0, 60), st.integers(0, 8)).map(lambda pair: (pair[0], pair[0] + pair[1]))
range_lists = st.lists(spans, max_size=12)


def numbers(ranges: Ranges) -> set[int]:
    return {number for first, last in ranges for number in range(first, last + 1)}


@given(range_lists, range_lists)
def test_a_union_holds_the_numbers_of_both_in_disjoint_sorted_ranges(
    one: list[tuple[int, int]], two: list[tuple[int, int]]
) -> None:
    both = coverage.union(one, two)
    assert numbers(both) == numbers(tuple(one)) | numbers(tuple(two))
    assert all(last + 1 < first for (_, last), (first, _) in pairwise(both))
    assert coverage.size(both) == len(numbers(both))


@given(range_lists, range_lists)
def test_a_difference_holds_what_only_the_first_has(one: list[tuple[int, int]], two: list[tuple[int, int]]) -> None:
    left, right = coverage.union(one, ()), coverage.union(two, ())
    assert numbers(coverage.difference(left, right)) == numbers(left) - numbers(right)


@given(range_lists)
def test_high_water_and_missing_account_for_every_number_up_to_the_highest(some: list[tuple[int, int]]) -> None:
    held = coverage.union(some, ())
    every = numbers(held)
    gaps = numbers(coverage.missing(held))
    assert gaps == set(range(max(every, default=-1) + 1)) - every
    assert coverage.high_water(held) == min(gaps | {max(every, default=-1) + 1}) - 1
    assert all(coverage.contains(held, number) == (number in every) for number in range(70))
