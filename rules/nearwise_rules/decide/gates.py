"""What keeps an offer back beside its conditions: caps, suppression, cooldown and budgets, all read from history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from nearwise_rules.decide.splits import BASIS_POINTS, basis_point
from nearwise_rules.history import series_key
from nearwise_rules.logic.bucketing import subject_hash
from nearwise_rules.windows import parse_window

if TYPE_CHECKING:
    from nearwise_rules.decide.visits import Visit
    from nearwise_rules.documents import JsonObject
    from nearwise_rules.logic.bucketing import Bucketing
    from nearwise_rules.windows import Window


class Gate(Protocol):
    """Something that may keep an offer back."""

    def blocks(self, visit: Visit, slot: str) -> bool:
        """Whether the offer may not be shown in this slot now."""
        ...

    def reason(self, visit: Visit, slot: str) -> str:
        """Why, in words, for people."""
        ...


class CapGate:
    """At most `limit` occurrences of an event within a window. Decisions that are not shown yet count (holds)."""

    __slots__ = ("_words", "event", "key", "limit", "per", "window")

    def __init__(self, cap: JsonObject, named: str, key: str) -> None:
        self.event = str(cap.get("count", "exposure"))
        self.key = key
        self.limit = int(str(cap["limit"]))
        self.per = str(cap.get("per", "subject"))
        window = str(cap.get("window", "ever"))
        self.window: Window = parse_window(window)
        within = "" if window == "ever" else f" and {window}"
        self._words = f"cap{named}: {self.limit} {self.event} per {self.per}{within}"

    @property
    def counts_items(self) -> bool:
        """Whether every item that is decided uses it up, now or when it is shown."""
        return self.event in ("exposure", "decision")

    def room(self, visit: Visit, slot: str) -> float:
        """How many further items the limit lets in; endless while an event that items do not make is below it."""
        left = self.limit - self.used(visit, slot) - visit.pending.get(self, 0)
        return left if self.counts_items or left <= 0 else float("inf")

    def used(self, visit: Visit, slot: str) -> int:
        """How much of the limit is used up in this visit: what happened, and what other slots hold."""
        ledger = visit.ledger(self.per)
        if ledger is None:
            return 0
        count = ledger.count(self.event, self.key, self.window, visit.at)
        if self.event == "exposure" and ledger.is_held(self.key):
            count += ledger.held(self.key, visit.place(slot, self.per), visit.at)
        return count

    def blocks(self, visit: Visit, slot: str) -> bool:
        """Whether the limit is reached."""
        return self.used(visit, slot) + visit.pending.get(self, 0) >= self.limit

    def words(self, visit: Visit) -> str:  # noqa: ARG002  every limit is asked alike
        """The cap in words."""
        return self._words

    def reason(self, visit: Visit, slot: str) -> str:
        """The cap, how much of it is used, and how much is reserved by what was decided and not shown yet."""
        ledger = visit.ledger(self.per)
        happened = 0 if ledger is None else ledger.count(self.event, self.key, self.window, visit.at)
        reserved = self.used(visit, slot) - happened + visit.pending.get(self, 0)
        return f"{self.words(visit)}, {happened} used{f', {reserved} reserved' if reserved else ''}"


class SuppressionGate:
    """Not within a window after an event that is about the same as the offer."""

    __slots__ = ("_event", "_key", "_window", "_words")

    def __init__(self, suppression: JsonObject, key: str, words: str) -> None:
        self._event = str(suppression["after"])
        self._key = key
        self._window = parse_window(str(suppression["window"]))
        self._words = f"suppressed for {suppression['window']} after {self._event}{words}"

    def blocks(self, visit: Visit, slot: str) -> bool:  # noqa: ARG002  every gate is asked alike
        """Whether it happened within the window."""
        ledger = visit.ledger("subject")
        return ledger is not None and ledger.count(self._event, self._key, self._window, visit.at) > 0

    def reason(self, visit: Visit, slot: str) -> str:  # noqa: ARG002  every gate is asked alike
        """The event that the offer stands back for."""
        return self._words


class CooldownGate:
    """A pause after the subject turned the offer down so many times."""

    __slots__ = ("_event", "_key", "_pause", "_times", "_window", "_words")

    def __init__(self, cooldown: JsonObject, key: str) -> None:
        self._event = str(cooldown.get("after", "rejection"))
        self._key = key
        self._times = int(str(cooldown["times"]))
        self._window = parse_window(str(cooldown.get("window", "ever")))
        self._pause = parse_window(str(cooldown["pause"]))
        self._words = f"pauses for {cooldown['pause']} after {self._times} {self._event}"

    def blocks(self, visit: Visit, slot: str) -> bool:  # noqa: ARG002  every gate is asked alike
        """Whether the last of them is within the pause, and the window before it held enough of them."""
        ledger = visit.ledger("subject")
        if ledger is None or ledger.count(self._event, self._key, self._pause, visit.at) == 0:
            return False
        last = ledger.last(self._event, self._key)
        return last is not None and ledger.count(self._event, self._key, self._window, last) >= self._times

    def reason(self, visit: Visit, slot: str) -> str:  # noqa: ARG002  every gate is asked alike
        """How often it was turned down."""
        return self._words


class BudgetGate:
    """A share of a budget over many devices: this device's quota, and in smooth mode a share of the subjects.

    The throttle hashes under a salt of its own, so that it is independent of holdouts and experiments.
    """

    __slots__ = ("_bucketing", "_event", "_quota", "_quotas", "_salt", "_share", "_window", "key")

    def __init__(self, budget: JsonObject, offer: str, key: str, bucketing: Bucketing) -> None:
        quotas = budget.get("quotas")
        self._quotas = {name: int(str(quota)) for name, quota in quotas.items()} if isinstance(quotas, dict) else {}
        self._quota = int(str(budget.get("quota") or 0))
        share = budget.get("throttle")
        self._share = None if share is None else round(float(str(share)) * BASIS_POINTS)
        self._event = str(budget.get("count", "exposure"))
        self._window = parse_window(str(budget.get("window", "ever")))
        self.key = key
        self._salt = f"throttle/{offer}/"
        self._bucketing = bucketing

    @property
    def counts_exposures(self) -> bool:
        """Whether exposures use the budget up."""
        return self._event == "exposure"

    def blocks(self, visit: Visit, slot: str) -> bool:
        """Whether this device or this subject has no share of the budget left."""
        return self._is_throttled(visit) or self._used(visit, slot) >= self._quotas.get(visit.device, self._quota)

    def _used(self, visit: Visit, slot: str) -> int:
        ledger = visit.ledger("device")
        if ledger is None:
            return 0
        count = ledger.count(self._event, self.key, self._window, visit.at)
        return count + ledger.held(self.key, visit.place(slot, "device"), visit.at) if self.counts_exposures else count

    def _is_throttled(self, visit: Visit) -> bool:
        if self._share is None or self._share >= BASIS_POINTS:
            return False
        key = visit.subject_key
        return key is None or basis_point(subject_hash(self._bucketing, self._salt, key)) >= self._share

    def words(self, visit: Visit) -> str:
        """Which part of the budget is missing, the same on all devices."""
        if self._is_throttled(visit):
            return f"budget: only {(self._share or 0) / 100:g} % of the subjects get it at present"
        return "budget: the device's quota"

    def reason(self, visit: Visit, slot: str) -> str:
        """Which part of the budget is missing."""
        if self._is_throttled(visit):
            return self.words(visit)
        quota = self._quotas.get(visit.device, self._quota)
        return f"budget: this device has {quota}, {self._used(visit, slot)} used"


def offer_series(offer: str) -> str:
    """The series of what happened with one offer."""
    return series_key({"offer": offer})


def tag_series(tag: str) -> str:
    """The series of what happened with the offers of one tag."""
    return series_key({"tag": tag})
