"""The client: everything an app opens, asks and closes. Building it touches no network and waits for nothing."""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable, Mapping
from types import NoneType
from typing import TYPE_CHECKING, cast

from nearwise.context import Context
from nearwise.engine import Engine, Place
from nearwise.errors import SettingsInvalid
from nearwise.keys import pinned_trust, split_key
from nearwise.settings import Settings

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from nearwise.status import Status
    from nearwise.transport import Transport
    from nearwise_rules import Action

_open_clients: set[Client] = set()


class Client:
    """Decides on this device and brings its events home.

    Args:
        url: the server's address, or a `Transport`; None works without a server.
        key: the device key. Its last part pins the signing key of the server.
        storage: a folder of this process's own for bundles and events; None keeps both in memory.
        seed: a bundle file shipped with the app, for a first start without a network.
        trust: the public signing key, when the key does not carry it.
        settings: how it behaves.

    Raises:
        SettingsInvalid: an argument that cannot work.
        StorageBusy: another client has the storage folder.
    """

    def __init__(
        self,
        url: str | Transport | None = None,
        *,
        key: str | None = None,
        storage: str | os.PathLike[str] | None = None,
        seed: str | os.PathLike[str] | None = None,
        trust: str | None = None,
        settings: Settings | None = None,
    ) -> None:
        self._settings = settings = settings or Settings()
        api_key, pinned = split_key(key)
        verified = pinned_trust(trust or pinned, settings)
        if verified is None and (url is not None or seed is not None):
            raise SettingsInvalid("no signing key: pass a device key that carries it, or trust=")
        place = Place(
            url=url,
            api_key=api_key,
            storage=None if storage is None else os.fspath(storage),
            seed=None if seed is None else os.fspath(seed),
            trust=verified,
        )
        self._engine = Engine(place, settings)
        self._desk = self._engine.desk
        _open_clients.add(self)

    def context(
        self, subject: object = None, attributes: Mapping[str, object] | None = None, /, **values: object
    ) -> Context:
        """What is known at one visit: who it is, and attributes by name or as a mapping, or both.

        `context("h-1042", basket={...})`, `context(subject="h-1042", basket={...})`, `context("h-1042", {...})` and
        `context({"subject": "h-1042", ...})` say the same. A mapping is not copied: leave it as it is.
        """
        if attributes is None and subject.__class__ not in (str, NoneType) and isinstance(subject, Mapping):
            attributes = cast("Mapping[str, object]", subject)
            subject = attributes.get("subject")
        if values:
            subject = values.pop("subject", subject)
            attributes = {**attributes, **values} if attributes else values
        return Context((self._desk, subject, {} if attributes is None else attributes))

    @property
    def status(self) -> Status:
        """How this client fares at this moment."""
        from nearwise.status import Status

        engine = self._engine
        shelf, report = engine.shelf, engine.report
        active, bundle, figures = shelf.active, shelf.bundle, engine.outbox.figures()
        return Status(
            state=shelf.state(),
            source=active.source,
            version=shelf.version,
            age_seconds=None if bundle is None else self._settings.clock() - bundle.manifest.issued,
            device=engine.device,
            last_request=report.last_request,
            last_download=report.last_download,
            last_activation=active.since,
            last_sent=report.last_sent,
            last_error=report.last_error or engine.exposures.failed or engine.triggers.report.last_error,
            refused=shelf.refused,
            damaged=(*shelf.damaged, *engine.triggers.damaged),
            sending=report.sending,
            durable=figures.durable,
            queued=figures.queued,
            lost=figures.lost,
            dead=figures.dead,
            outbox_bytes=figures.size_bytes,
            triggers=engine.triggers.figures(),
        )

    def on_action(self, callback: Callable[[Action], object] | None) -> None:
        """Hand the actions of triggers to this from now on, one after the other on a thread of their own.

        Also those that an earlier run left. Each comes once; what the callback raises is told by `status.triggers`.
        """
        self._engine.triggers.on_action(callback)

    def actions(self) -> list[Action]:
        """The actions of triggers that are due and that nobody has yet, oldest first; each is handed out once."""
        return self._engine.triggers.actions()

    def ready(self, timeout_seconds: float = 0.0) -> bool:
        """Whether a bundle decides; waits for the first one at most this long."""
        shelf, worker = self._engine.shelf, self._engine.worker
        if worker is None:
            return shelf.bundle is not None
        return worker.wait_until(lambda: shelf.bundle is not None, timeout_seconds)

    def flush(self, timeout_seconds: float = 10.0) -> int:
        """Send everything now, waiting at most this long; how many events are left. Without a server: sync them."""
        return self._engine.flush(timeout_seconds)

    def close(self, timeout_seconds: float | None = None) -> None:
        """Send what can be sent within the time (`Settings.close_seconds`), sync the rest, and give everything back.

        Decisions give the default afterwards; what was not sent waits in the storage folder. Closing twice is allowed.
        """
        self._engine.close(self._settings.close_seconds if timeout_seconds is None else timeout_seconds)
        _open_clients.discard(self)

    def leave_to_parent(self) -> None:
        """For a forked child: the folder stays with the parent; this copy keeps events in memory and sends them."""
        self._engine.leave_to_parent()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _close_all() -> None:
    for client in list(_open_clients):
        client.close()


def _fork_all() -> None:
    for client in list(_open_clients):
        client.leave_to_parent()


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_fork_all)
