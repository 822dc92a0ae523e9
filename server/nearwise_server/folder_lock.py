"""One server per folder with SQLite: a lock of the operating system, which ends with its process however that ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial

from nearwise_server.errors import ServerError
from nearwise_server.settings import Settings

_NAME = "serving.lock"


@contextmanager
def one_server(settings: Settings) -> Generator[None]:
    """Hold the folder of the data while serving; other commands do not ask for it. A database server needs no lock.

    Raises:
        ServerError: another server holds it, or the folder cannot be used.
    """
    if not settings.url_of_database.startswith("sqlite"):
        yield
        return
    path = os.path.join(settings.data, _NAME)
    try:
        os.makedirs(settings.data, mode=0o700, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    except OSError as error:
        raise ServerError(f"{path}: {error.strerror}") from error
    try:
        _lock(descriptor, settings.data)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, folder: str) -> None:
    if sys.platform == "win32":
        import msvcrt

        take = partial(msvcrt.locking, descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        take = partial(fcntl.flock, descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    try:
        take()
    except OSError:
        raise ServerError(f"another server runs over {folder}: with SQLite there is one per folder") from None
