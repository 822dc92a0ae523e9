"""The synchronizer: what is due when, told by a clock that only moves when a test moves it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from nearwise import Response, Sending, Settings, State
from nearwise.commits import Commits
from nearwise.duties import Duties, Report
from nearwise.errors import StorageFailed
from nearwise.events import encode_event
from nearwise.exposures import Exposures
from nearwise.outbox.memory import MemoryLog
from nearwise.outbox.sealing import memory_outbox
from nearwise.shelf import Shelf
from nearwise.sync import Synchronizer
from nearwise.testing import MemoryServer
from nearwise_rules import BundleLimits, Json, Outcome, Reason, Trust
from tests.sdk.conftest import Clock

RuleSet = Callable[..., dict[str, Json]]
SETTINGS = Settings(
    poll_seconds=60,
    send_seconds=5,
    commit_seconds=1,
    summary_seconds=60,
    retry_first_seconds=1,
    retry_most_seconds=300,
    jitter=0,
)


class Machine:
    """The commits and the synchronizer with everything around them, on a clock of their own."""

    def __init__(self, server: MemoryServer | None, clock: Clock) -> None:
        settings = SETTINGS
        self.clock = clock
        trust = None if server is None else Trust.pinned(server.public_key)
        self.shelf = Shelf(trust, BundleLimits(), None, clock)
        self.outbox = memory_outbox(MemoryLog(events=10_000, event_bytes=1024, clock=clock))
        self.exposures = Exposures(self.outbox.append, clock)
        self.report = Report(Sending.OFF if server is None else Sending.ON)
        transport = None if server is None else (lambda: server)
        duties = Duties(settings, self.shelf, self.outbox, self.exposures, "till-07", transport)
        self.sync = Synchronizer(duties, self.report, clock, lambda: 0.5)
        self.commits = Commits(duties, self.report, self.sync.committed, clock)

    def track(self) -> None:
        self.outbox.append(encode_event({"type": "track", "at": 1, "name": "purchase"}), critical=True)

    def run(self, seconds: float) -> None:
        """Let time pass, ticking whenever something is due."""
        end = self.clock.now + seconds
        while self.clock.now < end:
            wait = self.tick()
            self.clock.now = min(end, self.clock.now + max(wait, 0.001))
        self.tick()

    def tick(self) -> float:
        """What either thread would do now, also when the other wakes it."""
        self.sync.tick()
        self.commits.tick()
        return min(self.sync.tick(), self.commits.tick())


@pytest.fixture
def machine(server: MemoryServer, clock: Clock) -> Machine:
    return Machine(server, clock)


def requests(server: MemoryServer, path: str) -> int:
    return sum(request.path.startswith(path) for request in server.requests)


def test_without_a_bundle_the_first_poll_is_at_once_and_then_every_minute(
    machine: Machine, server: MemoryServer
) -> None:
    machine.sync.tick()
    assert machine.shelf.state() is State.READY
    assert machine.sync.tick() == pytest.approx(60)
    machine.run(600)
    assert requests(server, "/v1/manifest") == 11


def test_events_wait_for_others_and_leave_together(machine: Machine, server: MemoryServer) -> None:
    machine.sync.tick()
    machine.track()
    assert machine.tick() == pytest.approx(1)
    machine.run(3)
    machine.track()
    machine.run(2.5)
    assert server.events == []
    machine.run(1)
    assert len(server.events) == 2
    assert requests(server, "/v1/batches") == 1
    assert machine.report.last_sent is not None


def test_with_nothing_to_do_nothing_is_due_but_the_poll(machine: Machine) -> None:
    machine.sync.tick()
    machine.track()
    machine.run(30)
    assert machine.tick() > 25


def test_a_backlog_leaves_in_full_batches_one_after_the_other(machine: Machine, server: MemoryServer) -> None:
    machine.sync.tick()
    for _ in range(2500):
        machine.track()
    machine.run(2)
    assert len(server.events) == 2500
    assert requests(server, "/v1/batches") == 3


def test_failed_sends_back_off_and_keep_the_order(machine: Machine, server: MemoryServer) -> None:
    machine.sync.tick()
    server.offline = True
    for _ in range(10):
        machine.track()
        machine.run(60)
    attempts = requests(server, "/v1/batches")
    assert 5 < attempts < 40
    assert "offline" in (machine.report.last_error or "")
    server.offline = False
    machine.run(400)
    assert [event.sequence for event in server.events] == list(range(10))
    assert machine.outbox.figures().queued == 0


def test_retry_after_of_a_busy_server_is_honoured(machine: Machine, server: MemoryServer) -> None:
    machine.sync.tick()
    server.fail(Response(429, {"retry-after": "40"}, b""))
    machine.track()
    machine.run(45)
    assert requests(server, "/v1/batches") == 1
    machine.run(3)
    assert len(server.events) == 1


def test_a_refused_key_stops_sending_until_a_poll_succeeds(machine: Machine, server: MemoryServer) -> None:
    machine.sync.tick()
    server.fail(401)
    machine.track()
    machine.run(10)
    assert machine.report.sending.value == "stopped"
    machine.track()
    machine.run(20)
    assert requests(server, "/v1/batches") == 1
    machine.run(40)
    assert machine.report.sending.value == "on"
    assert len(server.events) == 2


def test_an_empty_server_is_asked_again_at_the_usual_pace(clock: Clock) -> None:
    server = MemoryServer()
    machine = Machine(server, clock)
    machine.run(300)
    assert requests(server, "/v1/manifest") == 6
    assert "404" in (machine.report.last_error or "")


def test_a_refused_bundle_is_reported_and_polling_goes_on(
    machine: Machine, server: MemoryServer, rule_set: RuleSet
) -> None:
    machine.sync.tick()
    case: Json = {"name": "wrong", "flag": "offer", "expect": {"value": "other"}}
    server.publish({**rule_set(), "cases": [case]})
    machine.run(60)
    assert "wrong" in (machine.report.last_error or "")
    server.publish(rule_set("20 % off"))
    machine.run(60)
    assert machine.shelf.version == 3
    assert machine.report.last_error is None


def test_counted_exposures_leave_once_a_minute(machine: Machine, server: MemoryServer) -> None:
    machine.sync.tick()
    outcome = Outcome("menu", Reason.SPLIT, variant="a", bundle_version=1, exposures="summary")
    from nearwise import Decision

    for _ in range(500):
        machine.exposures.record(Decision((outcome, "x", 1.0, "h", (), None)))
        machine.run(0.1)
    machine.run(70)
    assert [(event.type, event.fields["count"]) for event in server.events] == [("summary", 500)]


def test_a_client_without_a_server_only_commits(clock: Clock) -> None:
    machine = Machine(None, clock)
    machine.track()
    assert machine.tick() == pytest.approx(1)
    machine.run(100)
    assert machine.tick() == float("inf")
    assert machine.outbox.figures().queued == 1


def test_hurrying_sends_at_once(machine: Machine, server: MemoryServer) -> None:
    machine.sync.tick()
    machine.track()
    machine.sync.hurry()
    machine.sync.tick()
    assert len(server.events) == 1


def test_an_error_nobody_thought_of_is_reported_and_survived(machine: Machine, server: MemoryServer) -> None:
    def broken(request: object) -> object:
        raise RuntimeError("surprise")

    server.fail(broken)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    machine.sync.tick()
    assert "surprise" in (machine.report.last_error or "")
    machine.run(10)
    assert machine.shelf.state() is State.READY


def test_a_disk_that_fails_is_told_and_synced_again(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing() -> int:
        raise StorageFailed("the disk failed")

    machine.sync.tick()
    monkeypatch.setattr(machine.outbox, "commit", failing)
    machine.track()
    machine.run(1.5)
    assert "the disk failed" in (machine.report.last_error or "")
    assert machine.commits.tick() <= 1
    monkeypatch.undo()
    machine.run(1.5)
    assert machine.commits.tick() == float("inf")


NOTHING_NEW = [Response(404, {}, b""), Response(304, {}, b""), Response(200, {}, b"not a manifest")]


@pytest.mark.parametrize("answer", NOTHING_NEW, ids=["404", "304", "refused-bundle"])
def test_a_poll_that_brings_nothing_still_says_that_the_key_is_good_again(
    machine: Machine, server: MemoryServer, answer: Response
) -> None:
    machine.sync.tick()
    server.fail(403)
    machine.track()
    machine.run(10)
    assert machine.report.sending is Sending.STOPPED
    server.fail(answer)
    machine.run(51)
    assert machine.report.sending.value == "on"
    assert len(server.events) == 1


def refusal(detail: str, status: int = 403) -> Response:
    problem = {"type": "urn:nearwise:problem:forbidden", "status": status, "detail": detail}
    return Response(status, {"content-type": "application/problem+json"}, json.dumps(problem).encode())


def test_a_refused_key_is_told_in_the_words_of_the_server_and_logged_once_until_it_is_taken_again(
    machine: Machine, server: MemoryServer, caplog: pytest.LogCaptureFixture
) -> None:
    machine.sync.tick()
    words = refusal("this key was made for till-08\n\x1b[2J nw1.d0.secret " + "x" * 1000)
    server.fail(words)
    machine.track()
    machine.run(10)
    told = machine.report.last_error or ""
    assert "403: this key was made for till-08 [2J (key) xxx" in told
    assert told.isprintable()
    assert len(told) < 300
    server.fail(server.answer, words, server.answer, words)  # polls succeed, batches go on being refused
    machine.run(120)
    assert machine.report.sending is Sending.STOPPED
    assert len(caplog.records) == 1
    assert caplog.records[0].name == "nearwise"
    assert caplog.records[0].getMessage().startswith("nearwise.key_refused: batch: ")
    assert "nw1." not in caplog.text
    machine.run(60)
    assert len(server.events) == 1
    server.fail(refusal("revoked", 401), refusal("revoked", 401))
    machine.run(120)
    assert len(caplog.records) == 2
    assert machine.report.last_error is None


@pytest.mark.parametrize("body", [b'{"detail": "log in to our WiFi"}', b"[]", b"[" * 100_000, b"\xff"])
def test_a_refusal_by_something_else_than_the_server_is_not_quoted(
    machine: Machine, server: MemoryServer, body: bytes
) -> None:
    server.fail(Response(403, {}, body))
    machine.sync.tick()
    assert (machine.report.last_error or "").endswith("the server answered 403")
