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
    from nearwise_rules import Outcome

_HEADS_KEPT = 10_000


class Exposures:
    """Records exposures into an outbox. Any thread may record; one thread flushes the counts.

    `granted` gives the purposes that a subject consents to, which go with each exposure; None: nobody is asked.
    `zone` names the zone in which the days of `dedupe` begin.
    """

    def __init__(
        self, append: Callable[[bytes], int], clock: Callable[[], float], zone: Callable[[], str] = lambda: "UTC"
    ) -> None:
        self.failed: str | None = None
        self.wake: Callable[[], None] = lambda: None
        self.granted: Callable[[object], int] | None = None
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
        outcome, granted, heads = decision[0], None, self._heads
        try:
            if self.granted is not None:
                granted = self.granted(decision[3])
                heads = self._heads_of.setdefault(granted, {})
            head = heads.get(outcome)
            if head is None:
                if not _is_each(outcome):
                    shown = {"flag": outcome.flag, "variant": outcome.variant}
                    self._record_rarely(outcome, decision[3], shown, lambda now: _event(decision, granted, now))
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
        shown = {"flag": outcome.flag, "offer": item.key, "variant": outcome.variant}
        try:
            granted = None if self.granted is None else self.granted(subject)
            self._record_rarely(outcome, subject, shown, lambda now: encode_event(item_exposure(item, now, granted)))
        except Exception as error:  # noqa: BLE001  showing an offer never fails for the sake of a report
            self.failed = f"{type(error).__name__}: {error}"

    def _record_rarely(
        self, outcome: Outcome, subject: object, shown: Mapping[str, object], event: Callable[[float], bytes]
    ) -> None:
        """Record an exposure that need not become an event of its own: not wanted, repeated, or counted."""
        if outcome.variant is None or outcome.exposures == "none":
            return
        if outcome.dedupe is not None and not self.repeats.claim(subject, shown, outcome.dedupe, self._clock()):
            return
        try:
            if outcome.exposures == "summary":
                self._count((outcome.flag, outcome.variant, outcome.bundle_version))
            else:
                self._append(event(self._clock()))
        except Exception:
            self.repeats.give_back(subject, shown)
            raise

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


def _is_each(outcome: Outcome) -> bool:
    """Whether every exposure of an outcome is an event, so that what these share is worth keeping."""
    return outcome.exposures == "each" and outcome.variant is not None and outcome.dedupe is None


def _event(decision: Decision, granted: int | None, now: float) -> bytes:
    return ExposureHead(decision[0], granted).event(now, decision)
