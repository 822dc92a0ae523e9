"""Triggers against brute force: whatever comes in whatever order, under whatever clock, with restarts in between."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

from hypothesis import example, given
from hypothesis import strategies as st

from nearwise_rules import Release
from nearwise_rules.triggers import TriggerEvent, TriggerPlan, TriggerState, due_action, step_trigger
from tests.rules.conftest import opened

START = 1_795_608_000.0
"""The beginning of an hour."""


class Pattern(NamedTuple):
    """A trigger's times in seconds; `window` and `limit_window` are seconds, or "hour"."""

    wait: int
    cooldown: int
    expires: int
    times: int
    window: int | str
    limit: int
    limit_window: int | str

    def document(self) -> dict[str, object]:
        document: dict[str, object] = {"on": "cart", "unless": "purchase", "expires": f"{self.expires}s"}
        if self.wait:
            document["wait"] = f"{self.wait}s"
        if self.cooldown:
            document["cooldown"] = f"{self.cooldown}s"
        if self.times:
            document["times"] = {"count": self.times, "window": _text(self.window)}
        if self.limit:
            document["limit"] = {"count": self.limit, "window": _text(self.limit_window)}
        return document


def _text(window: int | str) -> str:
    return window if isinstance(window, str) else f"{window}s"


def covers(window: int | str, at: float, then: float) -> bool:
    """Whether a window at one moment covers another."""
    return at // 3600 == then // 3600 if isinstance(window, str) else abs(at - then) < window


class BruteForce:
    """The same promises kept by remembering everything."""

    def __init__(self, pattern: Pattern) -> None:
        self.pattern = pattern
        self.matches: list[float] = []
        self.fired: list[float] = []
        self.given: list[float] = []
        self.due_at: float | None = None

    def look(self, at: float) -> None:
        pattern = self.pattern
        if self.fired and self.fired[-1] > at + 60:
            self.fired = [min(each, at) for each in self.fired]
        if self.due_at is None:
            return
        self.due_at = min(self.due_at, at + pattern.wait)
        if at < self.due_at:
            return
        overdue, self.due_at = at - self.due_at, None
        near = [each for each in self.fired[-1:] if pattern.cooldown and at - each < pattern.cooldown]
        counted = [each for each in self.fired if each > at or covers(pattern.limit_window, at, each)]
        if overdue <= pattern.expires and not near and not (pattern.limit and len(counted) >= pattern.limit):
            self.fired.append(at)
            self.given.append(at)

    def event(self, name: str, at: float) -> None:
        self.look(at)
        if name == "purchase":
            self.due_at = None
        if name == "cart":
            self.matches.append(at)
            remembered = self.matches[-2 * self.pattern.times :]
            counted = [each for each in remembered if covers(self.pattern.window, at, each)]
            if not self.pattern.times or len(counted) >= self.pattern.times:
                self.due_at = at + self.pattern.wait
        self.look(at)


SPANS = st.integers(1, 40)
WINDOWS = SPANS | st.just("hour")
PATTERNS = st.builds(
    Pattern,
    wait=st.just(0) | SPANS,
    cooldown=st.just(0) | SPANS,
    expires=SPANS,
    times=st.integers(0, 3),
    window=WINDOWS,
    limit=st.integers(0, 3),
    limit_window=WINDOWS,
)
THINGS = st.sampled_from(["cart", "cart", "cart", "purchase", "look", "restart", "other"])
FORWARD = st.integers(0, 20) | st.just(3600)
JUMPING = FORWARD | st.integers(-60, -1) | st.sampled_from([-100_000, 100_000])


class Life(NamedTuple):
    actions: list[tuple[str, float]]
    moments: list[tuple[float, int]]
    """Each moment that was seen, and how many actions had been given by then."""


def lived(pattern: Pattern, story: list[tuple[int, str]], *, restarts: bool = True) -> Life:
    bundle = opened({("trigger", "t"): pattern.document()})
    plan = Release(bundle).triggers.plan("t")
    assert plan is not None
    state = TriggerState("h-1", "origin")
    life = Life([], [])
    at = START
    for seconds, thing in story:
        at += seconds
        if thing == "restart":
            state = TriggerState.from_text("h-1", state.to_text()) if restarts else state
            continue
        state = _look(plan, state, at, life)
        if thing != "look":
            for _, heard in plan.release.triggers.heard(TriggerEvent(thing), {}, "h-1", at):
                state = step_trigger(plan, state, heard)
            state = _look(plan, state, at, life)
    return life


def _look(plan: TriggerPlan, state: TriggerState, at: float, life: Life) -> TriggerState:
    turn = due_action(plan, state, at)
    if turn.action is not None:
        again = due_action(plan, state, at).action
        assert again == turn.action, "what a crash repeats has the same name"
        life.actions.append((turn.action.id, turn.action.at))
    life.moments.append((at, len(life.actions)))
    return turn.state


def brute(pattern: Pattern, story: list[tuple[int, str]]) -> list[float]:
    oracle = BruteForce(pattern)
    at = START
    for seconds, thing in story:
        at += seconds
        if thing == "look":
            oracle.look(at)
        elif thing != "restart":
            oracle.event(thing, at) if thing != "other" else oracle.look(at)
    return oracle.given


@given(PATTERNS, st.lists(st.tuples(JUMPING, THINGS), max_size=40))
@example(Pattern(10, 30, 5, 0, 1, 0, 1), [(0, "cart"), (10, "look"), (-20, "cart"), (10, "look"), (30, "look")])
def test_it_does_what_brute_force_does(pattern: Pattern, story: list[tuple[int, str]]) -> None:
    assert [at for _, at in lived(pattern, story).actions] == brute(pattern, story)


@given(PATTERNS, st.lists(st.tuples(JUMPING, THINGS), max_size=40))
def test_restarts_change_nothing_and_no_name_comes_twice(pattern: Pattern, story: list[tuple[int, str]]) -> None:
    actions = lived(pattern, story).actions
    assert actions == lived(pattern, story, restarts=False).actions
    assert len({name for name, _ in actions}) == len(actions)


@given(PATTERNS, st.lists(st.tuples(JUMPING, THINGS), max_size=40))
def test_between_two_actions_the_clock_went_forward_by_the_cooldown(
    pattern: Pattern, story: list[tuple[int, str]]
) -> None:
    passed = 0.0
    for (before, given_before), (at, given_by) in pairwise(lived(pattern, story).moments):
        passed += max(at - before, 0.0)
        if given_by > given_before:
            assert given_before == 0 or passed >= pattern.cooldown
            passed = 0.0


@given(PATTERNS, st.lists(st.tuples(FORWARD, THINGS), max_size=40))
def test_under_a_true_clock_the_whole_past_counts(pattern: Pattern, story: list[tuple[int, str]]) -> None:
    at, carts = START, list[float]()
    oracle = BruteForce(pattern)
    for seconds, thing in story:
        at += seconds
        oracle.look(at)
        if thing == "purchase":
            oracle.due_at = None
        elif thing == "cart":
            carts.append(at)
            if sum(covers(pattern.window, at, each) for each in carts) >= pattern.times:
                oracle.due_at = at + pattern.wait
        if thing != "restart":
            oracle.look(at)
    looked = [(seconds, "other" if thing == "restart" else thing) for seconds, thing in story]
    assert [at for _, at in lived(pattern, looked).actions] == oracle.given
