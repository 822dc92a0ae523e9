"""The storage folder of one device: its lock, the name of the device, and where bundles and events lie.

lock            held while a client is open; tells who holds it
device          the name of this device, made up once
bundles/        generations, see `bundles`
outbox/         events, see `outbox`
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from nearwise.errors import SettingsInvalid, StorageBusy
from nearwise.files import read_whole, write_whole
from nearwise.settings import is_name


class Storage:
    """One open storage folder. Only one client at a time has it."""

    def __init__(self, folder: str) -> None:
        """Make the folder if need be, and lock it.

        Raises:
            StorageBusy: another client has it.
            SettingsInvalid: it cannot be made or written.
        """
        self.folder = os.path.abspath(folder)
        self.bundles = os.path.join(self.folder, "bundles")
        self.outbox = os.path.join(self.folder, "outbox")
        try:
            os.makedirs(self.bundles, mode=0o700, exist_ok=True)
            self._lock: int | None = os.open(os.path.join(self.folder, "lock"), os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise SettingsInvalid(f"storage folder {folder!r} cannot be used: {error}") from error
        try:
            _lock(self._lock)
        except OSError:
            holder = os.read(self._lock, 64).decode("ascii", "replace") or "another process"
            os.close(self._lock)
            self._lock = None
            raise StorageBusy(self.folder, holder) from None
        with suppress(OSError):
            os.ftruncate(self._lock, 0)
            os.write(self._lock, b"process %d" % os.getpid())

    def device(self) -> str:
        """The name of this device, made up at the first start, and again when the file holds no name any more."""
        path = os.path.join(self.folder, "device")
        known = (read_whole(path, 256) or b"").decode("ascii", "replace").strip()
        if is_name(known):
            return known
        made_up = f"device-{os.urandom(6).hex()}"
        with suppress(OSError):
            write_whole(path, made_up.encode(), durable=True)
        return made_up

    def close(self) -> None:
        """Give the folder to whoever wants it next. In a forked child: let go of it without unlocking."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _lock(file: int) -> None:
    """Raises OSError when another open file has the lock; the system lets go of it when a process dies."""
    if sys.platform == "win32":
        import msvcrt

        os.lseek(file, 1 << 20, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        os.lseek(file, 0, os.SEEK_SET)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
