"""Collectors: what is asked from time to time, and put among the signals. One thread calls `tick`, never a decision."""

from __future__ import annotations

from _thread import allocate_lock
from collections.abc import Callable, Iterable
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from nearwise.errors import ClientClosed, SignalRefused
from nearwise.signals import MOST_SIGNALS, Signals, check_name

if TYPE_CHECKING:
    from nearwise.loops import Loop
    from nearwise.settings import Settings

REFRESH_SECONDS = 60.0
"""How often what changes on a device is read again."""
SLOW_SECONDS = 1.0
"""A collector that takes longer is reported: what the thread sends has to wait for it."""
ONLINE = "device.online"

_ONCE = float("inf")
_MOST_SECONDS = 86_400.0


class Collector(Protocol):
    """Tells one thing of the device or of the app. Called on the thread that sends: brief, and without a network."""

    def __call__(self) -> object:
        """The value; None when there is none now. What it raises is reported in `Client.status`."""
        ...


class _Planned:
    """A collector and when it is due. `due` is monotonic seconds."""

    __slots__ = ("collector", "due", "every_seconds")

    def __init__(self, collector: Collector, every_seconds: float) -> None:
        self.collector = collector
        self.every_seconds = every_seconds
        self.due = 0.0


class Collectors:
    """Asks what the settings let it ask, and what the app adds. Any thread may add. `uptime` is monotonic seconds."""

    def __init__(self, signals: Signals, settings: Settings, uptime: Callable[[], float] = monotonic) -> None:
        self._signals = signals
        self._settings = settings
        self._uptime = uptime
        self._planned: dict[str, _Planned] = {}
        self._failed: dict[str, str] = {}
        self._lock = allocate_lock()
        self._begun = self._closed = False
        self._alone: Loop | None = None
        self.wake: Callable[[], None] = self._begin_alone
        """Tells the thread that calls `tick` that something is due; begins one where the client has none."""

    @property
    def failed(self) -> tuple[str, ...]:
        """What could not be collected last time, and why."""
        return tuple([f"{name}: {why}" for name, why in sorted(self._failed.copy().items())])

    def add(self, name: str, collector: Collector, every_seconds: float) -> None:
        """Ask this from now on; in place of what had this name.

        Raises:
            SignalRefused: a name or a time that cannot be, or too many collectors.
            ClientClosed: the client was closed.
        """
        if self._closed:
            raise ClientClosed("the client is closed: nothing is collected")
        if not 0.1 <= every_seconds <= _MOST_SECONDS:
            raise SignalRefused(f"a collector is asked every 0.1 to {_MOST_SECONDS:.0f} seconds")
        check_name(name)
        with self._lock:
            if len(self._planned) >= MOST_SIGNALS and name not in self._planned:
                raise SignalRefused(f"there are {MOST_SIGNALS} collectors already")
            self._planned[name] = _Planned(collector, every_seconds)
        self.wake()

    def begin_alone(self, attributes: Iterable[str]) -> None:
        """Collect on a thread of its own, if rules can read any of it: the client has no other."""
        if self._planned or not {*self._settings.collect}.isdisjoint(attributes):
            self._begin_alone()

    def _begin_alone(self) -> None:
        from nearwise.duties import Report
        from nearwise.loops import Loop

        with self._lock:
            if self._alone is None:
                self._alone = Loop("nearwise-collect", self.tick, Report())
                self._alone.start()
        self._alone.wake()

    def stop(self, timeout_seconds: float) -> None:
        """Collect no more; at most this long is waited for a collector that is being asked."""
        self._closed = True
        if self._alone is not None:
            self._alone.stop()
            self._alone.join(timeout_seconds)

    def tick(self) -> float:
        """Ask what is due; the seconds until something is due again. Never raises."""
        if not self._begun:
            self._begun = True
            self._plan_own()
        with self._lock:
            planned = list(self._planned.items())
        for name, each in planned:
            if self._uptime() >= each.due:
                self._ask(name, each)
        now = self._uptime()
        return max(min((each.due for _, each in planned), default=_ONCE) - now, 0.0)

    def _plan_own(self) -> None:
        """What the app added under one of our names stays."""
        from nearwise.device import Device

        wanted, device, version = self._settings.collect, Device(), self._settings.app_version
        lasting = {**device.readers(), "device.app_version": lambda: version}
        with self._lock:
            for readers, every_seconds in ((lasting, _ONCE), (device.changing_readers(), REFRESH_SECONDS)):
                for name in readers.keys() & set(wanted) - self._planned.keys():
                    self._planned[name] = _Planned(readers[name], every_seconds)

    def _ask(self, name: str, planned: _Planned) -> None:
        """What is read again is missing when it was not read for twice as long as it should have been."""
        began = self._uptime()
        every_seconds = planned.every_seconds
        try:
            value = planned.collector()
            self._signals.set(name, value, None if every_seconds == _ONCE else 2 * every_seconds)
            self._failed.pop(name, None)
        except Exception as error:  # noqa: BLE001  the app's own code; the thread outlives whatever it raises
            self._signals.set(name, None)
            self._failed[name] = f"{type(error).__name__}: {error}"
        ended = self._uptime()
        if ended - began > SLOW_SECONDS:
            self._failed[name] = f"took {ended - began:.1f} s, while which nothing was sent"
        planned.due = ended + every_seconds

    def connected(self, online: bool) -> None:
        """The server answered, or did not. It is missing when it was asked nothing for long."""
        settings = self._settings
        if ONLINE in settings.collect:
            self._signals.set(ONLINE, online, 2 * max(settings.poll_seconds, settings.retry_most_seconds))

    def leave_to_parent(self) -> None:
        """For a forked child: the threads stay with the parent, and may have held the lock."""
        self._lock = allocate_lock()
        self._alone, self.wake = None, self._begin_alone
