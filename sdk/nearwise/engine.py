"""The parts of a client: made and joined in one place, given back in one place. `Client` is their face."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, cast

from nearwise.bundles import Generations
from nearwise.context import Desk
from nearwise.decisions import Undecided
from nearwise.errors import ClientClosed, EventRefused, SettingsInvalid, StorageFailed
from nearwise.events import encode_event
from nearwise.exposures import Exposures
from nearwise.holdings import holdings_of
from nearwise.noticed import Noticed
from nearwise.outbox.memory import MemoryLog
from nearwise.place import Place
from nearwise.recording import Recorder
from nearwise.remembering import Remembering
from nearwise.shelf import Active, Shelf
from nearwise.states import Sending
from nearwise.storage import Storage
from nearwise.subjects import Subjects
from nearwise.triggers import Triggers
from nearwise_rules import BundleLimits, Surroundings

if TYPE_CHECKING:
    from nearwise.decisions import Decision, Item
    from nearwise.duties import Report
    from nearwise.history import HistoryStore
    from nearwise.outbox.sealing import Outbox
    from nearwise.settings import Settings
    from nearwise.transport import Transport
    from nearwise.worker import Worker

LONGEST_TEXT = 1024
_NO_DATA: Mapping[str, object] = {}
_LAST_SECONDS = 0.1
"""How long an idle thread may take to end when all the time to close went into sending."""


class Engine:
    """What a client runs on: shelf, outbox, exposures, desk and threads.

    Raises:
        SettingsInvalid: the storage folder cannot be used.
        StorageBusy: another client has the storage folder.
    """

    def __init__(self, place: Place, settings: Settings) -> None:
        self.settings = settings
        self.closed = False
        self._place = place
        self._storage = None if place.storage is None else Storage(place.storage)
        try:
            self._begin()
        except OSError as error:
            self._let_go()
            raise SettingsInvalid(f"storage folder {place.storage!r} cannot be used: {error}") from error

    def _begin(self) -> None:
        settings, trust = self.settings, self._place.trust
        limits = BundleLimits(max_bundle_bytes=settings.bundle_bytes)
        generations = None
        if self._storage is not None and trust is not None:
            generations = Generations(self._storage.bundles, trust, limits)
        folder = None if self._storage is None else self._storage.folder
        self.subjects = Subjects(folder, settings, lambda: self.outbox)
        self.noticed = Noticed(folder, settings, self.subjects.gate.granted)
        self.subjects.here = self.noticed.traits.want
        self.recorder = Recorder()
        self.remembering = Remembering(self._history, self.subjects.gate.granted, lambda: self.outbox.place)
        self.shelf = Shelf(trust, limits, generations, settings.clock, self._surround)
        self.shelf.open(self._place.seed)
        self.shelf.on_change = self._switch
        stored = None if self._storage is None else self._storage.device()
        self.device = settings.device or stored or f"device-{os.urandom(6).hex()}"
        self.subjects.gate.adopt(self.shelf.active.release)
        self.noticed.traits.adopt(self.shelf.active.release)
        active = self.remembering.adopt(self.recorder.adopt(self.shelf.active))
        self.desk = Desk(active.decide, active.decide_many, self.shelf.explain, self.track, settings.clock)
        for holding in holdings_of(self):
            self.subjects.hold(holding)
        self._equip(self._storage)

    def _equip(self, storage: Storage | None) -> None:
        """The outbox and the threads that serve it, and all that leads to them. Once more in a forked child."""
        settings = self.settings
        self.worker: Worker | None = None
        self._made: Outbox | None = None
        if storage is None:
            self._memory = MemoryLog(
                events=settings.memory_events, event_bytes=settings.event_bytes, clock=settings.clock
            )
            append = self._memory.append
        else:
            from nearwise.outbox.batches import LogLimits
            from nearwise.outbox.sealing import open_outbox

            self._made = open_outbox(storage.outbox, clock=settings.clock, limits=LogLimits.of(settings))
            append = self._made.append
        self.recorder.append = append
        self.exposures = Exposures(append, settings.clock, self._zone)
        self.exposures.gate = self.subjects.gate
        self.exposures.remember = self.remembering.happened
        self.exposures.remember_item = self.remembering.shown
        self.exposures.claims = self.remembering.claims
        self.exposures.repeats.history = self.remembering
        self.desk.record = self._shown
        self.desk.record_item = self._item_shown
        self.triggers = Triggers(None if storage is None else storage.folder, settings.clock, lambda: self.outbox)
        self.triggers.use(self.shelf.active.release)
        if self._place.url is not None or storage is not None:
            self._start_worker()
        self.noticed.begin(self.worker, self.shelf.active.release)

    def _history(self) -> HistoryStore:
        from nearwise.history import HistoryLimits, HistoryStore, catch_up

        storage, release = self._storage, self.shelf.active.release
        path = None if storage is None else os.path.join(storage.folder, "history.db")
        history = HistoryStore(path, HistoryLimits.of(self.settings), self.settings.clock)
        history.let_persist(self.subjects.persists)
        if release is not None:
            history.use(release.calendar)
            history.remember_for(release.terms.forgetting)
            catch_up(history, self.outbox, release)
        if self.worker is not None:
            history.on_change(self.worker.wake_commits)
        return history

    def _surround(self, subject: object) -> Surroundings:
        """What this device knows of a subject beside the context."""
        return Surroundings(
            granted=self.subjects.gate.granted(subject),
            history=self.remembering,
            signals=self.noticed.signals.snapshot(),
            traits=self.noticed.traits.of(subject),
            device=self.device,
        )

    def _zone(self) -> str:
        release = self.shelf.active.release
        return "UTC" if release is None else release.zone

    @property
    def outbox(self) -> Outbox:
        """Made when it is first looked at: a client without a server and a folder may never need one."""
        if self._made is None:
            from nearwise.outbox.sealing import memory_outbox

            self._made = memory_outbox(self._memory)
        return self._made

    @property
    def report(self) -> Report:
        """What the threads have to tell."""
        from nearwise.duties import Report

        return Report() if self.worker is None else self.worker.report

    @property
    def failed(self) -> str | None:
        """What went wrong last beside the network."""
        return (
            self.shelf.failed
            or self.exposures.failed
            or self.recorder.failed
            or self.triggers.report.last_error
            or self.noticed.traits.failed
        )

    def _start_worker(self) -> None:
        from nearwise.duties import Duties
        from nearwise.worker import Worker

        duties = Duties(
            settings=self.settings,
            shelf=self.shelf,
            outbox=self.outbox,
            exposures=self.exposures,
            device=self.device,
            transport=None if self._place.url is None else self._connect,
            remembering=self.remembering,
            subjects=self.subjects,
            noticed=self.noticed,
        )
        self.worker = worker = Worker(duties)
        self.exposures.wake = worker.wake
        worker.start()

    def _connect(self) -> Transport:
        url = self._place.url
        if not isinstance(url, str):
            return cast("Transport", url)
        from nearwise.http import HttpTransport

        return HttpTransport(url, self._place.api_key, self.settings)

    def _switch(self, active: Active) -> None:
        if self.closed:
            return
        self.subjects.gate.adopt(active.release)
        self.noticed.traits.adopt(active.release)
        active = self.remembering.adopt(self.recorder.adopt(active))
        self.desk.decide, self.desk.decide_many = active.decide, active.decide_many
        self.triggers.use(active.release)

    def _shown(self, decision: Decision) -> None:
        self.exposures.record(decision)
        if self.subjects.gate.lets_show(decision.subject):
            self.triggers.shown(decision)

    def _item_shown(self, item: Item) -> None:
        self.exposures.record_item(item)
        if self.subjects.gate.lets_show(item[3].subject):
            self.triggers.item_shown(item)

    @property
    def opened(self) -> Subjects:
        """The subjects of a client that is not closed.

        Raises:
            ClientClosed: it is.
        """
        if self.closed:
            raise ClientClosed("the client is closed")
        return self.subjects

    def track(
        self,
        subject: object,
        name: object,
        value: object,
        properties: Mapping[str, object],
        data: Mapping[str, object] = _NO_DATA,
    ) -> None:
        """Record that something happened; see `Context.track`. `data` is the context that it came with."""
        if self.closed:
            raise ClientClosed("the client is closed: the event is not recorded")
        if not isinstance(name, str) or not 0 < len(name) <= LONGEST_TEXT:
            raise EventRefused(f"the name of an event is a text of 1 to {LONGEST_TEXT} characters")
        if subject is not None and len(subject := str(subject)) > LONGEST_TEXT:
            raise EventRefused(f"the subject of an event is a text of at most {LONGEST_TEXT} characters")
        if isinstance(value, bool) or not (value is None or isinstance(value, int | float)):
            raise EventRefused(f"the value of an event is a number, not {value!r}")
        granted = self.subjects.gate.granted(subject)
        if not self.subjects.gate.admits(name, granted):
            return
        at_ms = int(self.settings.clock() * 1000)
        event = {
            "type": "track",
            "at": at_ms,
            "subject": subject,
            "bundle": self.shelf.version or None,
            "name": name,
            "value": value,
            "properties": properties or None,
            "granted": granted,
        }
        self.outbox.append(encode_event(event), critical=True)
        self.remembering.happened(name, subject, properties, value, at_ms / 1000)
        self.triggers.happened(subject, data, name, value, properties)

    def flush(self, timeout_seconds: float) -> int:
        """Send everything now, waiting at most this long; how many events are left. Without a server: sync them."""
        if self.closed:
            return self.outbox.figures().queued
        self.exposures.flush()
        self.triggers.settle()
        with suppress(StorageFailed, OSError):
            self.outbox.commit()
        worker = self.worker
        if worker is not None and worker.report.sending is Sending.ON and self.outbox.figures().queued:
            worker.hurry()
            worker.wait_until(lambda: self.outbox.figures().queued == 0, timeout_seconds)
        return self.outbox.figures().queued

    def close(self, seconds: float) -> None:
        """Send what can be sent within the time, sync the rest, and give everything back."""
        if self.closed:
            return
        deadline = monotonic() + seconds
        self.flush(seconds)
        self.closed = self.shelf.closed = True
        nobody = Undecided()
        self.desk.decide, self.desk.decide_many = nobody.decide, nobody.decide_many
        self.triggers.close(max(deadline - monotonic(), _LAST_SECONDS))
        if self.worker is not None:
            self.worker.stop(max(deadline - monotonic(), _LAST_SECONDS))
        self.noticed.stop(max(deadline - monotonic(), _LAST_SECONDS))
        with suppress(StorageFailed, OSError):
            self.outbox.close()
        history = self.remembering.opened
        if history is not None:
            with suppress(StorageFailed, OSError):
                history.close()
        self._let_go()

    def _let_go(self) -> None:
        if self._storage is not None:
            self._storage.close()

    def leave_to_parent(self) -> None:
        """For a forked child: the folder stays with the parent; this copy keeps events in memory and sends them."""
        if self._storage is not None:
            self._storage.close()
            self._storage = None
        self.shelf.forget_disk()
        self.noticed.leave_to_parent()
        self.remembering.leave_to_parent()
        self.triggers.leave_to_parent()
        self.subjects.leave_to_parent()
        self._equip(None)
