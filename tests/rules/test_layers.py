"""Who has which part of a layer: shares, dates, and what every publication keeps."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from nearwise_rules.rulesets.layers import Layout, Tenant, lay_out_layer
from nearwise_rules.rulesets.splits import WHOLE

KEYS = ("a", "b", "c", "d")
ALWAYS = (float("-inf"), float("inf"))
PERIODS = st.one_of(
    st.just(ALWAYS), st.tuples(st.integers(0, 9), st.integers(0, 9)).map(lambda ends: (min(ends), max(ends) + 1))
)
SHARES = st.integers(0, 60).map(lambda percent: percent * 100)
WISHES = st.dictionaries(st.sampled_from(KEYS), st.tuples(SHARES, PERIODS), max_size=4)
"""What one publication wants of a layer: by experiment its share and when it runs."""


def tenants(wishes: dict[str, tuple[int, tuple[float, float]]], before: Layout | None = None) -> list[Tenant]:
    before = before or Layout({}, {}, {})
    return [Tenant(key, share, *runs, before.pieces.get(key, ())) for key, (share, runs) in wishes.items()]


def fits(wished: list[Tenant]) -> bool:
    return all(sum(each.share for each in wished if each.start <= at.start < each.end) <= WHOLE for at in wished)


def buckets(layout: Layout, key: str) -> list[int]:
    """The basis points of an experiment in the order in which it got them."""
    return [bucket for first, end in layout.pieces.get(key, ()) for bucket in range(first, end)]


@given(st.lists(WISHES, max_size=5))
def test_experiments_that_run_together_never_overlap_whatever_is_published(
    publications: list[dict[str, tuple[int, tuple[float, float]]]],
) -> None:
    layout: Layout | None = None
    for wishes in publications:
        wished = tenants(wishes, layout)
        if not fits(wished):
            continue
        layout = lay_out_layer(wished)
        for one, other in combinations(wished, 2):
            if one.meets(other):
                assert not set(buckets(layout, one.key)) & set(buckets(layout, other.key))
        for each in wished:
            assert len(set(buckets(layout, each.key))) == each.share - layout.missing.get(each.key, 0)
        if layout.missing or layout.lost:
            return  # it is not published


@given(st.lists(WISHES, min_size=1, max_size=5))
def test_experiments_keep_their_people_when_others_come_and_go(
    publications: list[dict[str, tuple[int, tuple[float, float]]]],
) -> None:
    layout: Layout | None = None
    for wishes in publications:
        wished = tenants(wishes, layout)
        if not fits(wished):
            continue
        before, layout = layout, lay_out_layer(wished)
        if layout.missing or layout.lost:
            return
        for each in wished:
            had = [] if before is None else buckets(before, each.key)
            assert buckets(layout, each.key)[: len(had)] == had[: each.share]


@given(WISHES)
def test_a_first_layout_has_room_for_all_that_fit(wishes: dict[str, tuple[int, tuple[float, float]]]) -> None:
    wished = tenants(wishes)
    layout = lay_out_layer(wished)
    assert not layout.lost
    if fits(wished):
        assert not layout.missing


@given(st.lists(st.dictionaries(st.sampled_from(KEYS), st.integers(0, 2500), max_size=4), max_size=6))
def test_without_dates_there_is_always_room(publications: list[dict[str, int]]) -> None:
    layout: Layout | None = None
    for shares in publications:
        layout = lay_out_layer(tenants({key: (share, ALWAYS) for key, share in shares.items()}, layout))
        assert (layout.missing, layout.lost) == ({}, {})


def test_growing_takes_what_is_free_and_comes_after_what_was_there() -> None:
    first = lay_out_layer([Tenant("a", 1000), Tenant("b", 1000)])
    assert first.pieces == {"a": ((0, 1000),), "b": ((1000, 2000),)}
    without = lay_out_layer(tenants({"b": (2000, ALWAYS)}, first))
    assert without.pieces == {"b": ((1000, 2000), (0, 1000))}
    smaller = lay_out_layer(tenants({"b": (1500, ALWAYS), "c": (500, ALWAYS)}, without))
    assert smaller.pieces == {"b": ((1000, 2000), (0, 500)), "c": ((500, 1000),)}


def test_experiments_share_people_only_when_they_never_meet_and_the_layer_is_full() -> None:
    november, december = (0.0, 30.0), (30.0, 61.0)
    roomy = lay_out_layer(tenants({"a": (5000, november), "b": (5000, december)}))
    assert roomy.pieces == {"a": ((0, 5000),), "b": ((5000, 10000),)}
    full = lay_out_layer(tenants({"a": (WHOLE, november), "b": (WHOLE, december)}))
    assert full.pieces == {"a": ((0, WHOLE),), "b": ((0, WHOLE),)}
