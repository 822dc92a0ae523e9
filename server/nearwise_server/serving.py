"""Running a server: uvicorn with uvloop and httptools, one process; in the foreground or inside another program."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager, suppress

import uvicorn
from starlette.types import ASGIApp

from nearwise_server.app import Centre, make_app, open_centre
from nearwise_server.errors import ServerError
from nearwise_server.folder_lock import one_server
from nearwise_server.settings import Settings

_KEEP_ALIVE_SECONDS = 75
"""Longer than devices poll by default: a new TLS connection costs ten times what a poll does."""


def serve(settings: Settings, *, started: Callable[[str, Centre], None] | None = None) -> None:
    """Serve until SIGINT or SIGTERM, then finish what was begun. `started` gets the URL and the opened centre.

    Raises:
        ServerError: a key, the database or the address cannot be used, or another server runs over this folder.
    """
    with one_server(settings), closing(_listen(settings)) as listener:
        centre = open_centre(settings)
        if started is not None:
            started(_url(listener), centre)
        with suppress(KeyboardInterrupt):  # raised again by uvicorn after it has stopped in order
            _Server(_config(make_app(centre), settings)).run(sockets=[listener])


@contextmanager
def serve_in_thread(settings: Settings) -> Generator[str]:
    """Serve inside this program: `with serve_in_thread(settings) as url`. Port 0 picks a free one.

    Raises:
        ServerError: a key, the database or the address cannot be used.
    """
    with one_server(settings), serve_centre_in_thread(open_centre(settings)) as url:
        yield url


@contextmanager
def serve_centre_in_thread(centre: Centre) -> Generator[str]:
    """As `serve_in_thread`, over a centre that is open already; it is closed at the end."""
    listener = _listen(centre.settings)
    server = _Server(_config(make_app(centre), centre.settings))
    thread = threading.Thread(target=server.run, args=([listener],), name="nearwise-server", daemon=True)
    thread.start()
    server.ready.wait()
    try:
        yield _url(listener)
    finally:
        server.should_exit = True
        thread.join()


class _Server(uvicorn.Server):
    """Says when it is ready, so that nobody has to ask again and again."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            super().run(sockets)
        finally:
            self.ready.set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


def _config(app: ASGIApp, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        lifespan="on",
        log_config=None,
        ws="none",
        access_log=False,  # addresses and paths of callers are nobody's business
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=settings.shutdown_seconds,
    )


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=2048)
    except OSError as error:
        raise ServerError(f"cannot listen on {settings.host} port {settings.port}: {error.strerror}") from error


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
