"""One POST: what it sends, what it takes for an answer, and where it does not go."""

from __future__ import annotations

import asyncio
import logging
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpcore
import httpx
import pytest
import respx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from nearwise_server.settings import Settings
from nearwise_server.webhooks.posting import Answer, Failure, Poster
from tests.server.receivers import answering

URL = "https://crm.example/in?token=t0ken"
SETTINGS = Settings(data="x", webhook_timeout_seconds=5)
BODY = b'{"data":{"subject":"somebody"}}'


def post(url: str = URL, settings: Settings = SETTINGS, addresses: dict[str, list[str]] | None = None) -> object:
    """Post once; `addresses` stands for DNS."""

    async def resolve(host: str, _port: int) -> list[str]:
        return (addresses or {}).get(host, [host])

    async def run() -> Answer | Failure:
        poster = Poster(settings, resolve)
        try:
            return await poster.post(url, {"webhook-id": "msg_1"}, BODY)
        finally:
            await poster.close()

    return asyncio.run(run())


@respx.mock
def test_the_body_goes_out_as_json_with_the_headers() -> None:
    route = respx.post(URL).mock(return_value=httpx.Response(204))
    assert post() == Answer(204)
    request = route.calls.last.request
    assert request.content == BODY
    assert request.headers["content-type"] == "application/json"
    assert request.headers["webhook-id"] == "msg_1"
    assert request.headers["host"] == "crm.example"
    assert request.headers["user-agent"].startswith("nearwise/")


@respx.mock
def test_the_host_of_an_ipv6_address_has_its_brackets() -> None:
    route = respx.post("http://[::1]:9000/in").mock(return_value=httpx.Response(204))
    assert post("http://[::1]:9000/in") == Answer(204)
    assert route.calls.last.request.headers["host"] == "[::1]:9000"


@respx.mock
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(status: int) -> None:
    respx.post(URL).mock(return_value=httpx.Response(status, headers={"Location": "https://other.example/"}))
    other = respx.route(host="other.example").mock(return_value=httpx.Response(200))
    assert post() == Answer(status)
    assert not other.called


@respx.mock
def test_retry_after_comes_along() -> None:
    respx.post(URL).mock(return_value=httpx.Response(429, headers={"Retry-After": "7"}))
    assert post() == Answer(429, "7")


@respx.mock
@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (httpcore.ReadTimeout, "no answer within 5 s"),
        (httpcore.ConnectTimeout, "no answer within 5 s"),
        (TimeoutError, "no answer within 5 s"),
        (httpcore.ConnectError, "no answer: ConnectError"),
        (httpcore.RemoteProtocolError, "no answer: RemoteProtocolError"),
        (ConnectionResetError, "no answer: ConnectionResetError"),
    ],
)
def test_a_network_that_fails_is_a_failure_to_try_again(error: type[Exception], reason: str) -> None:
    respx.post(URL).mock(side_effect=error)
    assert post() == Failure(reason)


@pytest.mark.parametrize("address", ["10.0.0.7", "169.254.169.254", "127.0.0.1", "::1", "fd00::1"])
def test_a_name_with_a_closed_address_is_not_called(address: str) -> None:
    found = post(addresses={"crm.example": ["93.184.216.34", address]})
    assert isinstance(found, Failure)
    assert found.final
    assert found.reason.startswith(f"{address} is no public address")


def test_a_url_that_the_settings_no_longer_allow_is_not_called() -> None:
    found = post("http://crm.example/")
    assert isinstance(found, Failure)
    assert found.final


def test_a_name_without_an_address_is_tried_again() -> None:
    assert post(addresses={"crm.example": []}) == Failure("no answer: ConnectError")


def post_to(answer: bytes, *, hold: bool = False, settings: Settings = SETTINGS, path: str = "/in") -> object:
    """Post to a receiver that answers so."""
    with answering(answer, hold=hold) as port:
        return post(f"http://127.0.0.1:{port}{path}", settings)


def test_a_receiver_that_says_nothing_has_its_time() -> None:
    settings = Settings(data="x", webhook_timeout_seconds=0.05)
    assert post_to(b"", hold=True, settings=settings) == Failure("no answer within 0.05 s")


def test_the_head_of_an_answer_decides_even_if_its_body_never_ends() -> None:
    settings = Settings(data="x", webhook_timeout_seconds=0.2)
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx"
    assert post_to(head, hold=True, settings=settings) == Answer(200)
    assert post_to(head) == Answer(200)


def test_no_more_of_a_body_is_read_than_the_setting_says() -> None:
    settings = Settings(data="x", webhook_answer_bytes=1_000, webhook_timeout_seconds=60)
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n" + b"x" * 100_000
    assert post_to(head, hold=True, settings=settings) == Answer(200)


@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000])
def test_what_is_no_answer_is_a_failure(answer: bytes) -> None:
    assert post_to(answer) == Failure("no answer: RemoteProtocolError")


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    with answering(b"HTTP/1.1 204 No Content\r\n\r\n", context=self_signed(tmp_path)) as port:
        assert post(f"https://127.0.0.1:{port}/") == Failure("no answer: ConnectError")


def self_signed(folder: Path) -> ssl.SSLContext:
    """The TLS of a receiver for 127.0.0.1 whose certificate is its own."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(alternative, critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "receiver.pem"
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    file.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain) + certificate.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def test_no_log_shows_the_body_or_the_url(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    post_to(b"HTTP/1.1 500 Oh\r\n\r\n", path="/in?token=t0ken")
    assert "somebody" not in caplog.text
    assert "t0ken" not in caplog.text
