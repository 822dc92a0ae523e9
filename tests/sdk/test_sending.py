"""Sending: what a server can answer to a batch, and what becomes of its events."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nearwise import Request, Response, TransportFailed
from nearwise.events import encode_event
from nearwise.outbox.batches import BatchLimits
from nearwise.outbox.sealing import Outbox, open_outbox
from nearwise.polling import CallFailed, KeyRefused
from nearwise.sending import Sender
from nearwise.testing import MemoryServer


class Till:
    """An outbox with its sender."""

    def __init__(self, server: MemoryServer, folder: Path) -> None:
        self.outbox: Outbox = open_outbox(str(folder), clock=lambda: 1000.0)
        self.sender = Sender(server, self.outbox, "till-07", BatchLimits(), lambda: 1000.0)

    def track(self, name: str) -> None:
        self.outbox.append(encode_event({"type": "track", "at": 1, "name": name}), critical=True)

    def send_all(self) -> None:
        while self.sender.send({}):
            pass


@pytest.fixture
def till(server: MemoryServer, tmp_path: Path) -> Till:
    return Till(server, tmp_path)


def names(server: MemoryServer) -> list[object]:
    return [event.fields["name"] for event in server.events if event.type == "track"]


def test_events_are_stored_and_forgotten(till: Till, server: MemoryServer, tmp_path: Path) -> None:
    till.track("a")
    till.track("b")
    till.send_all()
    assert names(server) == ["a", "b"]
    assert [event.sequence for event in server.events] == [0, 1]
    assert till.outbox.figures().queued == 0
    assert not till.sender.send({})


NOT_STORED = [
    Response(500, {}, b""),
    Response(503, {"retry-after": "30"}, b""),
    Response(429, {}, b""),
    Response(302, {}, b""),
    Response(404, {"content-type": "text/html"}, b"<html>Welcome to our free WiFi</html>"),
    Response(422, {"content-type": "text/html"}, b"<html>Welcome to our free WiFi</html>"),
    Response(413, {}, b'{"type": "about:blank"}'),
    Response(405, {}, b""),
    Response(200, {}, b"<html>Welcome to our free WiFi</html>"),
    Response(200, {}, b""),
    Response(200, {}, b"[]"),
    Response(200, {}, b'{"stored": true}'),
    Response(200, {}, b'{"device": "till-07", "epoch": "another", "stored": true}'),
]


@pytest.mark.parametrize("answer", NOT_STORED, ids=lambda answer: f"{answer.status}-{answer.body[:12].decode()}")
def test_the_same_batch_is_sent_again_until_the_server_says_stored(
    till: Till, server: MemoryServer, answer: Response
) -> None:
    till.track("a")
    for _ in range(5):
        server.fail(answer)
        with pytest.raises(CallFailed):
            till.sender.send({})
        till.track("later")
    till.send_all()
    bodies = [request.body for request in server.requests]
    assert len(set(bodies[:6])) == 1
    assert names(server) == ["a", *["later"] * 5]


def test_a_reply_lost_after_storing_makes_no_duplicate(till: Till, server: MemoryServer) -> None:
    def lose(request: Request) -> Response:
        server.answer(request)
        raise TransportFailed("reset by peer")

    till.track("a")
    server.fail(lose)
    with pytest.raises(TransportFailed):
        till.sender.send({})
    till.track("b")
    till.send_all()
    assert names(server) == ["a", "b"]
    assert server.duplicates == 1


def test_a_restart_between_storing_and_the_reply_makes_no_duplicate(
    till: Till, server: MemoryServer, tmp_path: Path
) -> None:
    def lose(request: Request) -> Response:
        server.answer(request)
        raise TransportFailed("power cut")

    till.track("a")
    server.fail(lose)
    with pytest.raises(TransportFailed):
        till.sender.send({})
    again = Till(server, tmp_path)
    again.track("b")
    again.send_all()
    assert names(server) == ["a", "b"]
    assert server.duplicates == 1


def test_a_lost_cursor_loses_no_event_that_came_after_the_stored_batch(
    till: Till, server: MemoryServer, tmp_path: Path
) -> None:
    till.track("a")
    till.track("b")
    till.send_all()
    till.track("c")
    till.outbox.close()
    (tmp_path / "cursor.json").unlink()
    again = Till(server, tmp_path)
    again.track("d")
    again.send_all()
    assert sorted(map(str, names(server))) == ["a", "b", "c", "d"]


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_keeps_the_events(till: Till, server: MemoryServer, status: int) -> None:
    till.track("a")
    server.fail(status)
    with pytest.raises(KeyRefused):
        till.sender.send({})
    till.send_all()
    assert names(server) == ["a"]


def test_a_batch_too_large_is_halved_until_it_is_taken(till: Till, server: MemoryServer) -> None:
    def at_most_2000_bytes(request: Request) -> Response:
        return Response(413, {}, b"") if len(request.body) > 2000 else server.answer(request)

    noise = [str(number * 7919 % 104729) * 20 for number in range(64)]
    for name in noise:
        till.track(name)
    server.fail(*[at_most_2000_bytes] * 40)
    till.send_all()
    assert names(server) == noise


def test_one_event_that_is_too_large_is_set_aside_and_the_loss_recorded(
    till: Till, server: MemoryServer, tmp_path: Path
) -> None:
    till.track("huge")
    for _ in range(2):
        server.fail(413)
        with pytest.raises(CallFailed):
            till.sender.send({})
    server.fail(413)
    till.send_all()
    assert names(server) == []
    (loss,) = [event for event in server.events if event.type == "loss"]
    assert dict(loss.fields) == {"first": 0, "last": 0, "count": 1, "why": "refused"}
    (letter,) = map(json.loads, (tmp_path / "dead-letters.jsonl").read_text().splitlines())
    assert letter["reason"].startswith("refused with 413")


@pytest.mark.parametrize("status", [400, 422])
def test_a_batch_refused_three_times_is_set_aside_and_does_not_block_the_next(
    till: Till, server: MemoryServer, status: int
) -> None:
    till.track("poison")
    for _ in range(2):
        server.fail(status)
        with pytest.raises(CallFailed):
            till.sender.send({})
    till.track("good")
    server.fail(status)
    till.send_all()
    assert names(server) == ["good"]
    assert till.outbox.figures().dead == 1


@pytest.mark.parametrize("answer", [each for each in NOT_STORED if each.status >= 300])
def test_no_event_is_given_up_for_what_stands_between_the_till_and_the_server(
    till: Till, server: MemoryServer, answer: Response
) -> None:
    till.track("a")
    for _ in range(10):
        server.fail(answer)
        with pytest.raises(CallFailed):
            till.sender.send({})
    till.send_all()
    assert (names(server), till.outbox.figures().dead) == (["a"], 0)


def test_rejected_events_are_set_aside_and_the_rest_is_stored(till: Till, server: MemoryServer, tmp_path: Path) -> None:
    till.track("good")
    till.outbox.append(encode_event({"type": "riddle", "at": 1}))
    till.send_all()
    assert names(server) == ["good"]
    (letter,) = map(json.loads, (tmp_path / "dead-letters.jsonl").read_text().splitlines())
    assert letter["sequence"] == 1
    assert till.outbox.figures().queued == 0


def test_a_batch_says_when_it_was_sent_and_by_whom(till: Till, server: MemoryServer) -> None:
    till.track("a")
    till.sender.send({"Nearwise-Device": "till-07"})
    headers = server.requests[0].headers
    assert headers["Nearwise-Sent"] == "1000000"
    assert headers["Nearwise-Device"] == "till-07"
    assert headers["Content-Type"] == "application/vnd.nearwise.batch"
