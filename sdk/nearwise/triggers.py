"""Triggers on a device: events are heard where they happen, worked on by a thread, and actions handed out once.

Hearing asks the conditions of the triggers that listen, in the thread of the event, and writes nothing; an event that
no trigger listens to costs a look into a set. All else (states, waits, reports, the app's callback) is the thread's.
"""

from __future__ import annotations

import os
from _thread import RLock, allocate_lock
from collections import deque
from collections.abc import Callable, Mapping
from itertools import islice, takewhile
from typing import TYPE_CHECKING, TypeAlias

from nearwise.duties import Report
from nearwise.remembering import properties_of

if TYPE_CHECKING:
    from nearwise.actions import Actions, Told
    from nearwise.decisions import Decision, Item
    from nearwise.loops import Loop
    from nearwise.outbox.sealing import Outbox
    from nearwise.status import TriggerFigures
    from nearwise_rules import Action, Release

OnAction: TypeAlias = "Callable[[Action], object]"
Happened: TypeAlias = "tuple[str, float | None, Mapping[str, object]]"
"""The name of an event, its value and its properties."""

_FILE = "triggers.db"
_EXPOSURE = "exposure"
_NO_DATA: Mapping[str, object] = {}
_ALL = 1_000_000
_AT_ONCE = 100
_RETRY_SECONDS = 1.0
_left_to_parent: list[object] = []
"""Open files that a forked child must neither use nor close."""


class _Ear:
    """One release, and the events that its triggers listen to: found out with the first event."""

    __slots__ = ("names", "release")

    def __init__(self, release: Release | None) -> None:
        self.release = release
        self.names: frozenset[str] | None = frozenset[str]() if release is None else None

    def listen(self) -> frozenset[str]:
        """Find them out."""
        self.names = names = frozenset[str]() if self.release is None else self.release.triggers.events
        return names


