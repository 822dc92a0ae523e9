"""Exposures: what was shown to whom, one event for each, or counted, as the flag says."""

from __future__ import annotations

from _thread import allocate_lock
from collections.abc import Callable
from typing import TYPE_CHECKING

from nearwise.errors import NearwiseError
from nearwise.events import ExposureHead, encode_event, item_exposure

if TYPE_CHECKING:
    from nearwise.decisions import Decision, Item
    from nearwise_rules import Outcome

_HEADS_KEPT = 10_000


class Exposures:
    """Records exposures into an outbox. Any thread may record; one thread flushes the counts."""

    def __init__(self, append: Callable[[bytes], int], clock: Callable[[], float]) -> None:
        self.failed: str | None = None
        self.wake: Callable[[], None] = lambda: None
        self._append = append
        self._clock = clock
        self._heads: dict[Outcome, ExposureHead] = {}
        self._lock = allocate_lock()
        self._counts: dict[tuple[str, str, int], int] = {}
        self._counting_since = clock()

    @property
    def counting(self) -> bool:
        """Whether counts wait to be flushed."""
        return bool(self._counts)

    def record(self, decision: Decision) -> None:
        """Record one exposure. What the disk refuses is told by `failed`."""
        try:
            head = self._heads.get(decision[0]) or self._new_head(decision[0])
            if head is not None:
                self._append(head.event(self._clock(), decision))
        except Exception as error:  # noqa: BLE001  showing an offer never fails for the sake of a report
            self.failed = f"{type(error).__name__}: {error}"

    def record_item(self, item: Item) -> None:
        """Record that one item of a placement was shown."""
        outcome = item[3].outcome
        try:
            if outcome.variant is None or outcome.exposures == "none":
                return
            if outcome.exposures == "summary":
                self._count((outcome.flag, outcome.variant, outcome.bundle_version))
                return
            self._append(encode_event(item_exposure(item, self._clock())))
        except Exception as error:  # noqa: BLE001  showing an offer never fails for the sake of a report
            self.failed = f"{type(error).__name__}: {error}"

    def _new_head(self, outcome: Outcome) -> ExposureHead | None:
        """The constant part of an outcome's exposures; None when they are counted or not wanted."""
        if outcome.variant is None or outcome.exposures == "none":
            return None
        if outcome.exposures == "summary":
            self._count((outcome.flag, outcome.variant, outcome.bundle_version))
            return None
        if len(self._heads) >= _HEADS_KEPT:
            self._heads = {}
        head = self._heads[outcome] = ExposureHead(outcome)
        return head

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
