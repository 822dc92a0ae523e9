"""Receivers of webhooks on 127.0.0.1, and a verification of signatures that shares nothing with the code under test."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ssl
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import StreamRequestHandler, TCPServer, ThreadingTCPServer


def is_signed(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    """True when one of the signatures is right: HMAC (RFC 2104) spelt out, as the specification puts it together."""
    key = base64.standard_b64decode(secret.split("_", 1)[1]).ljust(64, b"\0")
    signed = b".".join((headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body))
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in key) + signed).digest()
    outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in key) + inner).digest()
    expected = base64.standard_b64encode(outer).decode()
    versions = [signature.split(",") for signature in headers["webhook-signature"].split(" ")]
    return any(version == "v1" and hmac.compare_digest(text, expected) for version, text in versions)


@dataclass
class Receiver:
    """What arrived at a receiver, and what it answers: the statuses in order, the last of them from then on."""

    statuses: Sequence[int] = (204,)
    url: str = ""
    bodies: list[bytes] = field(default_factory=list[bytes])
    headers: list[Mapping[str, str]] = field(default_factory=list[Mapping[str, str]])
    accepted: threading.Event = field(default_factory=threading.Event)

    def take(self, headers: Mapping[str, str], body: bytes) -> int:
        """Note one request; the status to answer with."""
        status = self.statuses[min(len(self.bodies), len(self.statuses) - 1)]
        self.bodies.append(body)
        self.headers.append(headers)
        if status < 300:
            self.accepted.set()
        return status


@contextmanager
def receiving(*statuses: int) -> Generator[Receiver]:
    """A running receiver."""
    receiver = Receiver(statuses or (204,))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            self.send_response(receiver.take({name.lower(): value for name, value in self.headers.items()}, body))
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base's name
            """Nothing."""

    with _running(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        receiver.url = f"http://127.0.0.1:{port}/in"
        yield receiver


@contextmanager
def answering(answer: bytes, *, hold: bool = False, context: ssl.SSLContext | None = None) -> Generator[int]:
    """A port where every request gets these bytes; `hold` leaves the connection open until the end."""
    over = threading.Event()

    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            while self.rfile.readline() not in (b"\r\n", b""):
                pass
            self.wfile.write(answer)
            if hold:
                over.wait()

    server = ThreadingTCPServer(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    with _running(server) as port:
        try:
            yield port
        finally:
            over.set()


@contextmanager
def _running(server: TCPServer) -> Generator[int]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