class Triggers:
    """The triggers of one client. Any thread may tell of events, poll, forget."""

    def __init__(self, folder: str | None, clock: Callable[[], float], outbox: Callable[[], Outbox]) -> None:
        """`folder` is the storage folder, None for memory. Nothing is opened before it is needed."""
        self.report = Report()
        self.wake: Callable[[], object] = self._wake_thread
        self._path = None if folder is None else os.path.join(folder, _FILE)
        self._clock = clock
        self._outbox = outbox
        self._ear = _Ear(None)
        self._callback: OnAction | None = None
        self._handing = self._closed = False
        self._heard: deque[tuple[Release, Told]] = deque()
        self._hearing = allocate_lock()
        self._working = RLock()
        self._made: Actions | None = None
        self._loop: Loop | None = None

    def use(self, release: Release | None) -> None:
        """Listen by the triggers of this release from now on, and take up what an earlier run left."""
        self._ear = _Ear(release)
        if self._loop is None and not self._is_empty:
            self.wake()

    def happened(
        self,
        subject: object,
        data: Mapping[str, object],
        name: str,
        value: float | None,
        properties: Mapping[str, object],
    ) -> None:
        """Tell of an event; `data` is the context that it came with. Never raises, never waits for a disk."""
        ear = self._ear
        if name in (ear.listen() if ear.names is None else ear.names):
            self._hear(ear.release, (name, value, properties), subject, data)

    def shown(self, decision: Decision) -> None:
        """Tell that a flag's variant was shown."""
        ear = self._ear
        if _EXPOSURE in (ear.listen() if ear.names is None else ear.names) and decision.variant is not None:
            properties = {"flag": decision.flag, "variant": decision.variant}
            self._hear(ear.release, (_EXPOSURE, None, properties), decision.subject, _NO_DATA)

    def item_shown(self, item: Item) -> None:
        """Tell that an item of a placement was shown."""
        ear = self._ear
        if _EXPOSURE in (ear.listen() if ear.names is None else ear.names):
            self._hear(ear.release, (_EXPOSURE, None, properties_of(item)), item[3].subject, _NO_DATA)

    def _hear(self, release: Release | None, event: Happened, subject: object, data: Mapping[str, object]) -> None:
        if release is None or self._closed:
            return
        from nearwise.actions import Told
        from nearwise_rules import TriggerEvent, owner_of

        heard = release.triggers.heard(TriggerEvent(*event), data, subject, self._clock())
        if not heard:
            return
        owner = owner_of(subject)
        with self._hearing:
            self._heard.extend([(release, Told(key, owner, each)) for key, each in heard])
        self.wake()

    def tick(self) -> float:
        """Do what is due and hand out to the callback; the seconds until something is due again. Never raises."""
        good = self.settle()
        self._hand_out()
        if not good:
            return _RETRY_SECONDS
        with self._working:
            return float("inf") if self._closed or self._made is None else self._made.wait_seconds(self._ear.release)

    def settle(self) -> bool:
        """Bring everything heard and due to disk and to the log of events. Never raises; whether the disk took it."""
        with self._working:
            if self._closed or (not self._heard and self._is_empty):
                return True
            try:
                self._step()
                self._actions.look(self._ear.release)
                self._actions.report()
                self._actions.expire()
            except Exception as error:  # noqa: BLE001  whatever a disk can give, the till goes on
                self._complain(error)
                return False
            self.report.last_error = None
            return True

    def _complain(self, error: Exception) -> None:
        self.report.last_error = f"{type(error).__name__}: {error}"
        self._actions.recover(error)

    def _step(self) -> None:
        """Work on what was heard; it leaves the queue when it is on disk."""
        while self._heard:
            release, some = self._first_heard()
            self._actions.step(some, release)
            with self._hearing:
                for _ in some:
                    self._heard.popleft()

    def _first_heard(self) -> tuple[Release, list[Told]]:
        """What was heard first, as far as one release heard it."""
        with self._hearing:
            first = list(islice(self._heard, _AT_ONCE))
        release = first[0][0]
        return release, [told for _, told in takewhile(lambda each: each[0] is release, first)]

    def actions(self) -> list[Action]:
        """The actions that are due and that nobody has yet; each is handed out once."""
        self.settle()
        return self._taken(_ALL)

    def _taken(self, most: int) -> list[Action]:
        with self._working:
            if self._closed or self._is_empty:
                return []
            try:
                return self._actions.take(self._ear.release, most)
            except Exception as error:  # noqa: BLE001  whatever a disk can give, the till goes on
                self._complain(error)
                return []

    def on_action(self, callback: OnAction | None) -> None:
        """Hand actions to this from now on, on the triggers' thread; to nobody when None."""
        self._callback = callback
        if callback is not None and not self._is_empty:
            self.wake()

    def _hand_out(self) -> None:
        """One after the other: what the app does not live to see of a batch is handed out by the next run."""
        if self._handing:  # an event of the callback itself: the round under way goes on with it
            return
        self._handing = True
        try:
            while self._callback is not None and (taken := self._taken(1)):
                try:
                    self._callback(taken[0])
                except Exception as error:  # noqa: BLE001  the app's own code can raise anything; triggers go on
                    self._actions.tally.problem = f"the callback raised {type(error).__name__}: {error}"
        finally:
            self._handing = False

    def forget(self, subject: object) -> None:
        """Let go of the states, the waits and the actions of a subject: no byte of them stays in the folder.

        Raises:
            StorageFailed: the disk refused.
        """
        from nearwise.errors import StorageFailed
        from nearwise_rules import owner_of

        owner = owner_of(subject)
        with self._working:
            with self._hearing:
                kept = [each for each in self._heard if each[1].subject != owner]
                self._heard.clear()
                self._heard.extend(kept)
            try:
                if not self._is_empty:
                    self._actions.forget(owner)
            except Exception as error:
                self._actions.recover(error)
                raise StorageFailed(f"the triggers of a subject cannot be forgotten: {error}") from error

    @property
    def damaged(self) -> tuple[str, ...]:
        """Files that were found damaged and set aside."""
        return () if self._made is None else self._made.damaged

    def figures(self) -> TriggerFigures:
        """How the triggers fare."""
        from nearwise.status import TriggerFigures

        with self._working:
            if self._made is None and self._is_empty:
                return TriggerFigures()
            try:
                waiting, actions = (0, 0) if self._closed else self._actions.counts()
            except Exception as error:  # noqa: BLE001  a status is told whatever the disk does
                self._complain(error)
                waiting = actions = 0
            tally = self._actions.tally
            return TriggerFigures(waiting, actions, dict(tally.dropped), tally.problem)

    @property
    def _is_empty(self) -> bool:
        """Whether there is nothing to open."""
        if self._made is not None:
            return self._made.is_empty
        return self._path is None or not os.path.exists(self._path)

    @property
    def _actions(self) -> Actions:
        if self._made is None:
            from nearwise.actions import Actions

            self._made = Actions(self._path, self._clock, self._outbox)
        return self._made

    def _wake_thread(self) -> None:
        loop = self._loop
        if loop is not None:
            loop.wake()
            return
        from nearwise.loops import Loop

        with self._hearing:
            if self._loop is not None or self._closed:
                return
            loop = Loop("nearwise-triggers", self.tick, self.report)
            try:
                loop.start()
            except RuntimeError as error:  # no more threads, or the interpreter ends: polling does the work
                self.report.last_error = f"the thread of triggers does not start: {error}"
                return
            self._loop = loop

    def close(self, timeout_seconds: float) -> None:
        """Bring everything to disk and end the thread; what waits goes on with the next start."""
        self.settle()
        loop = self._loop
        if loop is not None:
            loop.stop()
            loop.join(timeout_seconds)
        with self._working:
            self._closed = True
            if self._made is not None:
                self._made.close()

    def leave_to_parent(self) -> None:
        """For a forked child: the file is the parent's."""
        _left_to_parent.append(self._made)
