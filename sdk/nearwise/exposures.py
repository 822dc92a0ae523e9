"""Exposures: what was shown to whom, one event for each, or counted, as the flag says."""

from __future__ import annotations

from _thread import allocate_lock
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from nearwise.errors import NearwiseError
from nearwise.events import ExposureHead, encode_event, item_exposure
from nearwise.repeats import Repeats

if TYPE_CHECKING:
    from nearwise.decisions import Decision, Item
    from nearwise.gate import Gate
    from nearwise_rules import Outcome

_HEADS_KEPT = 10_000


class Exposures:
    """Records exposures into an outbox. Any thread may record; one thread flushes the counts.

    `gate` says what a subject consents to: that goes with each exposure, and without the purposes that exposures need
    there is none. Without a gate nobody is asked.
    `zone` names the zone in which the days of `dedupe` begin.
    """

    def __init__(
        self, append: Callable[[bytes], int], clock: Callable[[], float], zone: Callable[[], str] = lambda: "UTC"
    ) -> None:
        self.failed: str | None = None
        self.wake: Callable[[], None] = lambda: None
        self.gate: Gate | None = None
        self.remember: Callable[[str, object, Mapping[str, object], float | None, float], None] = _unremembered
        self.remember_item: Callable[[Item, float], None] = _item_unremembered
        self.claims: Callable[[Item, float], bool] = _unclaimed
        self.repeats = Repeats(zone)
        self._append = append
        self._clock = clock
        self._heads: dict[Outcome, ExposureHead] = {}
        self._heads_of: dict[int, dict[Outcome, ExposureHead]] = {}
        self._lock = allocate_lock()
        self._counts: dict[tuple[str, str, int], int] = {}
        self._counting_since = clock()

    @property
    def counting(self) -> bool:
        """Whether counts wait to be flushed."""
        return bool(self._counts)

    def record(self, decision: Decision) -> None:
        """Record one exposure. What the disk refuses is told by `failed`."""
        outcome, granted, heads, gate = decision[0], None, self._heads, self.gate
        try:
            if gate is not None:
                granted = gate.granted(decision[3])
                if gate.exposures & ~granted:
                    self._withhold(outcome, gate)
                    return
                heads = self._heads_of.setdefault(granted, {})
            head = heads.get(outcome)
            if head is None:
                if not _is_each(outcome):
                    shown, now = {"flag": outcome.flag, "variant": outcome.variant}, self._clock()
                    if self._is_new(outcome, decision[3], shown, lambda: _event(decision, granted, now), now):
                        self.remember("exposure", decision[3], shown, None, now)
                    return
                if len(heads) >= _HEADS_KEPT:
                    heads.clear()
                head = heads[outcome] = ExposureHead(outcome, granted)
            self._append(head.event(self._clock(), decision))
        except Exception as error:  # noqa: BLE001  showing an offer never fails for the sake of a report
            self.failed = f"{type(error).__name__}: {error}"

    def record_item(self, item: Item) -> None:
        """Record that one item of a placement was shown."""
        outcome, _, subject, _ = item[3]
        shown, now = {"flag": outcome.flag, "offer": item.key, "variant": outcome.variant}, self._clock()
        try:
            granted = None if self.gate is None else self.gate.granted(subject)
            if self.gate is not None and granted is not None and self.gate.exposures & ~granted:
                self._withhold(outcome, self.gate)
                return
            if not self.claims(item, now):
                return
            event = lambda: encode_event(item_exposure(item, now, granted))  # noqa: E731
            if self._is_new(outcome, subject, shown, event, now):
                self.remember_item(item, now)
        except Exception as error:  # noqa: BLE001  showing an offer never fails for the sake of a report
            self.failed = f"{type(error).__name__}: {error}"

    def _withhold(self, outcome: Outcome, gate: Gate) -> None:
        if outcome.variant is not None and outcome.exposures != "none":
            gate.withhold()

    def _is_new(
        self, outcome: Outcome, subject: object, shown: Mapping[str, object], event: Callable[[], bytes], now: float
    ) -> bool:
        """Record an exposure that need not become an event of its own; whether it is one for the history.

        One of a tester is none, nor is a repeated one. What is only counted, or not wanted as an event, happened too.
        """
        part = outcome.participation
        if outcome.variant is None or (part is not None and part.override):
            return False
        if outcome.dedupe is not None and not self.repeats.claim(subject, shown, outcome.dedupe, now):
            return False
        try:
            if outcome.exposures == "summary":
                self._count((outcome.flag, outcome.variant, outcome.bundle_version))
            elif outcome.exposures == "each":
                self._append(event())
        except Exception:
            self.repeats.give_back(subject, shown)
            raise
        return True

    def _count(self, key: tuple[str, str, int]) -> None:
        with self._lock:
            if not self._counts:
                self._counting_since = self._clock()
                self.wake()
            self._counts[key] = self._counts.get(key, 0) + 1

    def flush(self) -> None:
        """Put the counts into the outbox."""
        with self._lock:
            now = self._clock()
            counts, self._counts = self._counts, {}
            since = self._counting_since
        for (flag, variant, bundle), count in counts.items():
            summary = {"type": "summary", "at": int(now * 1000), "from": int(since * 1000), "bundle": bundle}
            try:
                self._append(encode_event({**summary, "flag": flag, "variant": variant, "count": count}))
            except NearwiseError as error:
                self.failed = str(error)


def _unremembered(
    _event: str, _subject: object, _shown: Mapping[str, object], _value: float | None, _at: float
) -> None: ...


def _unclaimed(_item: Item, _at: float) -> bool:
    return True


def _item_unremembered(_item: Item, _at: float) -> None: ...


def _is_each(outcome: Outcome) -> bool:
    """Whether every exposure of an outcome is an event, so that what these share is worth keeping."""
    return outcome.exposures == "each" and outcome.variant is not None and outcome.dedupe is None


def _event(decision: Decision, granted: int | None, now: float) -> bytes:
    return ExposureHead(decision[0], granted).event(now, decision)
