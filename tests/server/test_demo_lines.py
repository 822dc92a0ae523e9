"""Lines that can be cut."""

from __future__ import annotations

import socket
import threading
from collections.abc import Generator
from urllib.parse import urlsplit

import pytest

from nearwise_server.demo.lines import Exchange


@pytest.fixture
def echo_port() -> Generator[int, None, None]:
    """A server that sends every connection its bytes back."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=echo, args=(connection,), daemon=True).start()

    def echo(connection: socket.socket) -> None:
        with connection:
            try:
                while chunk := connection.recv(1000):
                    connection.sendall(chunk)
            except OSError:
                pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def connect(exchange: Exchange, number: int) -> socket.socket:
    address = urlsplit(exchange.url(number))
    return socket.create_connection((address.hostname or "", address.port or 0), timeout=5)


def test_a_line_carries_bytes_both_ways(echo_port: int) -> None:
    with Exchange(echo_port, 1) as exchange, connect(exchange, 0) as connection:
        connection.sendall(b"x" * 200_000)
        connection.shutdown(socket.SHUT_WR)
        assert sum(map(len, iter(lambda: connection.recv(4096), b""))) == 200_000


def test_a_cut_line_drops_what_is_open_and_refuses_what_is_new(echo_port: int) -> None:
    with Exchange(echo_port, 1) as exchange, connect(exchange, 0) as connection:
        connection.sendall(b"x")
        assert connection.recv(1) == b"x"
        exchange.cut(0)
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
        with pytest.raises(ConnectionRefusedError):
            connect(exchange, 0)


def test_a_restored_line_has_the_address_it_had(echo_port: int) -> None:
    with Exchange(echo_port, 1) as exchange:
        before = exchange.url(0)
        exchange.cut(0)
        exchange.cut(0)
        exchange.restore(0)
        assert exchange.url(0) == before
        with connect(exchange, 0) as connection:
            connection.sendall(b"y")
            assert connection.recv(1) == b"y"


def test_cutting_one_line_leaves_the_others(echo_port: int) -> None:
    with Exchange(echo_port, 2) as exchange, connect(exchange, 1) as other:
        exchange.cut(0)
        other.sendall(b"z")
        assert other.recv(1) == b"z"


def test_a_line_to_nobody_closes_the_connection() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with Exchange(unused.getsockname()[1], 1) as exchange, connect(exchange, 0) as connection:
            assert connection.recv(1) == b""
