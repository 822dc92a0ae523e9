"""A delivery for the tests of webhooks."""

from __future__ import annotations

from nearwise_server.store.deliveries import DeliveryRow, State

NOW_MS = 1_795_000_000_000
HOUR_MS = 3_600_000
ROW = DeliveryRow(
    id=7,
    environment="production",
    device="till-1",
    epoch="ab" * 16,
    seq=3,
    channel="crm",
    trigger="abandoned",
    state=State.WAITING,
    tries=0,
    created_ms=NOW_MS,
    changed_ms=NOW_MS,
    next_ms=NOW_MS,
    until_ms=NOW_MS + 72 * HOUR_MS,
    last_error=None,
)
