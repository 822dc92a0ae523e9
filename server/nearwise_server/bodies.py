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
        if declared.isdecimal() and declared.isascii() and int(declared[:20]) > limit_bytes:
            raise too_large(limit_bytes)
        chunks: list[bytes] = []
        held = 0
        try:
            async with asyncio.timeout(self._settings.body_seconds):
                async for chunk in request.stream():
                    held += len(chunk)
                    self._hold(len(chunk))
                    if held > limit_bytes:
                        raise too_large(limit_bytes)
                    chunks.append(chunk)
            yield b"".join(chunks)
        except TimeoutError:
            raise RequestRefused(408, "too_slow", "the body did not arrive in time") from None
        finally:
            self._held_bytes -= held

    def _hold(self, count: int) -> None:
        self._held_bytes += count
        if self._held_bytes > self._settings.bodies_bytes:
            raise try_later(self._settings.retry_after_seconds, "too many requests send at once")
