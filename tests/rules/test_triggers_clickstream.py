"""Carts left in a recorded shop: what the trigger finds, event by event, is what counting whole sessions finds."""

import csv
import gzip
from collections import Counter, defaultdict
from datetime import datetime
from pathlib import Path

import pytest

from nearwise_rules import Release, TriggerEvent, TriggerState, due_action, next_due, step_trigger
from tests.rules.conftest import opened

CLICKS = Path(__file__).parents[3] / "shared" / "data" / "ecom_clickstream" / "ecom.csv.gz"

pytestmark = pytest.mark.skipif(not CLICKS.is_file(), reason=f"the clickstream is not at {CLICKS}")

CART_LEFT = {
    "on": "add_to_cart",
    "unless": "purchase",
    "expires": "52w",
    "payload": {"session": {"var": "event.properties.session"}},
}
Click = tuple[float, str, str]
"""When, in which session, what."""


@pytest.fixture(scope="module")
def sessions() -> dict[str, list[Click]]:
    """The clicks of each user, in order."""
    users: dict[str, list[Click]] = defaultdict(list)
    with gzip.open(CLICKS, "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            at = datetime.fromisoformat(f"{row['timestamp']}+00:00").timestamp()
            users[row["user_id"]].append((at, row["session_id"], row["event"]))
    return {user: sorted(clicks, key=lambda click: click[0]) for user, clicks in users.items()}


def reminded(users: dict[str, list[Click]], wait: str) -> Counter[str]:
    """How many reminders each session got: each cart waits for itself, and any purchase of its user cancels it."""
    release = Release(opened({("trigger", "left"): {**CART_LEFT, "wait": wait}}))
    plan = release.triggers.plan("left")
    assert plan is not None
    given = Counter[str]()
    for user, clicks in users.items():
        states: dict[str, TriggerState] = {}
        for at, session, name in [*clicks, (float("inf"), "", "end")]:
            for key, state in states.items():
                moment = next_due(state)
                if moment is not None and moment <= at:
                    turn = due_action(plan, state, moment)
                    assert turn.action is not None
                    given[str(turn.action.payload["session"])] += 1
                    states[key] = turn.state
            for _, heard in release.triggers.heard(TriggerEvent(name, None, {"session": session}), {}, user, at):
                for key in list(states) if heard.cancels else [session]:
                    states[key] = step_trigger(plan, states.get(key, TriggerState(user, key)), heard)
    return given


def test_carts_left_are_those_without_a_purchase(
    sessions: dict[str, list[Click]], capsys: pytest.CaptureFixture[str]
) -> None:
    last: dict[tuple[str, str], float] = {}
    for clicks in sessions.values():
        last |= {(session, name): at for at, session, name in clicks}
    carts = {session for session, name in last if name == "add_to_cart"}
    left = {session for session in carts if (session, "purchase") not in last}
    assert (len(carts), len(left)) == (1213, 743)
    for wait in ("30m", "2h"):
        given = reminded(sessions, wait)
        others = given.keys() - left
        filled_again = {each for each in others if last[each, "add_to_cart"] > last[each, "purchase"]}
        with capsys.disabled():
            print(
                f"\n  clickstream: {len(left)} of {len(carts)} carts are left; a wait of {wait} reminds"
                f" {len(left & given.keys())} of them, {len(filled_again)} that were filled again after a purchase,"
                f" and {len(others - filled_again)} that are bought later",
                end="",
            )
        assert left <= given.keys()
        assert wait == "30m" or (others == filled_again and set(given.values()) == {1})


@pytest.mark.parametrize(("wait", "bought"), [("24h", 2), ("72h", 19), ("168h", 41)])
def test_a_longer_wait_spares_those_who_come_back_and_buy(
    sessions: dict[str, list[Click]], capsys: pytest.CaptureFixture[str], wait: str, bought: int
) -> None:
    names = {(session, name) for clicks in sessions.values() for _, session, name in clicks}
    left = {session for session, name in names if name == "add_to_cart" and (session, "purchase") not in names}
    spared = left - reminded(sessions, wait).keys()
    with capsys.disabled():
        print(f"\n  clickstream: a wait of {wait} spares {len(spared)} of the {len(left)}", end="")
    assert len(spared) == bought
