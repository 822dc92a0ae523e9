"""Linear models: whatever the data hold, the score is a finite number."""

from __future__ import annotations

from math import inf, nan
from typing import Any

import pytest

from nearwise_rules.models import Scorer, Sums, compile_model

PLAIN: dict[str, Any] = {"kind": "linear", "link": "identity", "fallback": 0.5}


def compile(features: dict[str, Any], **more: Any) -> Scorer:  # noqa: A001
    return compile_model({**PLAIN, "features": features, **more}, lambda name: name == "seen")


@pytest.mark.parametrize("value", [10**400, -(10**400), inf, nan], ids=["huge", "less", "endless", "none"])
def test_a_number_that_cannot_be_counted_with_gives_the_fallback(value: float) -> None:
    model = compile({"total": {"weight": 1.5}})
    assert model.score({"total": value}) == 0.5
    assert model.score({"total": 2}) == 3


def test_a_number_too_long_to_write_is_no_category_and_gives_the_fallback() -> None:
    model = compile({"size": {"values": {"3": 0.9}}})
    assert model.score({"size": 10**5000}) == 0.5
    assert [model.score({"size": size}) for size in (3, 3.0, "3")] == [0.9, 0.9, 0.9]


@pytest.mark.parametrize("fallback", [nan, inf, -inf])
def test_a_model_without_a_finite_fallback_is_none(fallback: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        compile({}, fallback=fallback)


def test_the_order_of_the_sum_is_part_of_the_format() -> None:
    weights = {"a": 0.1, "offer.value": 0.7, "b": 0.2, "seen": 0.3}
    features = {name: {"weight": weight} for name, weight in weights.items()}
    model = compile({**features, "size": {"values": {"big": 0.6}}}, intercept=1e-17)
    data = {"a": 1, "b": 1, "seen": 1, "size": "big", "offer": {"value": 1}}
    expected = ((((1e-17 + 0.1) + 0.2) + 0.6) + 0.7) + 0.3  # the visit's numbers and texts, then the candidate's
    assert model.score(data) == expected != 1e-17 + (0.1 + 0.7 + 0.2 + 0.3 + 0.6)
    sums: Sums = {}
    assert [model.score({**data, "seen": seen}, sums) for seen in (1, 0)] == [expected, expected - 0.3]
    assert list(sums.values()) == [((1e-17 + 0.1) + 0.2) + 0.6]
