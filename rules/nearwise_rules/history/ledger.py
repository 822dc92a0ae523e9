"""The ledger of one owner: everything that his device remembers of him, in memory.

One thread at a time may add to a ledger, write it as bytes or go through all its series. Any number may meanwhile ask
it, assign and hold, without a lock: each series is a value, and every change is one assignment.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, KeysView, Mapping
from math import inf, isfinite
from typing import NamedTuple, Protocol

from nearwise_rules.history.assignments import Assignment
from nearwise_rules.history.holds import Holds
from nearwise_rules.history.keys import key_parts, name_part
from nearwise_rules.history.series import Figures, Series
from nearwise_rules.windows import Calendar, Window, moment

_DAY_SECONDS = 86_400
_ROUNDING = 0.0005
"""A time that is whole milliseconds stays what it is."""
_MOST_KNOWN = 256


class LedgerLimits(NamedTuple):
    """How much one ledger keeps: days with occurrences of each series, series, assignments."""

    days: int = 400
    series: int = 2000
    assignments: int = 500


class History(Protocol):
    """Where ledgers come from."""

    def recall(self, owner: str) -> Ledger:
        """What is remembered of an owner: a subject's key, or "" for the device. Never raises, never waits."""
        ...


class _Kept(NamedTuple):
    """A series, and what was already worked out of it: as it never changes, only time makes that untrue."""

    series: Series
    known: dict[Window | tuple[str, Window], Figures]


class _Distinct(NamedTuple):
    version: int
    since: float
    until: float
    number: int


