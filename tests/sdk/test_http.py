"""The network: real requests to a real server on this machine, and the faults that only sockets have."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
import respx

from nearwise import Request, Settings, TransportFailed
from nearwise.http import HttpTransport

Answer = Callable[[BaseHTTPRequestHandler], None]
SETTINGS = Settings(request_seconds=0.5, transfer_seconds=1.0)


class Site:
    """A server whose answers a test sets."""

    def __init__(self) -> None:
        self.answer: Answer = lambda handler: reply(handler, b"hello")
        self.heard: list[tuple[str, str, dict[str, str], bytes]] = []
        self.release = threading.Event()
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                length = int(self.headers.get("content-length", 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                site.heard.append((self.command, self.path, headers, self.rfile.read(length)))
                site.answer(self)

            do_POST = do_GET  # noqa: N815  the name that the standard library looks for

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


def reply(handler: BaseHTTPRequestHandler, body: bytes, status: int = 200, **headers: str) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield made
    made.release.set()
    made.server.shutdown()
    made.server.server_close()
    thread.join()


@pytest.fixture
def transport(site: Site) -> Iterator[HttpTransport]:
    made = HttpTransport(f"{site.url}/", "nw1.d.secret", SETTINGS)
    yield made
    made.close()


def get(most_bytes: int = 1000) -> Request:
    return Request("GET", "/v1/manifest", {"Nearwise-Device": "till-07"}, most_bytes=most_bytes)


def test_a_request_carries_the_key_and_its_headers(transport: HttpTransport, site: Site) -> None:
    answer = transport.send(get())
    assert (answer.status, answer.body) == (200, b"hello")
    ((method, path, headers, _),) = site.heard
    assert (method, path) == ("GET", "/v1/manifest")
    assert headers["authorization"] == "Bearer nw1.d.secret"
    assert headers["nearwise-device"] == "till-07"
    assert headers["accept-encoding"] == "gzip"


def test_a_body_is_posted_as_it_is(transport: HttpTransport, site: Site) -> None:
    transport.send(Request("POST", "/v1/batches", {}, b"\x00\xff"))
    assert site.heard[0][3] == b"\x00\xff"


def test_a_compressed_answer_is_inflated(transport: HttpTransport, site: Site) -> None:
    site.answer = lambda handler: reply(handler, gzip.compress(b"x" * 900), Content_Encoding="gzip", ETag='"1"')
    answer = transport.send(get())
    assert answer.body == b"x" * 900
    assert answer.headers["etag"] == '"1"'


def test_a_redirect_is_an_answer_and_not_followed(transport: HttpTransport, site: Site) -> None:
    site.answer = lambda handler: reply(handler, b"", 302, Location="http://elsewhere.invalid/")
    assert transport.send(get()).status == 302
    assert len(site.heard) == 1


def bomb(handler: BaseHTTPRequestHandler) -> None:
    reply(handler, gzip.compress(bytes(50_000_000)), Content_Encoding="gzip")


def nonsense(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"\x00\x01 nonsense\r\n\r\n")


def half(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"half")


FAULTS: dict[str, Answer] = {
    "bomb": bomb,
    "half": half,
    "too-large": lambda handler: reply(handler, bytes(2000)),
    "cut-gzip": lambda handler: reply(handler, gzip.compress(b"x" * 500)[:-10], Content_Encoding="gzip"),
    "no-gzip": lambda handler: reply(handler, b"not gzip", Content_Encoding="gzip"),
    "other-encoding": lambda handler: reply(handler, b"?", Content_Encoding="br"),
    "nonsense": nonsense,
    "closed": lambda handler: handler.connection.close(),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_answer_that_is_none_is_a_failure_and_the_next_request_succeeds(
    transport: HttpTransport, site: Site, fault: str
) -> None:
    site.answer = FAULTS[fault]
    with pytest.raises(TransportFailed):
        transport.send(get())
    site.answer = lambda handler: reply(handler, b"hello")
    assert transport.send(get()).body == b"hello"


def test_a_silent_server_is_given_up(site: Site) -> None:
    def silent(handler: BaseHTTPRequestHandler) -> None:
        site.release.wait(10)

    site.answer = silent
    transport = HttpTransport(site.url, "", Settings(request_seconds=0.05))
    with pytest.raises(TransportFailed, match="Timeout"):
        transport.send(get())
    site.release.set()
    transport.close()


def test_a_server_that_drips_is_given_up(site: Site) -> None:
    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        for _ in range(1000):
            handler.wfile.write(b"x")
            if site.release.wait(0.01):
                return

    site.answer = drip
    transport = HttpTransport(site.url, "", Settings(request_seconds=0.5, transfer_seconds=0.1))
    with pytest.raises(TransportFailed, match="too long"):
        transport.send(get())
    site.release.set()
    transport.close()


def test_no_server_is_a_failure() -> None:
    transport = HttpTransport("http://127.0.0.1:9", "", SETTINGS)
    with pytest.raises(TransportFailed, match="ConnectError"):
        transport.send(get())


@pytest.mark.parametrize("url", ["", "nonsense", "http://", "ftp://x", "http://[::1"])
def test_an_address_that_is_none_is_a_failure_and_not_a_crash(url: str) -> None:
    with pytest.raises(TransportFailed):
        HttpTransport(url, "", SETTINGS).send(get())


ERRORS = [httpx.ConnectTimeout, httpx.ReadError, httpx.RemoteProtocolError, httpx.PoolTimeout, httpx.ProxyError]


@pytest.mark.parametrize("error", ERRORS)
@respx.mock
def test_every_error_of_the_library_is_translated(error: type[httpx.HTTPError]) -> None:
    respx.get("http://centre.example/v1/manifest").mock(side_effect=error)
    transport = HttpTransport("http://centre.example", "", SETTINGS)
    with pytest.raises(TransportFailed, match=error.__name__):
        transport.send(get())
