"""The client: everything an app opens, asks and closes. Building it touches no network and waits for nothing."""

from __future__ import annotations

import atexit
import os
from collections.abc import Mapping
from contextlib import suppress
from time import monotonic
from types import NoneType
from typing import TYPE_CHECKING, cast

from nearwise.bundles import Generations
from nearwise.context import Context, Desk
from nearwise.decisions import Undecided
from nearwise.errors import ClientClosed, EventRefused, SettingsInvalid, StorageFailed
from nearwise.events import encode_event
from nearwise.exposures import Exposures
from nearwise.keys import pinned_trust, split_key
from nearwise.outbox.memory import MemoryLog
from nearwise.settings import Settings
from nearwise.shelf import Active, Shelf
from nearwise.states import Sending
from nearwise.storage import Storage
from nearwise_rules import BundleLimits

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from nearwise.outbox.sealing import Outbox
    from nearwise.status import Status
    from nearwise.transport import Transport
    from nearwise.worker import Worker

_LONGEST_TEXT = 1024
_LAST_SECONDS = 0.1
"""How long an idle thread may take to end when all the time to close went into sending."""
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
        self._trust = pinned_trust(trust or pinned, settings)
        if self._trust is None and (url is not None or seed is not None):
            raise SettingsInvalid("no signing key: pass a device key that carries it, or trust=")
        self._url = url
        self._api_key = api_key
        self._closed = False
        self._storage = None if storage is None else Storage(os.fspath(storage))
        try:
            self._begin(None if seed is None else os.fspath(seed))
        except OSError as error:
            self._let_go()
            raise SettingsInvalid(f"storage folder {storage!r} cannot be used: {error}") from error

    def _begin(self, seed: str | None) -> None:
        settings = self._settings
        limits = BundleLimits(max_bundle_bytes=settings.bundle_bytes)
        generations = None
        if self._storage is not None and self._trust is not None:
            generations = Generations(self._storage.bundles, self._trust, limits)
        self._shelf = Shelf(self._trust, limits, generations, settings.clock)
        self._shelf.open(seed)
        self._shelf.on_change = self._switch
        stored = None if self._storage is None else self._storage.device()
        self._device = settings.device or stored or f"device-{os.urandom(6).hex()}"
        self._desk = Desk(self._shelf.active.decide, self._shelf.explain, self._track, settings.clock)
        self._equip(self._storage)
        _open_clients.add(self)

    def _equip(self, storage: Storage | None) -> None:
        """The outbox and the threads that serve it, and all that leads to them. Once more in a forked child."""
        settings = self._settings
        self._worker: Worker | None = None
        self._made: Outbox | None = None
        if storage is None:
            self._memory = MemoryLog(
                events=settings.memory_events, event_bytes=settings.event_bytes, clock=settings.clock
            )
            append = self._memory.append
        else:
            self._made = _outbox(storage, settings)
            append = self._made.append
        self._exposures = Exposures(append, settings.clock)
        self._desk.record = self._exposures.record
        if self._url is not None or storage is not None:
            self._start_worker()

    @property
    def _outbox(self) -> Outbox:
        """Made when it is first looked at: a client without a server and a folder may never need one."""
        if self._made is None:
            from nearwise.outbox.sealing import memory_outbox

            self._made = memory_outbox(self._memory)
        return self._made

    def _start_worker(self) -> None:
        from nearwise.duties import Duties
        from nearwise.worker import Worker

        duties = Duties(
            settings=self._settings,
            shelf=self._shelf,
            outbox=self._outbox,
            exposures=self._exposures,
            device=self._device,
            transport=None if self._url is None else self._connect,
        )
        self._worker = worker = Worker(duties)
        self._exposures.wake = worker.wake
        worker.start()

    def _connect(self) -> Transport:
        if not isinstance(self._url, str):
            return cast("Transport", self._url)
        from nearwise.http import HttpTransport

        return HttpTransport(self._url, self._api_key, self._settings)

    def _switch(self, active: Active) -> None:
        self._desk.decide = active.decide

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

    def _track(self, subject: object, name: object, value: object, properties: Mapping[str, object]) -> None:
        if self._closed:
            raise ClientClosed("the client is closed: the event is not recorded")
        if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_TEXT:
            raise EventRefused(f"the name of an event is a text of 1 to {_LONGEST_TEXT} characters")
        if subject is not None and len(subject := str(subject)) > _LONGEST_TEXT:
            raise EventRefused(f"the subject of an event is a text of at most {_LONGEST_TEXT} characters")
        if isinstance(value, bool) or not (value is None or isinstance(value, int | float)):
            raise EventRefused(f"the value of an event is a number, not {value!r}")
        event = {
            "type": "track",
            "at": int(self._settings.clock() * 1000),
            "subject": subject,
            "bundle": self._shelf.version or None,
            "name": name,
            "value": value,
            "properties": properties or None,
        }
        self._outbox.append(encode_event(event), critical=True)

    @property
    def status(self) -> Status:
        """How this client fares at this moment."""
        from nearwise.duties import Report
        from nearwise.status import Status

        shelf, report = self._shelf, Report() if self._worker is None else self._worker.report
        active, bundle, figures = shelf.active, shelf.bundle, self._outbox.figures()
        return Status(
            state=shelf.state(),
            source=active.source,
            version=shelf.version,
            age_seconds=None if bundle is None else self._settings.clock() - bundle.manifest.issued,
            device=self._device,
            last_request=report.last_request,
            last_download=report.last_download,
            last_activation=active.since,
            last_sent=report.last_sent,
            last_error=report.last_error or self._exposures.failed,
            refused=shelf.refused,
            damaged=shelf.damaged,
            sending=report.sending,
            durable=figures.durable,
            queued=figures.queued,
            lost=figures.lost,
            dead=figures.dead,
            outbox_bytes=figures.size_bytes,
        )

    def ready(self, timeout_seconds: float = 0.0) -> bool:
        """Whether a bundle decides; waits for the first one at most this long."""
        if self._worker is None:
            return self._shelf.bundle is not None
        return self._worker.wait_until(lambda: self._shelf.bundle is not None, timeout_seconds)

    def flush(self, timeout_seconds: float = 10.0) -> int:
        """Send everything now, waiting at most this long; how many events are left. Without a server: sync them."""
        if self._closed:
            return self._outbox.figures().queued
        self._exposures.flush()
        with suppress(StorageFailed, OSError):
            self._outbox.commit()
        worker = self._worker
        if worker is not None and worker.report.sending is Sending.ON and self._outbox.figures().queued:
            worker.hurry()
            worker.wait_until(lambda: self._outbox.figures().queued == 0, timeout_seconds)
        return self._outbox.figures().queued

    def close(self, timeout_seconds: float | None = None) -> None:
        """Send what can be sent within the time (`Settings.close_seconds`), sync the rest, and give everything back.

        Decisions give the default afterwards; what was not sent waits in the storage folder. Closing twice is allowed.
        """
        if self._closed:
            return
        seconds = self._settings.close_seconds if timeout_seconds is None else timeout_seconds
        deadline = monotonic() + seconds
        self.flush(seconds)
        self._closed = True
        self._desk.decide = Undecided().decide
        if self._worker is not None:
            self._worker.stop(max(deadline - monotonic(), _LAST_SECONDS))
        with suppress(StorageFailed, OSError):
            self._outbox.close()
        self._let_go()

    def _let_go(self) -> None:
        _open_clients.discard(self)
        if self._storage is not None:
            self._storage.close()

    def leave_to_parent(self) -> None:
        """For a forked child: the folder stays with the parent; this copy keeps events in memory and sends them."""
        if self._storage is not None:
            self._storage.close()
            self._storage = None
        self._shelf.forget_disk()
        self._equip(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _outbox(storage: Storage, settings: Settings) -> Outbox:
    from nearwise.outbox.batches import LogLimits
    from nearwise.outbox.sealing import open_outbox

    limits = LogLimits(
        total_bytes=settings.outbox_bytes,
        segment_bytes=max(min(256 * 1024, settings.outbox_bytes // 8), settings.event_bytes + 64),
        critical_segment_bytes=max(min(64 * 1024, settings.outbox_bytes // 16), settings.event_bytes + 64),
        event_bytes=settings.event_bytes,
    )
    return open_outbox(storage.outbox, clock=settings.clock, limits=limits)


def _close_all() -> None:
    for client in list(_open_clients):
        client.close()


def _fork_all() -> None:
    for client in list(_open_clients):
        client.leave_to_parent()


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_fork_all)