class Ledger:
    """What happened to one owner, how often and when; his sticky assignments; what is decided and not yet shown.

    `version` grows with every change of what is remembered, and `on_change` is called. Times are Unix seconds, kept to
    the millisecond.
    """

    __slots__ = (
        "_assigned", "_calendar", "_distinct", "_events", "_holds", "_limits", "_touched", "on_change", "version",
    )  # fmt: skip

    def __init__(self, calendar: Calendar, limits: LedgerLimits | None = None) -> None:
        self.version = 0
        self.on_change: Callable[[], None] | None = None
        self._calendar = calendar
        self._limits = limits or LedgerLimits()
        self._events: dict[str, dict[str, _Kept]] = {}
        self._touched: dict[tuple[str, str], None] = {}
        self._assigned: dict[str, Assignment] = {}
        self._holds = Holds()
        self._distinct: dict[tuple[str, str, Window, str], _Distinct] = {}

    def add(self, event: str, keys: Iterable[str], at: float, value: float = 0.0) -> None:
        """One occurrence of an event, filed under each of these keys once; "" stands for the event at all.

        A value that is no finite number counts nothing.
        """
        at = int(moment(at) * 1000 + _ROUNDING) / 1000
        amount = value if isfinite(value) else 0.0
        for key in dict.fromkeys(keys):
            before = self.series(event, key) or Series()
            self._keep(event, key, before.added(at, amount, self._calendar, self._limits.days))
        self._changed()

    def count(self, event: str, key: str, window: Window, at: float) -> int:
        """How many occurrences a window holds at a moment."""
        kept = self._events.get(event, _NONE).get(key)
        if kept is None:
            return 0
        known = kept.known.get(window)
        if known is not None and known.since <= at < known.until:
            return known.number
        return self._figures(kept, window, at).number

    def total(self, event: str, key: str, window: Window, at: float) -> float:
        """The sum of the values of the occurrences that a window holds at a moment."""
        kept = self._events.get(event, _NONE).get(key)
        if kept is None:
            return 0.0
        known = kept.known.get(window)
        if known is not None and known.since <= at < known.until:
            return known.total
        return self._figures(kept, window, at).total

    def first(self, event: str, key: str) -> float | None:
        """When it happened for the first time."""
        kept = self._events.get(event, _NONE).get(key)
        return None if kept is None else kept.series.first

    def last(self, event: str, key: str) -> float | None:
        """When it happened last: the latest time that was recorded."""
        kept = self._events.get(event, _NONE).get(key)
        return None if kept is None else kept.series.last

    def days(self, event: str, key: str, window: Window, at: float) -> int:
        """On how many days of the calendar it happened within a window."""
        kept = self._events.get(event, _NONE).get(key)
        return 0 if kept is None else self._spread(kept, "day", window, at)

    def hours(self, event: str, key: str, window: Window, at: float) -> int:
        """In how many hours of the calendar it happened within a window."""
        kept = self._events.get(event, _NONE).get(key)
        return 0 if kept is None else self._spread(kept, "hour", window, at)

    def distinct(self, event: str, property: str, window: Window, at: float, where: str = "") -> int:  # noqa: A002
        """How many values of a property occurred within a window, among the occurrences of a key `where`."""
        sought = (event, property, window, where)
        known = self._distinct.get(sought)
        if known is not None and known.version == self.version and known.since <= at < known.until:
            return known.number
        version = self.version
        name, fixed = name_part(property), key_parts(where)
        count, until = 0, inf
        for key, kept in tuple(self._events.get(event, _NONE).items()):
            parts = key_parts(key)
            if parts.pop(name, None) is not None and parts == fixed:
                figures = self._figures(kept, window, at)
                count += figures.number > 0
                until = min(until, figures.until)
        if len(self._distinct) >= _MOST_KNOWN:
            self._distinct = {}
        self._distinct[sought] = _Distinct(version, at, until, count)
        return count

    def _figures(self, kept: _Kept, window: Window, at: float) -> Figures:
        known = kept.known.get(window)
        if known is None or not known.since <= at < known.until:
            known = kept.known[window] = kept.series.figures(window, moment(at), self._calendar)
        return known

    def _spread(self, kept: _Kept, unit: str, window: Window, at: float) -> int:
        found = kept.known.get((unit, window))
        if found is None or not found.since <= at < found.until:
            work_out = kept.series.days_of if unit == "day" else kept.series.hours_of
            found = kept.known[(unit, window)] = work_out(window, moment(at), self._calendar)
        return found.number

    def assigned(self, experiment: str) -> Assignment | None:
        """The variant that the owner keeps in an experiment."""
        return self._assigned.get(experiment)

    def assign(self, experiment: str, assignment: Assignment) -> None:
        """Let the owner keep a variant from now on."""
        self._assigned[experiment] = assignment
        for oldest in list(self._assigned)[: -self._limits.assignments]:
            self._assigned.pop(oldest, None)
        self._changed()

    @property
    def assignments(self) -> Mapping[str, Assignment]:
        """Every sticky assignment by experiment, oldest first."""
        return self._assigned.copy()

    @property
    def newest(self) -> float | None:
        """The time of the latest thing remembered."""
        times = [series.last for _, _, series in self.all_series()]
        return max([*times, *[assignment.at for assignment in self.assignments.values()]], default=None)

    def hold(self, keys: Iterable[str], slot: str, until: float) -> None:
        """Hold these keys for a slot until then, in place of what it held. Not a change of what is remembered."""
        self._holds.hold(keys, slot, until)

    def release(self, slot: str) -> None:
        """End what a slot holds, and what the places in it (`slot/...`) do."""
        self._holds.release(slot)

    def held(self, key: str, slot: str, at: float) -> int:
        """How often a key is held at a moment by other slots; the places in a slot are part of it."""
        return self._holds.held(key, slot, at)

    def is_held(self, key: str) -> bool:
        """Whether any slot may hold a key: asked before `held`, for next to nothing."""
        return self._holds.may_hold(key)

    def known_of(self, event: str) -> KeysView[str]:
        """The keys under which something of an event is remembered."""
        return self._events.get(event, _NONE).keys()

    def known_held(self) -> KeysView[str]:
        """The keys of which something may be held."""
        return self._holds.keys()

    def held_by_others(self, slot: str, at: float) -> dict[str, int]:
        """How often each key is held at a moment by other slots, where it is at all."""
        return self._holds.others(slot, at)

    def series(self, event: str, key: str) -> Series | None:
        """The occurrences of an event and a key."""
        kept = self._events.get(event, _NONE).get(key)
        return None if kept is None else kept.series

    def all_series(self) -> Iterator[tuple[str, str, Series]]:
        """Event, key and occurrences of everything remembered, the least recently touched first."""
        for event, key in tuple(self._touched):
            yield event, key, self._events[event][key].series

    def prune(self, at: float) -> None:
        """Forget the days that are longer ago than the limit, and whole series and assignments that are."""
        horizon, changed = moment(at) - self._limits.days * _DAY_SECONDS, False
        for event, key, series in self.all_series():
            if series.first >= horizon:
                continue
            pruned = series.pruned(self._calendar, horizon)
            if series.last < horizon:
                self._drop(event, key)
            elif pruned is not series:
                self._events[event][key] = _Kept(pruned, {})
            changed = changed or pruned is not series or series.last < horizon
        for experiment, assignment in self.assignments.items():
            if assignment.at < horizon:
                self._assigned.pop(experiment, None)
                changed = True
        if changed:
            self._changed()

    def retain(self, seconds: Callable[[str], float], at: float) -> None:
        """Forget what is longer ago than each event may be remembered: so many seconds."""
        forgotten = False
        for event, key, series in self.all_series():
            retained = series.retained(self._calendar, moment(at) - seconds(event))
            if retained is series:
                continue
            forgotten = True
            if retained.number:
                self._events[event][key] = _Kept(retained, {})
            else:
                self._drop(event, key)
        if forgotten:
            self._changed()

    def merge(self, other: Ledger) -> None:
        """Remember everything that another ledger remembers too. Of two assignments this one's stays."""
        for event, key, series in other.all_series():
            before = self.series(event, key)
            both = series if before is None else before.merged(series, self._calendar, self._limits.days)
            self._keep(event, key, both)
        for experiment, assignment in other.assignments.items():
            if experiment not in self._assigned:
                self.assign(experiment, assignment)
        self._changed()

    def still(self) -> Ledger:
        """A copy that stands still, holds included. Any thread may ask for it while others change this one."""
        other = Ledger(self._calendar, self._limits)
        touched = tuple(self._touched)
        other._events = {event: kept.copy() for event, kept in list(self._events.items())}
        there = {(event, key): None for event, kept in other._events.items() for key in kept}
        other._touched = {**{name: None for name in touched if name in there}, **there}
        other._assigned = self._assigned.copy()
        other._holds = self._holds.copy()
        return other

    def part(self, wanted: Callable[[str, str], bool], experiments: Container[str]) -> Ledger:
        """Only the series of which event and key are wanted, and the assignments to these experiments."""
        other = Ledger(self._calendar, self._limits)
        for event, key, series in self.all_series():
            if wanted(event, key):
                other._keep(event, key, series)
        kept = {name: assignment for name, assignment in self.assignments.items() if name in experiments}
        other._assigned.update(kept)
        return other

    def to_bytes(self) -> bytes:
        """This ledger as bytes; the holds stay here."""
        from nearwise_rules.history.form import pack_ledger

        return pack_ledger(self)

    @staticmethod
    def from_bytes(data: bytes, calendar: Calendar, limits: LedgerLimits | None = None) -> Ledger:
        """The ledger that `to_bytes` wrote.

        Raises:
            ValueError: the bytes are damaged, or of a later format.
        """
        from nearwise_rules.history.form import unpack_ledger

        ledger = Ledger(calendar, limits)
        events, touched = ledger._events, ledger._touched
        for event, key, series in unpack_ledger(data, ledger._assigned):
            events.setdefault(event, {})[key] = _Kept(series, {})
            touched[(event, key)] = None
        for oldest in list(touched)[: -ledger._limits.series]:
            ledger._drop(*oldest)
        return ledger

    def _keep(self, event: str, key: str, series: Series) -> None:
        self._events.setdefault(event, {})[key] = _Kept(series, {})
        name = (event, key)
        self._touched.pop(name, None)
        self._touched[name] = None
        if len(self._touched) > self._limits.series:
            self._drop(*next(iter(self._touched)))

    def _drop(self, event: str, key: str) -> None:
        del self._touched[(event, key)]
        del self._events[event][key]

    def _changed(self) -> None:
        self._distinct = {}
        self.version += 1
        if self.on_change is not None:
            self.on_change()


_NONE: dict[str, _Kept] = {}
