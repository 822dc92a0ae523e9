"""Newcombe's interval against the published table."""

from __future__ import annotations

import pytest

from nearwise_server.demo.intervals import Share, difference


@pytest.mark.parametrize(
    ("one", "other", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_the_interval_of_a_difference_is_that_of_newcombe_1998_table_2_method_10(
    one: tuple[int, int], other: tuple[int, int], low: float, high: float
) -> None:
    found = difference(Share(*one), Share(*other))
    assert found is not None
    assert found.low == pytest.approx(low, abs=5e-5)
    assert found.high == pytest.approx(high, abs=5e-5)


def test_a_share_of_nothing_has_no_rate_and_the_widest_interval() -> None:
    assert Share(0, 0).rate is None
    assert Share(0, 0).interval() == (0.0, 1.0)
    assert difference(Share(0, 0), Share(1, 2)) is None


def test_a_difference_is_conclusive_when_its_interval_leaves_zero_out() -> None:
    clear, unclear = difference(Share(90, 100), Share(10, 100)), difference(Share(11, 100), Share(10, 100))
    assert clear is not None
    assert unclear is not None
    assert clear.conclusive
    assert not unclear.conclusive
