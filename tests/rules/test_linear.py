"""Linear models: whatever the data hold, the score is a finite number."""

from __future__ import annotations

from math import inf, nan
from typing import Any

import pytest

from nearwise_rules.models import compile_model

PLAIN: dict[str, Any] = {"kind": "linear", "link": "identity", "fallback": 0.5}


@pytest.mark.parametrize("value", [10**400, -(10**400), inf, nan], ids=["huge", "less", "endless", "none"])
def test_a_number_that_cannot_be_counted_with_gives_the_fallback(value: float) -> None:
    model = compile_model({**PLAIN, "features": {"total": {"weight": 1.5}}})
    assert model.score({"total": value}) == 0.5
    assert model.score({"total": 2}) == 3


def test_a_number_too_long_to_write_is_no_category_and_gives_the_fallback() -> None:
    model = compile_model({**PLAIN, "features": {"size": {"values": {"3": 0.9}}}})
    assert model.score({"size": 10**5000}) == 0.5
    assert [model.score({"size": size}) for size in (3, 3.0, "3")] == [0.9, 0.9, 0.9]


@pytest.mark.parametrize("fallback", [nan, inf, -inf])
def test_a_model_without_a_finite_fallback_is_none(fallback: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        compile_model({**PLAIN, "fallback": fallback})
