"""Living on a device: decide locally, remember, and bring events home."""

from nearwise.client import Client
from nearwise.context import Context
from nearwise.decisions import Decision
from nearwise.errors import (
    ClientClosed,
    EventRefused,
    NearwiseError,
    SettingsInvalid,
    StorageBusy,
    StorageFailed,
)
from nearwise.settings import Settings
from nearwise.status import Sending, Source, State, Status
from nearwise.transport import Request, Response, Transport, TransportFailed
from nearwise.version import __version__
from nearwise_rules import ErrorCode, Reason

__all__ = [
    "Client",
    "ClientClosed",
    "Context",
    "Decision",
    "ErrorCode",
    "EventRefused",
    "NearwiseError",
    "Reason",
    "Request",
    "Response",
    "Sending",
    "Settings",
    "SettingsInvalid",
    "Source",
    "State",
    "Status",
    "StorageBusy",
    "StorageFailed",
    "Transport",
    "TransportFailed",
    "__version__",
]
