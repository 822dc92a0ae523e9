"""The shortcut for what devices do most: asking for a manifest that has not changed.

It answers only when the key was verified a moment ago and the caller has the newest version; everything else goes on to
the application, which gives the same answer in the same case (tests hold both to it).
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

from nearwise_server.edge import Edge, manifest_headers, names
from nearwise_server.keys import Keyring


class Polling:
    """Raw ASGI in front of the application."""

    def __init__(self, app: ASGIApp, edge: Edge, keyring: Keyring) -> None:
        self.app = app
        self._edge = edge
        self._keyring = keyring

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the lifespan."""
        if scope["type"] == "http" and scope["path"] == "/v1/manifest" and scope["method"] == "GET":
            headers = {name: value.decode("latin-1") for name, value in reversed(scope["headers"])}
            unchanged = self._unchanged(headers)
            if unchanged is not None:
                await send({"type": "http.response.start", "status": 304, "headers": unchanged})
                await send({"type": "http.response.body", "body": b""})
                return
        await self.app(scope, receive, send)

    def _unchanged(self, headers: Mapping[bytes, str]) -> list[tuple[bytes, bytes]] | None:
        """The headers of a 304, None when the application has to answer."""
        scheme, _, text = headers.get(b"authorization", "").partition(" ")
        key = self._keyring.remembered(text) if scheme.lower() == "bearer" else None
        newest = None if key is None else self._edge.catalogue.newest(key.environment)
        if key is None or newest is None or not names(headers.get(b"if-none-match", ""), newest.etag):
            return None
        status = (headers.get(b"nearwise-device"), headers.get(b"nearwise-bundle"), headers.get(b"nearwise-sdk"))
        self._edge.saw(key, *status)
        return [(name.lower().encode(), value.encode()) for name, value in manifest_headers(newest).items()]
