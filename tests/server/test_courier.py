"""The courier: every delivery is tried until it is sent or dead, through failures, restarts and repetitions."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace

import httpx
import pytest
import respx
from sqlalchemy.exc import OperationalError

from nearwise_server.app import Centre
from nearwise_server.store import Database
from nearwise_server.store.channels import channels_of, remove_channel
from nearwise_server.store.deliveries import (
    State,
    claim_deliveries,
    forget_deliveries,
)
from nearwise_server.webhooks.courier import Courier
from tests.server.conftest import NOW, Callers, packed
from tests.server.receivers import is_signed
from tests.server.triggers import CRM, SUBJECT, Clock, channel_to, deliver, event, report, requests_of, rows, states


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def callers(centre: Centre, clock: Clock) -> Callers:
    """The application, whose clock the test moves."""
    return Callers(replace(centre, clock=clock))


@respx.mock
def test_a_trigger_event_is_handed_to_its_channel_signed(callers: Callers, clock: Clock) -> None:
    channel = channel_to(callers.centre)
    route = respx.post(CRM).mock(return_value=httpx.Response(204))
    report(callers, packed(type="status", at=1), event(payload={"total": 12.4, "näme": "\0"}, bundle=41))
    clock.now += 0.9
    deliver(callers.centre, clock)
    (request,) = requests_of(route)
    assert is_signed(channel.secret, request.headers, request.content)
    assert not is_signed(channel_to(callers.centre, name="other").secret, request.headers, request.content)
    assert request.headers["webhook-timestamp"] == str(int(NOW))
    assert json.loads(request.content) == {
        "type": "trigger.due",
        "timestamp": "2026-11-18T11:06:40.000Z",
        "data": {
            "id": "cart-1",
            "trigger": "abandoned",
            "subject": SUBJECT,
            "payload": {"total": 12.4, "näme": "\0"},
            "environment": "production",
            "device": "till-1",
            "bundle": 41,
        },
    }
    assert states(callers.centre) == [("sent", 1, None)]


@respx.mock
def test_a_batch_that_comes_again_is_delivered_once(callers: Callers, clock: Clock) -> None:
    channel_to(callers.centre)
    route = respx.post(CRM).mock(return_value=httpx.Response(204))
    for _ in range(2):
        report(callers, event())
        report(callers, event(), event())
        deliver(callers.centre, clock)
    assert len(rows(callers.centre)) == 2
    assert len({request.headers["webhook-id"] for request in requests_of(route)}) == route.call_count == 2


@respx.mock
def test_a_delivery_that_was_forgotten_does_not_come_back_with_its_batch(callers: Callers) -> None:
    report(callers, event())
    with callers.centre.database.writing() as connection:
        assert forget_deliveries(connection, ("production", "till-1", "ab" * 16), [0]) == 1
    report(callers, event(), event())
    assert [row.seq for row in rows(callers.centre)] == [1]


@respx.mock
def test_failures_are_tried_again_later_and_later_with_the_same_id(callers: Callers, clock: Clock) -> None:
    channel = channel_to(callers.centre)
    route = respx.post(CRM).mock(side_effect=[httpx.Response(503), TimeoutError(), httpx.Response(200)])
    report(callers, event())
    for wait, calls in ((0, 1), (4.9, 1), (0.1, 2), (9.9, 2), (0.1, 3), (99_999, 3)):
        clock.now += wait
        deliver(callers.centre, clock)
        assert route.call_count == calls
    requests = requests_of(route)
    assert len({request.headers["webhook-id"] for request in requests}) == 1
    assert len({request.headers["webhook-timestamp"] for request in requests}) == 3
    assert len({request.content for request in requests}) == 1
    assert all(is_signed(channel.secret, request.headers, request.content) for request in requests)
    assert states(callers.centre) == [("sent", 3, None)]


@respx.mock
def test_a_receiver_that_never_answers_is_given_up_after_the_time_of_the_setting(
    callers: Callers, clock: Clock
) -> None:
    channel_to(callers.centre)
    respx.post(CRM).mock(return_value=httpx.Response(500))
    report(callers, event())
    while rows(callers.centre)[0].state is State.WAITING:
        clock.now = rows(callers.centre)[0].next_ms / 1000
        deliver(callers.centre, clock)
    assert 68 * 3600 < clock.now - NOW <= 72 * 3600
    assert states(callers.centre) == [("dead", 29, "answered 500; given up")]


@respx.mock
def test_retry_after_holds_the_channel_and_no_other(callers: Callers, clock: Clock) -> None:
    channel_to(callers.centre)
    channel_to(callers.centre, "https://mail.example/", "mail")
    slow = respx.post(CRM).mock(return_value=httpx.Response(429, headers={"Retry-After": "60"}))
    mail = respx.post("https://mail.example/").mock(return_value=httpx.Response(200))
    report(callers, event())

    async def run() -> None:
        courier = Courier(callers.centre.database, callers.centre.settings, clock=clock, jitter=lambda: 0.0)
        await courier.catch_up()
        await asyncio.to_thread(report, callers, event(), event(), event("mail"), first=1)
        await courier.catch_up()
        assert (slow.call_count, mail.call_count) == (1, 1)
        slow.mock(return_value=httpx.Response(200))
        clock.now += 60
        await courier.catch_up()
        await courier.close()

    asyncio.run(run())
    assert [row.state for row in rows(callers.centre)] == [State.SENT] * 4


@respx.mock
def test_a_receiver_that_is_gone_disables_its_channel(
    callers: Callers, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    channel_to(callers.centre)
    route = respx.post(CRM).mock(return_value=httpx.Response(410))
    report(callers, event())
    deliver(callers.centre, clock)
    report(callers, event(), first=1)
    deliver(callers.centre, clock)
    assert route.call_count == 1
    assert states(callers.centre) == [("dead", 1, "answered 410"), ("dead", 0, "the channel is disabled")]
    with callers.centre.database.reading() as connection:
        assert channels_of(connection, "production")[0].disabled_ms == int(NOW * 1000)
    assert "channel crm of production answered 410 and is disabled" in caplog.text


def test_what_names_no_channel_that_exists_is_dead_with_its_reason(callers: Callers, clock: Clock) -> None:
    report(callers, event("crm"), event("crm\0\x1b"), event("x" * 1_024), event(None), event(""))
    deliver(callers.centre, clock)
    assert states(callers.centre) == [("dead", 0, "no channel of this name")] * 3
    assert rows(callers.centre)[1].channel == "crm\ufffd\ufffd"


@respx.mock
def test_many_deliveries_without_a_channel_hold_up_no_others(callers: Callers, clock: Clock) -> None:
    channel_to(callers.centre)
    route = respx.post(CRM).mock(return_value=httpx.Response(200))
    report(callers, *(event("none") for _ in range(200)), event())
    deliver(callers.centre, clock)
    assert route.called
    assert sum(row.state is State.DEAD for row in rows(callers.centre)) == 200


@respx.mock
def test_a_slow_receiver_leaves_places_for_others(callers: Callers, clock: Clock) -> None:
    channel_to(callers.centre)
    channel_to(callers.centre, "https://mail.example/", "mail")
    done = asyncio.Event()
    waiting: list[int] = []

    async def wait(_request: httpx.Request) -> httpx.Response:
        waiting.append(1)
        await done.wait()
        return httpx.Response(200)

    async def run() -> None:
        courier = Courier(callers.centre.database, callers.centre.settings, clock=clock)
        work = asyncio.create_task(courier.catch_up())
        while not mail.called:
            await asyncio.sleep(0)
        assert len(waiting) == callers.centre.settings.webhook_sends // 2
        done.set()
        await work
        await courier.close()

    respx.post(CRM).mock(side_effect=wait)
    mail = respx.post("https://mail.example/").mock(return_value=httpx.Response(200))
    report(callers, *(event() for _ in range(50)), event("mail"))
    asyncio.run(run())
    assert len(waiting) == 50


@respx.mock
def test_a_fault_of_ours_holds_up_nothing(callers: Callers, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    channel_to(callers.centre)
    respx.post(CRM).mock(side_effect=[ZeroDivisionError, httpx.Response(200)])
    report(callers, event(), event())
    deliver(callers.centre, clock, replace(callers.centre.settings, webhook_sends=1))
    assert states(callers.centre) == [("waiting", 1, "failed here: ZeroDivisionError"), ("sent", 1, None)]
    assert SUBJECT not in caplog.text


@respx.mock
def test_a_store_that_refuses_loses_no_outcome(callers: Callers, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    channel_to(callers.centre)
    route = respx.post(CRM).mock(return_value=httpx.Response(200))
    report(callers, event())

    @contextmanager
    def locked(_database: Database) -> Generator[None]:
        raise OperationalError("BEGIN IMMEDIATE", None, Exception("database is locked"))
        yield

    async def run() -> None:
        courier = Courier(callers.centre.database, callers.centre.settings, clock=clock)
        await courier.advance()
        while not route.called:
            await asyncio.sleep(0)
        with monkeypatch.context() as broken:
            broken.setattr(Database, "writing", locked)
            with pytest.raises(OperationalError):
                await courier.catch_up()
        await courier.catch_up()
        await courier.close()

    asyncio.run(run())
    assert (states(callers.centre), route.call_count) == ([("sent", 1, None)], 1)


@respx.mock
def test_what_a_killed_server_had_claimed_is_tried_when_the_claim_has_run_out(callers: Callers, clock: Clock) -> None:
    channel_to(callers.centre)
    route = respx.post(CRM).mock(return_value=httpx.Response(200))
    report(callers, event())
    with callers.centre.database.writing() as connection:
        claim_deliveries(connection, [rows(callers.centre)[0].id], int((NOW + 80) * 1000))
    clock.now += 79
    deliver(callers.centre, clock)
    assert not route.called
    clock.now += 1
    deliver(callers.centre, clock)
    assert states(callers.centre) == [("sent", 2, None)]


@respx.mock
def test_what_is_under_way_when_the_server_stops_is_due_at_once(callers: Callers, clock: Clock) -> None:
    channel_to(callers.centre)
    begun = asyncio.Event()

    async def hang(_request: httpx.Request) -> httpx.Response:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    async def run() -> None:
        courier = Courier(callers.centre.database, callers.centre.settings, clock=clock)
        running = asyncio.create_task(courier.run())
        await begun.wait()
        courier.stop()
        await running

    respx.post(CRM).mock(side_effect=hang)
    report(callers, event())
    asyncio.run(run())
    (row,) = rows(callers.centre)
    assert (row.state, row.last_error, row.next_ms) == (State.WAITING, "interrupted", int(NOW * 1000))


@respx.mock
def test_settled_deliveries_are_swept_after_their_time(callers: Callers, clock: Clock) -> None:
    channel_to(callers.centre)
    respx.post(CRM).mock(return_value=httpx.Response(200))
    report(callers, event())
    deliver(callers.centre, clock)
    clock.now += 30 * 86_400 - 1
    deliver(callers.centre, clock)
    assert len(rows(callers.centre)) == 1
    clock.now += 1
    deliver(callers.centre, clock)
    assert rows(callers.centre) == []


def test_a_channel_that_is_removed_takes_what_waits_with_it(callers: Callers, clock: Clock) -> None:
    channel_to(callers.centre)
    report(callers, event())
    with callers.centre.database.writing() as connection:
        remove_channel(connection, "production", "crm")
    deliver(callers.centre, clock)
    assert states(callers.centre) == [("dead", 0, "no channel of this name")]
