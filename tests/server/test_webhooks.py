"""Webhooks end to end: a device reports, a receiver on 127.0.0.1 gets it, whatever fails in between."""

from __future__ import annotations

import logging
from dataclasses import replace

import httpx
import pytest

from nearwise_server.app import open_centre
from nearwise_server.scopes import Scope
from nearwise_server.serving import serve_centre_in_thread
from nearwise_server.settings import Settings
from tests.server.conftest import Callers
from tests.server.receivers import is_signed, receiving
from tests.server.triggers import SUBJECT, Clock, channel_to, deliver, event, report, states


def test_it_arrives_through_two_failures_and_a_restart(settings: Settings, database_url: str) -> None:
    clock = Clock()
    settings = replace(settings, database_url=database_url)
    with receiving(500, 503, 204) as receiver:
        centre = open_centre(settings, clock=clock)
        channel = channel_to(centre, receiver.url)
        callers = Callers(centre)
        report(callers, event())
        deliver(centre, clock)
        centre.close()
        clock.now += 5
        centre = open_centre(settings, clock=clock)
        deliver(centre, clock)
        report(Callers(centre), event())
        clock.now += 10
        deliver(centre, clock)
        assert states(centre) == [("sent", 3, None)]
        centre.close()
    assert len(receiver.bodies) == 3
    assert all(
        is_signed(channel.secret, headers, body)
        for headers, body in zip(receiver.headers, receiver.bodies, strict=True)
    )
    assert len({headers["webhook-id"] for headers in receiver.headers}) == 1


def test_a_running_server_delivers_by_itself(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    quick = replace(settings, webhook_first_wait_seconds=0.01, webhook_poll_seconds=0.01)
    centre = open_centre(quick)
    with receiving(500, 204) as receiver, serve_centre_in_thread(centre) as url:
        channel = channel_to(centre, receiver.url)
        callers = Callers(centre)
        headers = {
            "Authorization": f"Bearer {callers.key(Scope.DEVICE)}",
            "Content-Type": "application/vnd.nearwise.batch",
        }
        assert httpx.post(f"{url}/v1/batches", content=callers.batch(0, event()), headers=headers).status_code == 200
        assert receiver.accepted.wait(10)
    again = open_centre(settings)
    assert states(again) == [("sent", 2, None)]
    again.close()
    assert SUBJECT not in caplog.text
    assert channel.secret not in caplog.text
