"""What keepers of channels call: where deliveries go, how they do, and another try."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import anyio
from anyio.to_thread import run_sync
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from nearwise_server.answers import answer_json
from nearwise_server.bodies import Bodies
from nearwise_server.errors import ChannelRefused, RequestRefused
from nearwise_server.keys import ApiKey
from nearwise_server.requests import choice, cursor, json_body, page_limit, text
from nearwise_server.settings import Settings
from nearwise_server.store import Database
from nearwise_server.store.channels import Channel, channels_of, enable_channel, remove_channel
from nearwise_server.store.deliveries import (
    DeliveryFilter,
    DeliveryRow,
    State,
    deliveries_before,
    retry_deliveries,
)
from nearwise_server.webhooks.channels import CHANNEL_NAME, ChannelRequest, make_channel
from nearwise_server.webhooks.signing import message_id

_NUMBER = re.compile(r"[0-9]{1,18}")
_URL_CHARACTERS = 2_000
_BODY_BYTES = 16 * 1024
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outreach:
    """The operations on channels and deliveries over what the server shares."""

    settings: Settings
    database: Database
    bodies: Bodies
    workers: anyio.CapacityLimiter
    clock: Callable[[], float]

    async def channels(self, _request: Request, key: ApiKey) -> Response:
        """The channels of the environment, without their secrets."""

        def read() -> list[Channel]:
            with self.database.reading() as connection:
                return channels_of(connection, key.environment)

        return answer_json({"channels": [_channel(channel) for channel in await self._run(read)]})

    async def add_channel(self, request: Request, key: ApiKey) -> Response:
        """Make a channel; its secret is in this answer and in no other."""
        async with self.bodies.body(request, _BODY_BYTES) as body:
            content = json_body(body)
        name, url = text(content, "name", most=64), text(content, "url", most=_URL_CHARACTERS)
        asked = ChannelRequest(key.environment, name, url)
        try:
            channel = await self._run(partial(make_channel, self.database, self.settings, asked, self._now_ms()))
        except ChannelRefused as refused:
            raise RequestRefused(422, "channel", str(refused)) from None
        return answer_json(_channel(channel) | {"secret": channel.secret}, 201)

    async def remove_channel(self, request: Request, key: ApiKey) -> Response:
        """Remove a channel; what waits for it becomes dead."""
        return await self._change(request, key, remove_channel)

    async def enable_channel(self, request: Request, key: ApiKey) -> Response:
        """Let a disabled channel take deliveries again."""
        return await self._change(request, key, enable_channel)

    async def deliveries(self, request: Request, key: ApiKey) -> Response:
        """Deliveries, newest first."""
        limit, after = page_limit(request, self.settings.page_rows), cursor(request, _NUMBER)
        state = choice(request, "state", [state.value for state in State])
        wanted = DeliveryFilter(
            environment=key.environment,
            state=None if state is None else State(state),
            channel=_channel_filter(request.query_params.get("channel")),
        )
        below = None if after is None else int(after.group())

        def read() -> list[DeliveryRow]:
            with self.database.reading() as connection:
                return deliveries_before(connection, wanted, below, limit)

        rows = await self._run(read)
        following = str(rows[-1].id) if len(rows) == limit else None
        return answer_json({"deliveries": [_delivery(row) for row in rows], "next": following})

    async def retry(self, request: Request, key: ApiKey) -> Response:
        """Try one delivery again, now."""
        identity = str(request.path_params["id"])
        if not _NUMBER.fullmatch(identity):
            raise RequestRefused(404, "unknown_delivery", "there is no such delivery")
        wanted = DeliveryFilter(environment=key.environment, id=int(identity))
        if await self._run(partial(self._retry, wanted)):
            return answer_json({"retried": 1})

        def read() -> list[DeliveryRow]:
            with self.database.reading() as connection:
                return deliveries_before(connection, wanted, None, 1)

        if await self._run(read):
            raise RequestRefused(409, "was_sent", "this delivery was sent; its body is not kept")
        raise RequestRefused(404, "unknown_delivery", "there is no such delivery")

    async def retry_dead(self, request: Request, key: ApiKey) -> Response:
        """Try all dead deliveries again, or those of one channel."""
        async with self.bodies.body(request, _BODY_BYTES) as body:
            content = json_body(body)
        channel = _channel_filter(text(content, "channel", most=64) or None)
        wanted = DeliveryFilter(environment=key.environment, state=State.DEAD, channel=channel)
        return answer_json({"retried": await self._run(partial(self._retry, wanted))})

    def _retry(self, wanted: DeliveryFilter) -> int:
        now_ms = self._now_ms()
        until_ms = now_ms + int(self.settings.webhook_give_up_seconds * 1000)
        with self.database.writing() as connection:
            return retry_deliveries(connection, wanted, now_ms=now_ms, until_ms=until_ms)

    async def _change(self, request: Request, key: ApiKey, change: Callable[[Connection, str, str], bool]) -> Response:
        name = str(request.path_params["name"])

        def write() -> bool:
            with self.database.writing() as connection:
                return change(connection, key.environment, name)

        if not CHANNEL_NAME.fullmatch(name) or not await self._run(write):
            raise RequestRefused(404, "unknown_channel", "there is no such channel")
        return answer_json({"name": name})

    async def _run(self, work: Callable[[], Result]) -> Result:
        return await run_sync(work, limiter=self.workers)

    def _now_ms(self) -> int:
        return int(self.clock() * 1000)


def _channel(channel: Channel) -> dict[str, object]:
    return {
        "name": channel.name,
        "url": channel.url,
        "created": channel.created_ms,
        "disabled": channel.disabled_ms,
    }


def _channel_filter(name: str | None) -> str | None:
    if name is not None and not CHANNEL_NAME.fullmatch(name):
        raise RequestRefused(400, "bad_channel", "'channel' is not the name of a channel")
    return name


def _delivery(row: DeliveryRow) -> dict[str, object]:
    return {
        "id": row.id,
        "webhook_id": message_id(row),
        "device": row.device,
        "epoch": row.epoch,
        "seq": row.seq,
        "trigger": row.trigger,
        "channel": row.channel,
        "state": row.state.value,
        "tries": row.tries,
        "created": row.created_ms,
        "changed": row.changed_ms,
        "next": row.next_ms if row.state is State.WAITING else None,
        "last_error": row.last_error,
    }
