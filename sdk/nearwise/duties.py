"""What the thread of a client takes care of, and what it has to tell."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from nearwise.states import Sending

if TYPE_CHECKING:
    from nearwise.exposures import Exposures
    from nearwise.noticed import Noticed
    from nearwise.outbox.sealing import Outbox
    from nearwise.remembering import Remembering
    from nearwise.settings import Settings
    from nearwise.shelf import Shelf
    from nearwise.subjects import Subjects
    from nearwise.transport import Transport


class Duties(NamedTuple):
    """What is to be synced, kept up to date and sent. Without a `transport` there is no server."""

    settings: Settings
    shelf: Shelf
    outbox: Outbox
    exposures: Exposures
    device: str
    transport: Callable[[], Transport] | None = None
    remembering: Remembering | None = None
    subjects: Subjects | None = None
    noticed: Noticed | None = None


class Report:
    """What the thread has to tell; `Client.status` reads it. Times are Unix seconds."""

    __slots__ = ("last_download", "last_error", "last_request", "last_sent", "sending")

    def __init__(self, sending: Sending = Sending.OFF) -> None:
        self.last_request: float | None = None
        self.last_download: float | None = None
        self.last_sent: float | None = None
        self.last_error: str | None = None
        self.sending = sending
