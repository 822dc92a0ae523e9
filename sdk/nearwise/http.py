"""The network: requests to the server over httpx, which is imported by the thread that makes the first request."""

from __future__ import annotations

import zlib
from time import monotonic
from typing import TYPE_CHECKING

from nearwise.settings import Settings
from nearwise.transport import Request, Response, TransportFailed

if TYPE_CHECKING:
    import httpx


class HttpTransport:
    """One server, one key. Redirects are not followed: a till talks to the host it was given and to no other."""

    def __init__(self, url: str, key: str, settings: Settings) -> None:
        self._url = url.rstrip("/")
        self._key = key
        self._settings = settings
        self._client: httpx.Client | None = None

    def _connected(self) -> httpx.Client:
        if self._client is None:
            import httpx

            authorization = {"Authorization": f"Bearer {self._key}"} if self._key else {}
            self._client = httpx.Client(
                timeout=httpx.Timeout(self._settings.request_seconds),
                headers={"Accept-Encoding": "gzip", **authorization},
                limits=httpx.Limits(max_connections=2, keepalive_expiry=self._settings.poll_seconds * 2),
            )
        return self._client

    def send(self, request: Request) -> Response:
        """The server's answer, whatever its status.

        Raises:
            TransportFailed: there was no whole answer within the limits.
        """
        import httpx

        deadline = monotonic() + self._settings.transfer_seconds
        try:
            with self._connected().stream(
                request.method, self._url + request.path, headers=dict(request.headers), content=request.body or None
            ) as answer:
                body = _read(answer, request.most_bytes, deadline)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, ValueError, zlib.error) as error:
            self.close()
            raise TransportFailed(f"{type(error).__name__}: {error}") from error
        return Response(answer.status_code, {name.lower(): value for name, value in answer.headers.items()}, body)

    def close(self) -> None:
        """Give connections back; the next request makes new ones."""
        client, self._client = self._client, None
        if client is not None:
            client.close()


def _read(answer: httpx.Response, most_bytes: int, deadline: float) -> bytes:
    """The body, inflated here rather than by httpx, so that a small answer cannot grow past the limit."""
    encoding = answer.headers.get("content-encoding", "identity").lower()
    if encoding not in ("identity", "gzip"):
        raise ValueError(f"an answer encoded as {encoding}")
    gunzip = zlib.decompressobj(wbits=31) if encoding == "gzip" else None
    parts: list[bytes] = []
    left = most_bytes
    for raw in answer.iter_raw():
        part = raw if gunzip is None else gunzip.decompress(raw, left + 1)
        left -= len(part)
        if left < 0:
            raise ValueError(f"an answer of more than {most_bytes} bytes")
        if monotonic() > deadline:
            raise ValueError("the answer took too long")
        parts.append(part)
    if gunzip is not None and not gunzip.eof:
        raise ValueError("half an answer")
    return b"".join(parts)
