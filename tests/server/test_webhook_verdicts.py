"""What the outcome of a try means for its delivery: sent, again and when, or dead."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearwise_server.settings import Settings
from nearwise_server.store.deliveries import State
from nearwise_server.webhooks.posting import Answer, Failure
from nearwise_server.webhooks.verdicts import Judge
from tests.server.webhook_rows import NOW_MS, ROW

JUDGE = Judge(Settings(data="x"))


@pytest.mark.parametrize(
    ("outcome", "state", "error"),
    [
        (Answer(200), State.SENT, None),
        (Answer(204), State.SENT, None),
        (Answer(301), State.DEAD, "answered 301"),
        (Answer(400), State.DEAD, "answered 400"),
        (Answer(401), State.DEAD, "answered 401"),
        (Answer(410), State.DEAD, "answered 410"),
        (Answer(408), State.WAITING, "answered 408"),
        (Answer(429), State.WAITING, "answered 429"),
        (Answer(500), State.WAITING, "answered 500"),
        (Answer(599), State.WAITING, "answered 599"),
        (Failure("no answer within 20 s"), State.WAITING, "no answer within 20 s"),
        (Failure("no public address", final=True), State.DEAD, "no public address"),
    ],
)
def test_what_an_outcome_makes_of_a_delivery(outcome: Answer | Failure, state: State, error: str | None) -> None:
    verdict = JUDGE.judge(ROW, outcome, NOW_MS, 0.5)
    assert (verdict.settlement.state, verdict.settlement.last_error) == (state, error)
    assert verdict.gone is (outcome == Answer(410))


@pytest.mark.parametrize(
    ("tries", "most_seconds"), [(0, 5), (1, 10), (5, 160), (11, 10_240), (12, 14_400), (9_999, 14_400)]
)
def test_waits_double_up_to_the_longest_with_full_jitter(tries: int, most_seconds: int) -> None:
    row = replace(ROW, tries=tries)
    for jitter in (0.0, 0.25, 1.0):
        settlement = JUDGE.judge(row, Answer(503), NOW_MS, jitter).settlement
        assert settlement.next_ms - NOW_MS == int(most_seconds * jitter * 1000)


def test_a_delivery_is_given_up_when_its_time_is_over() -> None:
    last = JUDGE.judge(replace(ROW, until_ms=NOW_MS + 5_000), Answer(503), NOW_MS, 1.0).settlement
    over = JUDGE.judge(replace(ROW, until_ms=NOW_MS + 4_999), Answer(503), NOW_MS, 1.0).settlement
    assert (last.state, last.last_error) == (State.WAITING, "answered 503")
    assert (over.state, over.last_error) == (State.DEAD, "answered 503; given up")


@pytest.mark.parametrize(
    ("text", "wait_seconds"),
    [
        ("120", 120),
        (" 0 ", 0),
        ("99999999999", 14_400),
        (format_datetime(datetime.fromtimestamp(NOW_MS / 1000 + 90, UTC), usegmt=True), 90),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("Wed, 21 Oct 9999 07:28:00 -0000", 14_400),
    ],
)
def test_retry_after_is_honoured_up_to_the_longest_wait(text: str, wait_seconds: int) -> None:
    verdict = JUDGE.judge(ROW, Answer(429, text), NOW_MS, 0.0)
    assert verdict.settlement.next_ms - NOW_MS == wait_seconds * 1000
    assert verdict.held_ms == (verdict.settlement.next_ms if wait_seconds else 0)
    assert JUDGE.judge(ROW, Answer(500, text), NOW_MS, 0.0).held_ms == 0


@given(st.text(), st.integers(0, 100), st.integers(0, 2**45), st.floats(0, 1))
def test_no_header_of_a_receiver_is_too_strange(text: str, tries: int, now_ms: int, jitter: float) -> None:
    row = replace(ROW, tries=tries, until_ms=2**50)
    settlement = JUDGE.judge(row, Answer(503, text), now_ms, jitter).settlement
    assert 0 <= settlement.next_ms - now_ms <= 14_405_000
