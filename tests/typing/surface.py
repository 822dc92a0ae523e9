"""What an app developer writes, as type checkers see it. Checked by mypy and pyright, never run."""

from typing import assert_type

import nearwise
from nearwise_rules import Json


def checkout(client: nearwise.Client) -> None:
    """Decide, show, track: every value has a type that a caller can rely on."""
    with client as same:
        assert_type(same, nearwise.Client)
    context = client.context(subject="household-1042", basket={"total": 23.9})
    assert_type(context, nearwise.Context)
    decision = context.decide("checkout-offer", default=None)
    assert_type(decision, nearwise.Decision)
    assert_type(decision.value, Json)
    assert_type(decision.variant, str | None)
    assert_type(decision.reason, nearwise.Reason)
    assert_type(decision.error_code, nearwise.ErrorCode | None)
    assert_type(decision.propensity, float | None)
    assert_type(decision.shown(), None)
    for item in decision:
        assert_type(item, nearwise.Item)
        assert_type(item.shown(), None)
    assert_type(decision.items, tuple[nearwise.Item, ...])
    assert_type(client.status, nearwise.Status)
    assert_type(client.flush(1.0), int)
