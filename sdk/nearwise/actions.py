"""From what triggers heard to what the app is handed: states that survive a restart, actions that come once.

The order is what makes a crash at any point harmless. In one transaction the state goes on and the action is kept, not
yet reported and not yet taken. Then its report goes to the log of events (`Outbox.record`), then it is marked taken,
and only then is it handed out. So an action is handed out at most once, and reported exactly once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from nearwise.errors import EventRefused
from nearwise.events import encode_event
from nearwise.trigger_store import Kept, TriggerStore, is_damage, set_aside
from nearwise_rules import Action, Dropped, Heard, TriggerState, due_action, step_trigger

if TYPE_CHECKING:
    from nearwise.outbox.sealing import Outbox
    from nearwise_rules import Release, TriggerPlan, Turn

__all__ = ["Action", "Actions", "Tally", "Told"]

_AT_ONCE = 100
_WRITTEN_BEFORE_TRIM = 500
_NEVER = float("inf")
_LONGEST_SECONDS = 60.0
"""While something waits the clock is looked at again so often: it may jump, and a sleeping device wakes."""


class Told(NamedTuple):
    """What an event means to one trigger of one subject."""

    trigger: str
    subject: str
    heard: Heard


class Tally:
    """What came of triggers since the start: actions dropped, by reason, and the last thing that was odd."""

    def __init__(self) -> None:
        self.dropped: dict[str, int] = {}
        self.problem: str | None = None

    def drop(self, reason: Dropped, count: int = 1) -> None:
        """Count actions that nobody gets."""
        if count:
            self.dropped[reason.value] = self.dropped.get(reason.value, 0) + count

    def note(self, trigger: str, turn: Turn | Heard) -> None:
        """Keep what a turn, or what was heard, has to tell."""
        if not isinstance(turn, Heard) and turn.dropped is not None:
            self.drop(turn.dropped)
        for diagnostic in turn.diagnostics:
            self.problem = f"trigger {trigger!r}: {diagnostic.code} {diagnostic.place}: {diagnostic.message}"


class Actions:
    """The states and the actions of one device. One thread at a time; every call may raise what a disk can give."""

    def __init__(self, path: str | None, clock: Callable[[], float], outbox: Callable[[], Outbox]) -> None:
        """`path` is that of the file, None for memory. Nothing is opened yet."""
        self.tally = Tally()
        self.damaged: tuple[str, ...] = ()
        self._path = path
        self._clock = clock
        self._outbox = outbox
        self._opened: TriggerStore | None = None
        self._written = 0
        self._fresh = set[str]()

    @property
    def is_empty(self) -> bool:
        """Whether nothing was ever kept here."""
        return self._opened is None and (self._path is None or not os.path.exists(self._path))

    @property
    def _store(self) -> TriggerStore:
        if self._opened is None:
            self._opened = TriggerStore(self._path)
            if self._opened.damaged is not None:
                self.damaged = (*self.damaged, self._opened.damaged)
        return self._opened

    def step(self, told: Iterable[Told], release: Release) -> None:
        """Let the states go on with what was heard, in order."""
        turns: list[tuple[str, Turn | Heard]] = []
        with self._store.transaction():
            for trigger, subject, heard in told:
                turns.append((trigger, heard))
                plan = release.triggers.plan(trigger) if heard.matches or heard.cancels else None
                if plan is not None:
                    turns += [(trigger, turn) for turn in self._step(plan, subject, heard)]
        self._settled(turns)

    def _step(self, plan: TriggerPlan, subject: str, heard: Heard) -> tuple[Turn, Turn]:
        before = self._store.state(plan.key, subject)
        known = TriggerState(subject, os.urandom(8).hex()) if before is None else before
        early = due_action(plan, known, heard.at)
        late = due_action(plan, step_trigger(plan, early.state, heard), heard.at)
        for turn in (early, late):
            self._keep(plan, turn)
        if late.state != known:
            self._save(plan.key, late.state)
        return early, late

    def look(self, release: Release | None) -> None:
        """Look at everything whose time has come. Without a release it waits for one."""
        if release is None:
            return
        at = self._clock()
        while waiting := self._store.due(at, _AT_ONCE):
            turns: list[tuple[str, Turn | Heard]] = []
            with self._store.transaction():
                for trigger, state in waiting:
                    plan = release.triggers.plan(trigger)
                    if plan is None:
                        self._save(trigger, state._replace(waiting=None))
                        self.tally.drop(Dropped.REMOVED)
                        continue
                    turn = due_action(plan, state, at)
                    self._keep(plan, turn)
                    self._save(trigger, turn.state)
                    turns.append((trigger, turn))
            self._settled(turns)
            if len(waiting) < _AT_ONCE:
                return

    def _keep(self, plan: TriggerPlan, turn: Turn) -> None:
        if turn.action is None:
            return
        self._fresh.add(turn.action.id)
        kept = Kept(
            number=0,
            action=turn.action,
            subject=turn.state.subject,
            bundle=plan.release.version,
            purposes=plan.mask,
            expires_at=turn.action.at + plan.expires,
            place=self._outbox().place,
        )
        self._store.add(kept)

    def _save(self, trigger: str, state: TriggerState) -> None:
        self._store.save(trigger, state)
        self._written += 1

    def _settled(self, turns: Iterable[tuple[str, Turn | Heard]]) -> None:
        """What came of it is on disk: count it."""
        for trigger, turn in turns:
            self.tally.note(trigger, turn)
        if self._written >= _WRITTEN_BEFORE_TRIM:
            self._written = 0
            with self._store.transaction():
                crowding = self._store.trim()
            self.tally.drop(Dropped.CROWDED, crowding)

    def report(self) -> None:
        """Put a report of each new action into the log of events, once, whatever happened to an earlier try."""
        outbox, store = self._outbox(), self._store
        while unreported := store.unreported(_AT_ONCE):
            for kept in unreported:
                name = kept.action.id
                if name not in self._fresh and _is_among(name, outbox.since(kept.place)):
                    store.mark_reported(kept.number)
                    continue
                self._fresh.discard(name)
                try:
                    payload = encode_event(_report(kept))
                    outbox.record(payload, partial(store.mark_reported, kept.number))
                except EventRefused as refused:
                    self.tally.problem = f"trigger {kept.action.trigger!r}: {refused}"
                    store.mark_reported(kept.number)

    def expire(self) -> None:
        """Let go of the actions that nobody took in time."""
        expired = self._store.expired(self._clock())
        if expired:
            with self._store.transaction():
                for number in expired:
                    self._store.mark_taken(number)
            self.tally.drop(Dropped.EXPIRED, len(expired))

    def take(self, release: Release | None, most: int) -> list[Action]:
        """The oldest actions that may be handed out, marked as taken before this returns; without a release none."""
        if release is None:
            return []
        store = self._store
        with store.transaction():
            found = store.untaken(most)
            for kept in found:
                store.mark_taken(kept.number)
        taken = [kept.action for kept in found if _is_granted(kept, release)]
        self.tally.drop(Dropped.CONSENT, len(found) - len(taken))
        return taken

    def wait_seconds(self, release: Release | None) -> float:
        """How long nothing has to be looked at."""
        if self._opened is None:
            return _NEVER
        due_at = self._store.next_due()
        if due_at is not None and release is not None:
            return min(max(due_at - self._clock(), 0.0), _LONGEST_SECONDS)
        return _LONGEST_SECONDS if self._store.waiting_and_untaken()[1] else _NEVER

    def counts(self) -> tuple[int, int]:
        """How many waits there are, and how many actions that nobody has yet."""
        return (0, 0) if self.is_empty else self._store.waiting_and_untaken()

    def forget(self, subject: str) -> None:
        """Let go of everything about a subject."""
        if not self.is_empty:
            self._store.forget(subject)

    def recover(self, error: BaseException) -> None:
        """After an error: a file that is no good is set aside, and a new one begun with the next call."""
        if self._opened is None or self._path is None or not is_damage(error):
            return
        self.close()
        set_aside(self._path)
        self.damaged = (*self.damaged, f"{self._path}: {error}")

    def close(self) -> None:
        """Give the file back; it is opened again when it is needed."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None


def _is_granted(kept: Kept, release: Release) -> bool:
    """Whether the subject consents still: what is withdrawn holds at once."""
    return not kept.purposes or not kept.purposes & ~release.surround(kept.action.subject).granted


def _is_among(name: str, events: Iterable[bytes]) -> bool:
    """Whether one of these events names the action: an id is 32 digits that stand nowhere else."""
    return any(name.encode() in event for event in events)


def _report(kept: Kept) -> dict[str, object]:
    action = kept.action
    return {
        "type": "trigger",
        "at": max(int(action.at * 1000), 0),
        "subject": action.subject,
        "bundle": kept.bundle or None,
        "trigger": action.trigger,
        "id": action.id,
        "payload": action.payload or None,
        "channel": action.channel,
    }
