"""Signals: the newest value of each name, its age and its end, and what rules see of them."""

from __future__ import annotations

from threading import Thread
from typing import Any

import pytest

from nearwise import SignalRefused
from nearwise.signals import LONGEST_NAME, MOST_SIGNALS, Signals
from nearwise.testing import LocalClient, client_from
from nearwise_rules import Json, Signal
from tests.sdk.conftest import Clock


def rules(when: Json) -> dict[str, Json]:
    declared: Json = {"queue.length": {"type": "integer", "source": "signal"}}
    flag: Json = {
        "type": "boolean",
        "variants": {"on": True, "off": False},
        "default": "off",
        "rules": [{"when": when, "serve": "on"}],
    }
    return {"attributes": declared, "flags": {"express": flag}}


LONG: Json = {">": [{"var": "queue.length"}, 5]}
FRESH: Json = {"<": [{"var": "seconds_since.queue.length"}, 60]}


def is_on(client: LocalClient, **attributes: Any) -> Json:
    return client.context("h-1", attributes).flag("express")


def test_a_rule_reads_what_the_app_noticed() -> None:
    with client_from(rules(LONG)) as client:
        assert is_on(client) is False
        client.signal("queue.length", 7)
        assert is_on(client) is True
        client.signal("queue.length", 2)
        assert is_on(client) is False


def test_what_the_context_says_goes_before_a_signal() -> None:
    with client_from(rules(LONG)) as client:
        client.signal("queue.length", 7)
        assert is_on(client, queue={"length": 1}) is False


def test_a_context_made_before_sees_the_newest_signal() -> None:
    with client_from(rules(LONG)) as client:
        visit = client.context("h-1")
        client.signal("queue.length", 7)
        assert visit.flag("express") is True


def test_after_its_expiry_a_signal_is_missing() -> None:
    with client_from(rules(LONG)) as client:
        client.signal("queue.length", 7, expires_seconds=60)
        client.at(client.now + 59.9)
        assert is_on(client) is True
        client.at(client.now + 0.1)
        assert is_on(client) is False


def test_a_rule_asks_how_fresh_a_signal_is() -> None:
    with client_from(rules(FRESH)) as client:
        assert is_on(client) is False
        client.signal("queue.length", 0)
        assert is_on(client) is True
        client.at(client.now + 61)
        assert is_on(client) is False


def test_an_attribute_of_the_context_is_not_read_from_signals() -> None:
    source = rules(LONG)
    source["attributes"] = {"queue.length": {"type": "integer"}}
    with client_from(source) as client:
        client.signal("queue.length", 7)
        assert is_on(client) is False


def test_a_signal_of_another_type_than_declared_is_an_answer_too() -> None:
    with client_from(rules(LONG)) as client:
        client.signal("queue.length", object())
        assert is_on(client) is False


def test_a_snapshot_never_changes(clock: Clock) -> None:
    signals = Signals(clock)
    signals.set("a", 1)
    before = signals.snapshot()
    signals.set("a", 2, 30)
    signals.set("b", 3)
    assert dict(before) == {"a": Signal(1, 1000.0)}
    assert dict(signals.snapshot()) == {"a": Signal(2, 1000.0, 1030.0), "b": Signal(3, 1000.0)}
    with pytest.raises(TypeError):
        before["a"] = Signal(9, 0.0)  # type: ignore[index]  # pyright: ignore[reportIndexIssue]


def test_none_takes_a_signal_away(clock: Clock) -> None:
    signals = Signals(clock)
    signals.set("a", 1)
    signals.set("a", None)
    signals.set("never", None)
    assert dict(signals.snapshot()) == {}


def test_signals_of_the_session_leave_with_the_customer(clock: Clock) -> None:
    signals = Signals(clock)
    signals.set("basket.size", 3, session=True)
    signals.set("queue.length", 7)
    signals.end_session()
    assert list(signals.snapshot()) == ["queue.length"]
    assert signals.forget("h-1") == 0
    signals.set("basket.size", 3, session=True)
    assert signals.forget("h-1") == 1


def test_what_is_said_again_for_good_stays_when_the_session_ends(clock: Clock) -> None:
    signals = Signals(clock)
    signals.set("lane", 3, session=True)
    signals.set("lane", 4)
    signals.end_session()
    assert signals.snapshot()["lane"].value == 4


def test_too_many_names_are_refused_until_some_expire(clock: Clock) -> None:
    signals = Signals(clock)
    for number in range(MOST_SIGNALS):
        signals.set(f"n{number}", number, 30)
    with pytest.raises(SignalRefused, match="256 signals"):
        signals.set("one.more", 1)
    signals.set("n0", "new")
    assert signals.snapshot()["n0"].value == "new"
    clock.now += 30
    signals.set("one.more", 1)
    assert set(signals.snapshot()) == {"n0", "one.more"}


@pytest.mark.parametrize(
    ("name", "expires"),
    [("", None), ("x" * (LONGEST_NAME + 1), None), (7, None), ("a", 0), ("a", -1), ("a", float("nan"))],
)
def test_what_can_be_no_signal_is_refused(clock: Clock, name: Any, expires: float | None) -> None:
    signals = Signals(clock)
    with pytest.raises(SignalRefused):
        signals.set(name, 1, expires)
    assert not signals.snapshot()


def test_threads_lose_no_name(clock: Clock) -> None:
    signals = Signals(clock)

    def set_some(first: int) -> None:
        for number in range(first, first + 60):
            signals.set(f"n{number}", number)

    threads = [Thread(target=set_some, args=(first,)) for first in (0, 60, 120, 180)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {signal.value for signal in signals.snapshot().values()} == set(range(240))
