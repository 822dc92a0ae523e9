"""A device that reports due actions, a courier that delivers them, and time as the test passes it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import cast

import httpx
import respx

from nearwise_server.app import Centre
from nearwise_server.scopes import Scope
from nearwise_server.settings import Settings
from nearwise_server.store.channels import Channel
from nearwise_server.store.deliveries import DeliveryFilter, DeliveryRow, deliveries_before
from nearwise_server.webhooks.channels import ChannelRequest, make_channel
from nearwise_server.webhooks.courier import Courier
from tests.server.conftest import NOW, Callers, packed

CRM = "https://crm.example/in"
SUBJECT = "s_4711"


@dataclass
class Clock:
    """Time as the test passes it."""

    now: float = NOW

    def __call__(self) -> float:
        return self.now


def event(channel: str | None = "crm", **more: object) -> bytes:
    """A trigger event of somebody."""
    members = {"type": "trigger", "at": int(NOW * 1000), "subject": SUBJECT, "trigger": "abandoned", "id": "cart-1"}
    return packed(**members, **({} if channel is None else {"channel": channel}), **more)


def channel_to(centre: Centre, url: str = CRM, name: str = "crm") -> Channel:
    return make_channel(centre.database, centre.settings, ChannelRequest("production", name, url), int(NOW * 1000))


def report(callers: Callers, *events: bytes, first: int = 0) -> None:
    """Send events as a device does."""
    answer = callers.send(callers.batch(first, *events), callers.key(Scope.DEVICE))
    assert (answer.status_code, answer.json()["rejected"]) == (200, [])


def deliver(centre: Centre, clock: Clock, settings: Settings | None = None) -> None:
    """Let a courier deliver what is due, then end."""

    async def run() -> None:
        courier = Courier(centre.database, settings or centre.settings, clock=clock, jitter=lambda: 1.0)
        await courier.catch_up()
        await courier.close()

    asyncio.run(run())


def requests_of(route: respx.Route) -> list[httpx.Request]:
    """What a receiver got."""
    calls = cast("list[respx.models.Call]", route.calls)
    return [call.request for call in calls]


def rows(centre: Centre) -> list[DeliveryRow]:
    """The deliveries, oldest first."""
    with centre.database.reading() as connection:
        return deliveries_before(connection, DeliveryFilter(environment="production"), None, 1_000)[::-1]


def states(centre: Centre) -> list[tuple[str, int, str | None]]:
    return [(row.state.value, row.tries, row.last_error) for row in rows(centre)]
