"""The seam between a client and its server: `HttpTransport` is the network, `testing.MemoryServer` the fake."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from nearwise.errors import NearwiseError


class TransportFailed(NearwiseError):
    """No answer came: no network, a time limit, a broken or an oversized body."""


class Request(NamedTuple):
    """What is asked of the server: a path below its address, headers, a body, and how much may come back (bytes)."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""
    most_bytes: int = 1024 * 1024


class Response(NamedTuple):
    """What came back. Header names are in lower case; the body is decoded (no Content-Encoding left)."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport(Protocol):
    """Sends requests, one at a time, from one thread."""

    def send(self, request: Request) -> Response:
        """The server's answer, whatever its status.

        Raises:
            TransportFailed: there was no answer.
        """
        ...

    def close(self) -> None:
        """Give connections back."""
        ...
