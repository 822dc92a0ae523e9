"""Request bodies: read while counting, so that neither one request nor all together hold more than they may."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from starlette.requests import Request

from nearwise_server.errors import RequestRefused, too_large, try_later
from nearwise_server.settings import Settings


class Bodies:
    """Hands out request bodies within the limits. Used on the event loop only."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._held_bytes = 0

    @asynccontextmanager
    async def body(self, request: Request, limit_bytes: int) -> AsyncGenerator[bytes]:
        """The whole body; its bytes count as held until the block is left.

        Raises:
            RequestRefused: 408, 413, 415 or 429.
        """
        if request.headers.get("content-encoding", "identity") != "identity":
            raise RequestRefused(415, "content_encoding", "send the body as it is, without Content-Encoding")
        declared = request.headers.get("content-length", "0")
        if declared.isascii() and declared.isdecimal() and int(declared[:20]) > limit_bytes:
            raise too_large(limit_bytes)
        received = bytearray()
        try:
            await self._receive(request, received, limit_bytes)
            yield bytes(received)
        finally:
            self._held_bytes -= len(received)

    async def _receive(self, request: Request, received: bytearray, limit_bytes: int) -> None:
        """Fill `received`; every byte in it counts as held."""
        try:
            async with asyncio.timeout(self._settings.body_seconds):
                async for chunk in request.stream():
                    if len(received) + len(chunk) > limit_bytes:
                        raise too_large(limit_bytes)
                    if self._held_bytes + len(chunk) > self._settings.bodies_bytes:
                        raise try_later(self._settings.retry_after_seconds, "too many requests send at once")
                    received += chunk
                    self._held_bytes += len(chunk)
        except TimeoutError:
            raise RequestRefused(408, "too_slow", "the body did not arrive in time") from None
