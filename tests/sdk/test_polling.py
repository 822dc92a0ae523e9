"""Polling: what a server, a proxy or an attacker can answer, and what decides afterwards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nearwise import Response, Source, State, TransportFailed
from nearwise.bundles import Generations
from nearwise.polling import CallFailed, Poller
from nearwise.shelf import Shelf
from nearwise.testing import MemoryServer
from nearwise.testing.rule_sets import packed_bundle
from nearwise_rules import BundleLimits, BundleRefused, Json, Refusal, Trust

RuleSet = Callable[..., dict[str, Json]]
HTML = Response(200, {"content-type": "text/html"}, b"<html>Welcome to our free WiFi</html>")


class Device:
    """A shelf with its poller."""

    def __init__(self, server: MemoryServer, folder: Path, trust: Trust | None = None) -> None:
        trust = trust or Trust.pinned(server.public_key)
        limits = BundleLimits()
        self.shelf = Shelf(trust, limits, Generations(str(folder), trust, limits), lambda: 1_800_000_000.0)
        self.shelf.open(None)
        self.poller = Poller(server, self.shelf, {})

    def value(self) -> Json:
        decide = self.shelf.active.decide
        return decide("offer", {"basket": {"total": 25}}, "h-1", 1_800_000_000.0, "fallback", None).value


@pytest.fixture
def device(server: MemoryServer, tmp_path: Path) -> Device:
    return Device(server, tmp_path)


def paths(server: MemoryServer) -> list[str]:
    return [request.path.split("/")[2] for request in server.requests]


def test_the_first_bundle_comes_whole_and_the_next_poll_is_not_modified(device: Device, server: MemoryServer) -> None:
    assert device.value() == "fallback"
    device.poller.poll()
    assert device.poller.downloaded
    assert device.value() == "10 % off"
    device.poller.poll()
    assert not device.poller.downloaded
    assert paths(server) == ["manifest", "bundles", "manifest"]
    assert server.requests[-1].headers["If-None-Match"].startswith('"1-')


@pytest.mark.parametrize("damage", [None, b"", b"{}"])
def test_a_lost_memory_of_what_was_accepted_lets_nothing_older_in_than_the_generation(
    tmp_path: Path, rule_set: RuleSet, damage: bytes | None
) -> None:
    server = MemoryServer(rule_set())
    server.publish(rule_set("15 % off"))
    Device(server, tmp_path).poller.poll()
    memory = tmp_path / "accepted.json"
    memory.unlink() if damage is None else memory.write_bytes(damage)
    restarted = Device(MemoryServer(rule_set()), tmp_path)
    with pytest.raises(BundleRefused) as refused:
        restarted.poller.poll()
    assert refused.value.reason is Refusal.ROLLBACK
    assert restarted.shelf.version == 2


def large(rule_set: RuleSet, text: str) -> dict[str, Json]:
    fillers: dict[str, Json] = {
        f"filler-{number}": {
            "type": "string",
            "description": f"a flag of its own number {number * 7919} " * 5,
            "variants": {"a": f"value {number * 104729}", "b": ""},
            "default": "a",
        }
        for number in range(40)
    }
    return rule_set(text, **fillers)


def test_a_change_comes_as_a_delta_and_is_kept_whole(server: MemoryServer, tmp_path: Path, rule_set: RuleSet) -> None:
    server.publish(large(rule_set, "10 % off"))
    device = Device(server, tmp_path)
    device.poller.poll()
    server.publish(large(rule_set, "20 % off"))
    device.poller.poll()
    assert paths(server) == ["manifest", "bundles", "manifest", "deltas"]
    assert device.value() == "20 % off"
    again = Device(server, tmp_path)
    assert (again.shelf.active.source, again.shelf.version, again.value()) == (Source.GENERATION, 3, "20 % off")


def test_a_wrong_delta_costs_a_whole_download_and_nothing_else(
    server: MemoryServer, tmp_path: Path, rule_set: RuleSet
) -> None:
    server.publish(large(rule_set, "10 % off"))
    device = Device(server, tmp_path)
    device.poller.poll()
    server.publish(large(rule_set, "20 % off"))
    server.fail(server.answer, HTML)
    device.poller.poll()
    assert paths(server)[-3:] == ["manifest", "deltas", "bundles"]
    assert device.value() == "20 % off"


def test_old_content_published_again_needs_no_download(device: Device, server: MemoryServer, rule_set: RuleSet) -> None:
    device.poller.poll()
    server.publish(rule_set("20 % off"))
    device.poller.poll()
    server.publish(rule_set())
    device.poller.poll()
    assert (device.shelf.version, device.value()) == (3, "10 % off")
    server.publish(rule_set())
    count = len(server.requests)
    device.poller.poll()
    assert (device.shelf.version, len(server.requests) - count) == (4, 1)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Response(500, {}, b""), CallFailed),
        (Response(429, {"retry-after": "7"}, b""), CallFailed),
        (Response(401, {}, b""), CallFailed),
        (Response(302, {"location": "http://elsewhere"}, b""), CallFailed),
        (Response(304, {}, b""), CallFailed),
        (HTML, BundleRefused),
        (Response(200, {}, b""), BundleRefused),
        (Response(200, {}, b'{"payload": "", "payloadType": "", "signatures": []}'), BundleRefused),
    ],
    ids=["500", "429", "401", "redirect", "304-unasked", "captive-portal", "empty", "unsigned"],
)
def test_a_manifest_that_is_none_is_an_error_and_the_next_poll_succeeds(
    device: Device, server: MemoryServer, answer: Response, error: type[Exception]
) -> None:
    server.fail(answer)
    with pytest.raises(error) as caught:
        device.poller.poll()
    assert device.shelf.state() is State.NOT_READY
    assert getattr(caught.value, "retry_after", None) == answer.headers.get("retry-after")
    device.poller.poll()
    assert device.value() == "10 % off"


@pytest.mark.parametrize("answer", [HTML, Response(200, {}, b""), Response(404, {}, b""), Response(503, {}, b"")])
def test_a_bundle_that_is_none_leaves_the_etag_where_it_was(
    device: Device, server: MemoryServer, answer: Response
) -> None:
    server.fail(server.answer, answer)
    with pytest.raises((BundleRefused, CallFailed)):
        device.poller.poll()
    server.requests.clear()
    device.poller.poll()
    assert "If-None-Match" not in server.requests[0].headers


def test_a_half_bundle_is_fetched_again(device: Device, server: MemoryServer) -> None:
    server.fail(server.answer, lambda request: server.answer(request)._replace(body=server.answer(request).body[:-9]))
    with pytest.raises(BundleRefused):
        device.poller.poll()
    device.poller.poll()
    assert device.value() == "10 % off"


def test_no_network_leaves_everything_as_it_was(device: Device, server: MemoryServer) -> None:
    device.poller.poll()
    server.offline = True
    with pytest.raises(TransportFailed):
        device.poller.poll()
    assert device.value() == "10 % off"


def test_a_server_that_goes_back_to_an_old_version_is_refused(
    device: Device, server: MemoryServer, rule_set: RuleSet
) -> None:
    server.publish(rule_set("20 % off"))
    device.poller.poll()
    server.publish_bytes(packed_bundle(rule_set("1 % off"), version=1))
    with pytest.raises(BundleRefused, match="rollback") as caught:
        device.poller.poll()
    assert caught.value.reason is Refusal.ROLLBACK
    assert device.value() == "20 % off"
    assert "rollback" in (device.shelf.refused or "")


def test_the_memory_of_what_was_accepted_outlives_the_process(
    device: Device, server: MemoryServer, rule_set: RuleSet, tmp_path: Path
) -> None:
    server.publish(rule_set("20 % off"))
    device.poller.poll()
    server.publish_bytes(packed_bundle(rule_set("1 % off"), version=1))
    with pytest.raises(BundleRefused, match="rollback"):
        Device(server, tmp_path).poller.poll()


def test_a_bundle_signed_by_a_stranger_is_refused(server: MemoryServer, tmp_path: Path) -> None:
    device = Device(server, tmp_path, Trust(keys={"00" * 8: bytes(32)}))
    with pytest.raises(BundleRefused, match="unknown_key"):
        device.poller.poll()
    assert device.value() == "fallback"


def test_a_bundle_of_another_environment_is_refused(server: MemoryServer, tmp_path: Path) -> None:
    keys = Trust.pinned(server.public_key).keys
    device = Device(server, tmp_path, Trust(keys=keys, environment="live"))
    with pytest.raises(BundleRefused, match="wrong_scope"):
        device.poller.poll()


def test_a_bundle_whose_golden_cases_fail_here_is_refused_once_and_asked_for_again_when_it_changes(
    device: Device, server: MemoryServer, rule_set: RuleSet
) -> None:
    device.poller.poll()
    case: Json = {
        "name": "regulars",
        "flag": "offer",
        "context": {"basket": {"total": 30}},
        "expect": {"value": "5 % off"},
    }
    server.publish({**rule_set("20 % off"), "cases": [case]})
    with pytest.raises(BundleRefused, match="regulars") as caught:
        device.poller.poll()
    assert caught.value.reason is Refusal.FAILED_CASES
    assert device.value() == "10 % off"
    count = len(server.requests)
    device.poller.poll()
    assert len(server.requests) == count + 1
    assert "regulars" in (device.shelf.refused or "")
    server.publish({**rule_set("5 % off"), "cases": [case]})
    device.poller.poll()
    assert device.value() == "5 % off"
    assert device.shelf.refused is None


def test_a_disk_that_is_full_does_not_keep_a_bundle_from_deciding(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: str, content: bytes, *, durable: bool) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("nearwise.bundles.write_whole", full)
    device.poller.poll()
    assert device.value() == "10 % off"
    assert "No space left" in device.shelf.damaged[0]


def test_a_wrong_or_missing_date_does_not_matter(device: Device, server: MemoryServer) -> None:
    server.fail(lambda request: server.answer(request)._replace(headers={"etag": '"x"', "date": "yesterday"}))
    device.poller.poll()
    assert device.value() == "10 % off"


def test_expiry_by_the_servers_date_is_told(server: MemoryServer, tmp_path: Path, rule_set: RuleSet) -> None:
    server.publish(rule_set("20 % off"), expires=1_790_000_000.0)
    device = Device(server, tmp_path)
    device.poller.poll()
    assert device.shelf.state() is State.STALE
