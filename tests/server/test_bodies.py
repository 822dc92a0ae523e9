"""Request bodies that come too slowly, and callers that hang up."""

from __future__ import annotations

import asyncio

import pytest
from starlette.requests import ClientDisconnect, Request

from nearwise_server.bodies import Bodies
from nearwise_server.errors import RequestRefused
from nearwise_server.settings import Settings

SETTINGS = Settings(data="x", body_seconds=0.01, bodies_bytes=10)
Message = dict[str, object]


def request(*messages: Message) -> Request:
    """A request whose body comes in these messages and then no further."""
    waiting = list(messages)

    async def receive() -> Message:
        return waiting.pop(0) if waiting else await asyncio.get_running_loop().create_future()

    return Request({"type": "http", "headers": [], "method": "POST", "path": "/"}, receive)


async def _read(bodies: Bodies, asked: Request) -> bytes:
    async with bodies.body(asked, 100) as body:
        return body


def chunk(content: bytes, *, more: bool) -> Message:
    return {"type": "http.request", "body": content, "more_body": more}


def test_a_body_that_stops_half_way_is_refused_and_no_longer_counts() -> None:
    bodies = Bodies(SETTINGS)
    for _ in range(3):  # each holds 6 of the 10 bytes while it waits
        with pytest.raises(RequestRefused) as refused:
            asyncio.run(_read(bodies, request(chunk(b"123456", more=True))))
        assert refused.value.status == 408
    assert asyncio.run(_read(bodies, request(chunk(b"123456", more=False)))) == b"123456"


def test_a_caller_that_hangs_up_leaves_nothing_behind() -> None:
    bodies = Bodies(SETTINGS)
    for _ in range(3):
        with pytest.raises(ClientDisconnect):
            asyncio.run(_read(bodies, request(chunk(b"123456", more=True), {"type": "http.disconnect"})))
    assert asyncio.run(_read(bodies, request(chunk(b"1234567890", more=False)))) == b"1234567890"
