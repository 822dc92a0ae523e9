"""The errors of the SDK. Deciding never raises; these come from starting a client and from recording events.

NearwiseError
├── SettingsInvalid     an argument of `Client` or `Settings` is wrong: fix the code
├── StorageBusy         another process holds the storage folder: give each process its own
├── StorageFailed       the disk refused: the event is not safe, though it may be in the log and be sent
├── EventRefused        the event itself cannot be recorded (too large, not encodable): fix the call
├── SignalRefused       a signal or a collector cannot be taken: fix the call
└── ClientClosed        the client was closed before the call
"""

from __future__ import annotations


class NearwiseError(Exception):
    """Base of every error that the SDK raises on purpose."""


class SettingsInvalid(NearwiseError, ValueError):
    """An argument of `Client` or `Settings` has a value that cannot work."""


class StorageBusy(NearwiseError):
    """The storage folder is held by another client, here or in another process."""

    def __init__(self, folder: str, holder: str) -> None:
        self.folder = folder
        self.holder = holder
        super().__init__(f"storage folder {folder!r} is in use by {holder}; give each process a folder of its own")


class StorageFailed(NearwiseError):
    """The disk refused, so that an event is not safe there.

    No room for it: it is not recorded. A failed sync: it is in the log already, and may be sent later;
    recording it again may make two of it.
    """


class EventRefused(NearwiseError, ValueError):
    """An event that no retry can save: too large, or with values that events cannot carry."""


class SignalRefused(NearwiseError, ValueError):
    """A signal or a collector with a name or a time that cannot be, or one too many."""


class ClientClosed(NearwiseError):
    """The client was closed; decisions give the default, events are refused."""
