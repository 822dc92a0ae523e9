"""Living on a device: decide locally, remember, and bring events home."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nearwise.client import Client
from nearwise.context import Context
from nearwise.decisions import Decision, Item
from nearwise.errors import (
    ClientClosed,
    EventRefused,
    NearwiseError,
    SettingsInvalid,
    SignalRefused,
    StorageBusy,
    StorageFailed,
)
from nearwise.settings import Settings
from nearwise.states import Sending, Source, State
from nearwise.version import __version__
from nearwise_rules import ErrorCode, Reason

if TYPE_CHECKING:
    from nearwise.actions import Action
    from nearwise.collectors import Collector
    from nearwise.consent import Consent
    from nearwise.erasures import Erasure
    from nearwise.status import Status, TriggerFigures
    from nearwise.transport import Request, Response, Transport, TransportFailed

_LATER = {
    "Action": "actions",
    "Collector": "collectors",
    "Consent": "consent",
    "Erasure": "erasures",
    "Request": "transport",
    "Response": "transport",
    "Status": "status",
    "Transport": "transport",
    "TransportFailed": "transport",
    "TriggerFigures": "status",
}
"""What a start does not need is imported with its first use."""

__all__ = [
    "Action",
    "Client",
    "ClientClosed",
    "Collector",
    "Consent",
    "Context",
    "Decision",
    "Erasure",
    "ErrorCode",
    "EventRefused",
    "Item",
    "NearwiseError",
    "Reason",
    "Request",
    "Response",
    "Sending",
    "Settings",
    "SettingsInvalid",
    "SignalRefused",
    "Source",
    "State",
    "Status",
    "StorageBusy",
    "StorageFailed",
    "Transport",
    "TransportFailed",
    "TriggerFigures",
    "__version__",
]

if not TYPE_CHECKING:  # so that type checkers refuse names that are not there

    def __getattr__(name: str) -> object:
        if name not in _LATER:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        value: object = getattr(import_module(f"nearwise.{_LATER[name]}"), name)
        globals()[name] = value
        return value
