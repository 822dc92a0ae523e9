"""One POST to a channel: to a checked address, within its time, without following anything.

It uses httpcore, the layer under httpx, because only there an address can be checked between the moment when a name is
resolved and the moment when it is called. Redirects, cookies and proxies of the environment belong to the layer above.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from importlib.metadata import version
from urllib.parse import urlsplit

import httpcore

from nearwise_server.errors import ChannelRefused
from nearwise_server.media_types import JSON_TYPE
from nearwise_server.settings import Settings
from nearwise_server.webhooks.destinations import Destinations
from nearwise_server.webhooks.network import AddressClosed, CheckedNetwork, Resolve, resolve

_KEEP_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver answered; `retry_after` is the header's text."""

    status: int
    retry_after: str | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no answer, without anything of the request; `final` when another try cannot do better."""

    reason: str
    final: bool = False


class Poster:
    """Sends bodies to URLs over connections that it keeps for a while. Use and close it on one event loop."""

    def __init__(self, settings: Settings, resolve_name: Resolve = resolve) -> None:
        self._destinations = Destinations.of(settings)
        self._seconds = settings.webhook_timeout_seconds
        self._answer_bytes = settings.webhook_answer_bytes
        self._fixed = {"Content-Type": JSON_TYPE, "User-Agent": f"nearwise/{version('nearwise')}"}
        self._pool = httpcore.AsyncConnectionPool(
            max_connections=settings.webhook_sends,
            keepalive_expiry=_KEEP_SECONDS,
            network_backend=CheckedNetwork(self._destinations, resolve_name),
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.aclose()

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer | Failure:
        """Send once; nothing that the receiver or the network does is raised.

        The head of an answer decides: its body is read only so that the connection can be used again.
        """
        answer: Answer | None = None
        try:
            self._destinations.check_url(url)
            async with asyncio.timeout(self._seconds), self._send(url, headers, body) as response:
                answer = Answer(response.status, _header(response.headers, b"retry-after"))
                await self._drain(response.aiter_stream())
        except (ChannelRefused, AddressClosed) as refused:
            return Failure(str(refused), final=True)
        except (TimeoutError, httpcore.TimeoutException):
            return answer or Failure(f"no answer within {self._seconds:g} s")
        except (OSError, httpcore.NetworkError, httpcore.ProtocolError) as error:
            return answer or Failure(f"no answer: {type(error).__name__}")
        return answer

    def _send(
        self, url: str, headers: Mapping[str, str], body: bytes
    ) -> AbstractAsyncContextManager[httpcore.Response]:
        host = {"Host": urlsplit(url).netloc}  # httpcore would leave out the brackets of an IPv6 address
        lines = [(name.encode(), value.encode()) for name, value in {**host, **self._fixed, **headers}.items()]
        return self._pool.stream("POST", _url(url), headers=lines, content=body)

    async def _drain(self, content: AsyncIterable[bytes]) -> None:
        left = self._answer_bytes
        async for chunk in content:
            left -= len(chunk)
            if left < 0:
                return


def _url(text: str) -> httpcore.URL:
    """A checked URL, taken apart by the parser that checked it."""
    parts = urlsplit(text)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return httpcore.URL(scheme=parts.scheme, host=parts.hostname or "", port=parts.port, target=target)


def _header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str | None:
    return next((value.decode("latin-1") for key, value in headers if key.lower() == name), None)
