"""What a client writes into the history of its device: events, exposures, decisions; and what is about to be shown.

Recording is for the bundle that decides now: exactly what its attributes, caps and pauses will ask for, and only what
the subject consents to.
"""

from __future__ import annotations

from _thread import allocate_lock
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from nearwise_rules import DEVICE, owner_of, place_of

if TYPE_CHECKING:
    from nearwise.context import Decide, DecideMany
    from nearwise.decisions import Decision
    from nearwise.history import HistoryStore
    from nearwise.shelf import Active
    from nearwise_rules import HistoryPlan, Item, Json, Ledger, Release

HOLD_SECONDS = 120.0
"""How long the items of a decision count against caps before they are shown."""

_MOST_RESERVED = 4096
_SHOWN = ""
"""Reserved by a place whose item was shown. No offer has this key."""


class Remembering:
    """Records into a history store, which is made when something is to be remembered.

    `granted` gives the purposes that a subject consents to, as a bit mask; `place` the end of the outbox.
    """

    def __init__(
        self, make: Callable[[], HistoryStore], granted: Callable[[object], int], place: Callable[[], tuple[str, int]]
    ) -> None:
        self._make = make
        self._granted = granted
        self._place = place
        self._store: HistoryStore | None = None
        self._release: Release | None = None
        self._making = allocate_lock()
        self._reserving = allocate_lock()
        self._reserved: dict[tuple[str, str, int], str] = {}
        self.failed: str | None = None
        """What went wrong last: an event was recorded, and history does not know of it."""

    @property
    def history(self) -> HistoryStore:
        """The store, made with its first use."""
        if self._store is None:
            with self._making:
                if self._store is None:
                    self._store = self._make()
        return self._store

    @property
    def opened(self) -> HistoryStore | None:
        """The store, if anything was remembered yet."""
        return self._store

    def adopt(self, active: Active) -> Active:
        """Record for this bundle from now on; what decides, reserving and assigning as the bundle asks for it."""
        self._release = release = active.release
        if release is None:
            return active
        if release.bundle.keys("placement"):
            reserving = Reserving(active.decide, active.decide_many, self)
            active = active._replace(decide=reserving.decide, decide_many=reserving.decide_many)
        if release.bundle.keys("experiment"):
            from nearwise.assigning import assigning

            active = assigning(active, self)
        if self._store is not None:
            self._store.use(release.calendar)
            self._store.remember_for(release.terms.forgetting)
        return active

    def leave_to_parent(self) -> None:
        """For a forked child: the file stays with the parent, and so do locks that another thread held."""
        self._making, self._reserving = allocate_lock(), allocate_lock()
        if self._store is not None:
            self._store.leave_to_parent()

    def recall(self, owner: str) -> Ledger:
        """What is remembered of an owner."""
        return self.history.recall(owner)

    def happened(
        self, event: str, subject: object, properties: Mapping[str, object], value: float | None, at: float
    ) -> None:
        """Record one occurrence for its subject and for the device. Never raises."""
        try:
            plan = self._plan()
            if plan is None or event not in plan.events:
                return
            for per, owner, granted in (("subject", owner_of(subject), self._granted(subject)), ("device", DEVICE, -1)):
                view = plan.view(per, granted)
                if event in view.events:
                    with self.history.changing(owner) as ledger:
                        view.record(ledger, event, properties, value, at)
            epoch, end = self._place()
            self.history.mark(epoch, end - 1)
        except Exception as error:  # noqa: BLE001  the event itself is recorded; history is a help and may be lost
            self.failed = f"{type(error).__name__}: {error}"

    def _plan(self) -> HistoryPlan | None:
        release = self._release
        return None if release is None else release.remembers

    def claims(self, item: Item, at: float) -> bool:
        """Whether showing an item is an exposure of its own: what its place reserved for this offer stands.

        It does not where the place was decided anew for another offer, or where a decision for the same offer in the
        same place was shown already: the same screen drawn twice. What nobody counts, and what is shown after its
        reservation has ended or had to make room for others, is an exposure in any case.
        """
        if item.is_fallback or not self._held(item):
            return True
        place = _place_of(item)
        with self._reserving:
            reserved = self._reserved.get(place, item.key) == item.key
            if reserved:
                self._reserved[place] = _SHOWN
        return reserved or at - item[3].at >= HOLD_SECONDS

    def shown(self, item: Item, at: float) -> None:
        """An item was shown: its reservation becomes an occurrence. Fallbacks count against nothing."""
        if item.is_fallback:
            return
        subject = item[3].subject
        self.happened("exposure", subject, properties_of(item), None, at)
        for _, owner, slot in _places(item):
            self.history.recall(owner).release(f"{slot}/{item.position}")

    def decided(self, decision: Decision) -> None:
        """A placement was decided: reserve what caps on exposures will count, and count the decision."""
        items = [item for item in decision.items if not item.is_fallback]
        if not items:
            return
        shared, until = self._held_by_placement(items[0]), decision.at + HOLD_SECONDS
        for per, owner, slot in _places(items[0]):
            ledger = self.history.recall(owner)
            ledger.release(slot)
            for item in items:
                keys = [key for name, key in (*item.offer.held, *shared) if name == per]
                if keys:
                    ledger.hold(keys, f"{slot}/{item.position}", until)
        self._reserve(items)
        if self._counts("decision"):
            for item in items:
                self.happened("decision", decision.subject, properties_of(item), None, decision.at)

    def _counts(self, event: str) -> bool:
        plan = self._plan()
        return plan is not None and event in plan.events

    def _reserve(self, items: Sequence[Item]) -> None:
        reserved = self._reserved
        owner, placement, _ = _place_of(items[0])
        with self._reserving:
            for item in items:
                place = (owner, placement, item.position)
                reserved.pop(place, None)
                reserved[place] = item.key
            while len(reserved) > _MOST_RESERVED:
                del reserved[next(iter(reserved))]

    def _held(self, item: Item) -> Sequence[tuple[str, str]]:
        return (*item.offer.held, *self._held_by_placement(item))

    def _held_by_placement(self, item: Item) -> Sequence[tuple[str, str]]:
        release = self._release
        placement = None if release is None else release.catalogue.placement(item.placement)
        return () if placement is None else placement.plan.held


