"""The offers and placements of a release are made once, whoever asks for them first."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations
from threading import Barrier

import pytest

from tests.rules.placement_cases import MONDAY, Shop, rule_set

THREADS = 6
KEYS = [f"o{number:02d}" for number in range(20)]
PLACEMENT = {"candidates": {"tags": ["t"], "offers": KEYS}, "policies": {"p": {"score": {"value": True}}}}


@pytest.fixture
def hasty() -> Iterator[None]:
    """Threads that take turns as often as they can."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("hasty")
def test_threads_that_ask_first_at_a_time_are_given_the_same_and_exceed_no_cap() -> None:
    offers = {key: {"tags": ["t"], "value": number + 1} for number, key in enumerate(KEYS)}
    files = rule_set(offers, {"slot": {**PLACEMENT, "size": 5}}, caps={"c": {"tag": "t", "limit": 2}})
    for _ in range(8):
        shop, start = Shop(files), Barrier(THREADS)

        def ask(shop: Shop = shop, start: Barrier = start) -> list[str]:
            start.wait()
            return shop.decide("slot").keys

        with ThreadPoolExecutor(THREADS) as pool:
            asked = [pool.submit(ask) for _ in range(THREADS)]
        assert [each.result() for each in asked] == [["o19", "o18"]] * THREADS


def test_combinations_of_placements_are_not_kept_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nearwise_rules.decide.catalogue._MOST_READINGS", 5)
    slots = {name: {"candidates": {"offers": ["a"]}, "policies": PLACEMENT["policies"]} for name in "wxyz"}
    shop = Shop(rule_set({"a": {"value": 1}}, slots))
    for keys in permutations(slots):
        assert len(shop.release.decide_many(keys, {}, "h-1", MONDAY)) == len(slots)
    assert len(shop.release.catalogue._readings) <= 5  # pyright: ignore[reportPrivateUsage]
