"""Network lines that can be cut: each till reaches the centre through a TCP port of its own on this machine.

A cut line refuses connections and drops the open ones, as a pulled cable does to a till; restoring it opens the same
port again. All lines live on one asyncio loop in one thread.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Self, TypeVar

HOST = "127.0.0.1"
CHUNK_BYTES = 64 * 1024
ANSWER_SECONDS = 10

Answer = TypeVar("Answer")


class Line:
    """One till's way to the centre. Only its exchange touches it, on the exchange's loop."""

    def __init__(self, centre_port: int) -> None:
        self.port = 0
        self._centre_port = centre_port
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._carrying: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Accept connections; the port is chosen at the first opening and kept."""
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, HOST, self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Refuse connections and drop the open ones in the middle of whatever they carry."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for writer in list(self._writers):
            _reset(writer)
        for task in list(self._carrying):
            task.cancel()
        await asyncio.gather(*self._carrying, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  # a callback of start_server runs as a task
        self._carrying.add(task)
        self._writers.add(writer)
        far_writer: asyncio.StreamWriter | None = None
        try:
            far_reader, far_writer = await asyncio.open_connection(HOST, self._centre_port)
            self._writers.add(far_writer)
            await asyncio.gather(_carry(reader, far_writer), _carry(far_reader, writer))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            for end in (writer, far_writer):
                if end is not None:
                    self._writers.discard(end)
                    end.transport.abort()
            self._carrying.discard(task)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Drop a connection with what it still carries: a zero linger sends RST instead of FIN."""
    plug: socket.socket | None = writer.get_extra_info("socket")
    if plug is not None:
        with suppress(OSError):
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(CHUNK_BYTES):
        writer.write(chunk)
        await writer.drain()
    with suppress(OSError):
        writer.write_eof()


class Exchange:
    """All lines to one centre. A context manager: leaving it cuts every line and ends the thread."""

    def __init__(self, centre_port: int, lines: int) -> None:
        self._lines = [Line(centre_port) for _ in range(lines)]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="demo-lines", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        for number in range(len(self._lines)):
            self.restore(number)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number in range(len(self._lines)):
            self.cut(number)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(ANSWER_SECONDS)
        if not self._thread.is_alive():
            self._loop.close()

    def url(self, number: int) -> str:
        """The address a till is given instead of the centre's."""
        return f"http://{HOST}:{self._lines[number].port}"

    def cut(self, number: int) -> None:
        """Take the till's network away."""
        self._wait(self._lines[number].cut())

    def restore(self, number: int) -> None:
        """Give it back, at the same address."""
        self._wait(self._lines[number].open())

    def _wait(self, work: Coroutine[object, object, Answer]) -> Answer:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(ANSWER_SECONDS)