class Reserving:
    """Decides as `decide` and `decide_many` do, and reserves what placements decide. Never raises."""

    def __init__(self, decide: Decide, decide_many: DecideMany, remembering: Remembering) -> None:
        self._decide = decide
        self._decide_many = decide_many
        self._remembering = remembering

    def decide(
        self, flag: str, data: Mapping[str, object], subject: object, at: float, default: Json, owner: object, /
    ) -> Decision:
        """Decide one flag or placement."""
        decision = self._decide(flag, data, subject, at, default, owner)
        if type(decision[1]) is tuple:
            self._decided(decision)
        return decision

    def decide_many(
        self,
        keys: Sequence[str],
        data: Mapping[str, object],
        subject: object,
        at: float,
        owner: Callable[[], object],
        /,
    ) -> list[Decision]:
        """Decide several at once."""
        decisions = self._decide_many(keys, data, subject, at, owner)
        for decision in decisions:
            if type(decision[1]) is tuple:
                self._decided(decision)
        return decisions

    def _decided(self, decision: Decision) -> None:
        try:
            self._remembering.decided(decision)
        except Exception as error:  # noqa: BLE001  a decision never fails for the sake of what is remembered of it
            self._remembering.failed = f"{type(error).__name__}: {error}"


def properties_of(item: Item) -> dict[str, object]:
    """What history knows an item's exposure by."""
    outcome = item[3].outcome
    return {
        "offer": item.key,
        "placement": outcome.flag,
        "tag": list(item.tags),
        "flag": outcome.flag,
        "variant": outcome.variant,
    }


def _place_of(item: Item) -> tuple[str, str, int]:
    return owner_of(item[3].subject), item.placement, item.position


def _places(item: Item) -> tuple[tuple[str, str, str], ...]:
    """Where an item is reserved: (subject or device, owner of the ledger, slot), as the caps of its placement ask."""
    subject, slot = item[3].subject, item.placement
    return ("subject", owner_of(subject), slot), ("device", DEVICE, place_of(slot, "device", subject))
