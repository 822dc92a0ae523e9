"""What devices call: polling, fetching, sending, and everything that is refused on the way."""

from __future__ import annotations

import gzip
import zlib
from typing import cast

import pytest
from starlette.testclient import TestClient

from nearwise_rules import Entry, Trust, apply_delta, encode_batch, open_bundle, open_manifest, read_frame
from nearwise_server.publishing import Publication, trust_of
from nearwise_server.scopes import Scope
from nearwise_server.settings import Settings
from tests.server.conftest import BATCH, NOW, Callers, packed

PROBLEM = "application/problem+json"


@pytest.fixture
def till(callers: Callers) -> TestClient:
    """A device with a key for any name."""
    return callers.client(Scope.DEVICE)


@pytest.fixture
def trust(callers: Callers) -> Trust:
    """What a device pins."""
    return trust_of(callers.centre.signer)


def test_before_anything_is_published_the_manifest_is_a_404_problem(till: TestClient) -> None:
    answer = till.get("/v1/manifest")
    assert (answer.status_code, answer.headers["content-type"]) == (404, PROBLEM)
    assert answer.json()["type"] == "urn:nearwise:problem:nothing_published"


def test_the_manifest_is_signed_and_scoped(callers: Callers, till: TestClient, trust: Trust) -> None:
    published = callers.publish({"layout": {"default": "grid"}})
    answer = till.get("/v1/manifest")
    manifest = open_manifest(answer.content, trust)
    assert (manifest.version, manifest.environment, manifest.root) == (1, "production", published.root)
    assert manifest.issued == NOW
    assert answer.headers["etag"] == f'"1-{published.root[:16]}"'


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
def test_a_poll_that_names_the_tag_gets_304_until_something_new_is_published(
    callers: Callers, till: TestClient, form: str
) -> None:
    callers.publish({"layout": {"default": "grid"}})
    condition = {"If-None-Match": form.format(till.get("/v1/manifest").headers["etag"])}
    unchanged = till.get("/v1/manifest", headers=condition)
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert unchanged.headers["etag"] == till.get("/v1/manifest").headers["etag"]
    callers.publish({"layout": {"default": "list"}})
    assert till.get("/v1/manifest", headers=condition).status_code == (304 if form == "*" else 200)


def test_environments_do_not_see_each_other(callers: Callers, till: TestClient) -> None:
    published = callers.publish({"layout": {"default": "grid"}}, "staging")
    (digest,) = published.names
    for path in ("/v1/manifest", f"/v1/bundles/{published.root}", f"/v1/entries/{digest}"):
        assert till.get(path).status_code == 404
    assert callers.client(Scope.DEVICE, "staging").get("/v1/manifest").status_code == 200


def test_a_bundle_comes_compressed_to_those_who_take_it(callers: Callers, till: TestClient, trust: Trust) -> None:
    root = callers.publish({"layout": {"default": "grid"}}).root
    plain = till.get(f"/v1/bundles/{root}", headers={"Accept-Encoding": "identity"})
    squeezed = till.get(f"/v1/bundles/{root}", headers={"Accept-Encoding": "br;q=0.9, gzip;q=1.0"})
    refused = till.get(f"/v1/bundles/{root}", headers={"Accept-Encoding": "gzip;q=0"})
    assert open_bundle(plain.content, trust).entry("flag", "layout") == b'{"default":"grid"}'
    assert "content-encoding" not in plain.headers
    assert "content-encoding" not in refused.headers
    assert squeezed.headers["content-encoding"] == "gzip"
    assert squeezed.content == plain.content
    assert "immutable" in plain.headers["cache-control"]
    assert plain.headers["vary"] == "Accept-Encoding"


def test_an_older_bundle_can_still_be_fetched(callers: Callers, till: TestClient, trust: Trust) -> None:
    old = callers.publish({"layout": {"default": "grid"}})
    callers.publish({"layout": {"default": "list"}})
    fetched = open_bundle(till.get(f"/v1/bundles/{old.root}").content, trust)
    assert fetched.manifest.version == 1


def test_a_delta_leads_from_one_content_to_the_next(callers: Callers, till: TestClient, trust: Trust) -> None:
    flags: dict[str, object] = {f"f{number}": {"default": "a", "text": "x" * 200} for number in range(40)}
    old = callers.publish(flags)
    new = callers.publish(flags | {"f7": {"default": "b", "text": "x" * 200}})
    answer = till.get(f"/v1/deltas/{old.root}/{new.root}")
    assert len(answer.content) < 1000
    assert apply_delta(old.bundle, answer.content, new.bundle.envelope, trust).manifest.root == new.root
    again = till.get(f"/v1/deltas/{old.root}/{new.root}")
    assert again.content == answer.content


def test_no_delta_means_fetch_the_whole(callers: Callers, till: TestClient) -> None:
    new = callers.publish({"layout": {"default": "grid"}})
    assert till.get(f"/v1/deltas/{'0' * 64}/{new.root}").json()["type"] == "urn:nearwise:problem:no_delta"
    assert till.get("/v1/deltas/short/one").status_code == 404


def test_entries_come_one_by_one_or_many_at_once(callers: Callers, till: TestClient) -> None:
    published = callers.publish({"a": {"n": 1}, "b": {"n": 2}})
    digests = list(published.names)
    one = till.get(f"/v1/entries/{digests[0]}")
    assert (one.status_code, one.content) == (200, b'{"n":1}')
    many = till.post("/v1/entries", json={"digests": [*digests, "0" * 64]})
    assert _entries(many.content) == [("flag", "a", b'{"n":1}'), ("flag", "b", b'{"n":2}')]


def test_an_entry_that_is_no_json_comes_as_what_it_is(callers: Callers, till: TestClient, trust: Trust) -> None:
    vip = Entry("audience", "vip", b"\n\xff\0" * 500)
    publication = Publication(environment="production", published_by="test")
    published = callers.centre.publisher.publish_entries([vip, Entry.of("flag", "a", {"n": 1})], publication)
    one = till.get(f"/v1/entries/{vip.digest}")
    assert (one.content, one.headers["content-type"]) == (vip.body, "application/vnd.nearwise.audience")
    many = till.post("/v1/entries", json={"digests": [vip.digest]})
    assert _entries(many.content) == [tuple(vip)]
    newer = callers.centre.publisher.publish_entries([vip, Entry.of("flag", "a", {"n": 2})], publication)
    delta = till.get(f"/v1/deltas/{published.root}/{newer.root}").content
    assert apply_delta(published.bundle, delta, newer.bundle.envelope, trust).entry("audience", "vip") == vip.body


def _entries(frame: bytes) -> list[tuple[str, str, bytes]]:
    listed = cast("list[tuple[str, str, memoryview[int]]]", read_frame(frame))
    return [(kind, key, bytes(body)) for kind, key, body in listed]


def test_an_entry_of_an_older_version_is_found_in_the_store(callers: Callers, till: TestClient) -> None:
    (digest,) = callers.publish({"a": {"n": 1}}).names
    callers.publish({"b": {"n": 2}})
    assert till.get(f"/v1/entries/{digest}").content == b'{"n":1}'


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b"[" * 100_000, 413),
        (b"[" * 60_000, 413),
        (b'{"digests": {}}', 422),
        (b'{"digests": ["x"]}', 422),
        (b'{"digests": [7]}', 422),
        (b'{"digests": [' + b"0," * 1100 + b"0]}", 413),
    ],
)
def test_a_bad_list_of_digests_is_refused(till: TestClient, content: bytes, status: int) -> None:
    answer = till.post("/v1/entries", content=content)
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM)


def test_a_batch_is_stored_once_and_answered_with_the_high_water_mark(callers: Callers) -> None:
    key = callers.key(Scope.DEVICE)
    first, again = callers.send(callers.batch(0), key), callers.send(callers.batch(0), key)
    later = callers.send(callers.batch(5), key)
    assert first.json() == {
        "device": "till-1",
        "epoch": "ab" * 16,
        "stored": True,
        "duplicate": False,
        "high_water": 2,
        "rejected": [],
        "missing": [],
    }
    assert (again.json()["duplicate"], again.json()["high_water"]) == (True, 2)
    assert (later.json()["high_water"], later.json()["missing"]) == (2, [[3, 4]])


def test_bad_events_are_rejected_alone_and_the_others_are_stored(callers: Callers) -> None:
    good = packed(type="track", at=1, name="sale")
    future_loss = packed(type="loss", at=1, first=0, last=99, count=100, why="full")
    events = (good, b"\xc1", packed(type="nonsense", at=1), future_loss, good)
    answer = callers.send(callers.batch(0, *events), callers.key(Scope.DEVICE)).json()
    assert [rejected["index"] for rejected in answer["rejected"]] == [1, 2, 3]
    assert all(rejected["reason"] for rejected in answer["rejected"])
    assert answer["high_water"] == 4


def test_a_loss_record_settles_what_the_device_dropped(callers: Callers) -> None:
    loss = packed(type="loss", at=1, first=0, last=9, count=10, why="full")
    answer = callers.send(callers.batch(10, loss), callers.key(Scope.DEVICE)).json()
    assert (answer["high_water"], answer["missing"], answer["rejected"]) == (10, [], [])


@pytest.mark.parametrize("content", [b"", b"x", zlib.compress(b"x"), zlib.compress(b"\x80"), gzip.compress(b"x")])
def test_a_batch_that_cannot_be_read_is_refused_whole_with_the_reason(till: TestClient, content: bytes) -> None:
    answer = till.post("/v1/batches", content=content, headers=BATCH)
    assert (answer.status_code, answer.headers["content-type"]) == (422, PROBLEM)
    assert answer.json()["reason"] == "malformed"


def test_a_sequence_beyond_what_can_be_stored_is_refused(callers: Callers) -> None:
    key = callers.key(Scope.DEVICE)
    sealed = zlib.decompress(callers.batch(0))
    far = sealed.replace(b"\xa5first\x00", b"\xa5first\xcf\x7f\xff\xff\xff\xff\xff\xff\xff")
    assert callers.send(zlib.compress(far), key).status_code == 422


def test_size_is_limited_before_and_while_reading_and_when_inflated(callers: Callers) -> None:
    key, limit = callers.key(Scope.DEVICE), callers.centre.settings.batch_bytes
    too_long = callers.send(b"x" * (limit + 1), key)
    assert (too_long.status_code, too_long.json()["limit"]) == (413, limit)
    till = callers.with_key(key)
    chunked = till.post("/v1/batches", content=(b"x" * 65_536 for _ in range(20)), headers=BATCH)
    assert chunked.status_code == 413
    bomb = zlib.compress(bytes(callers.centre.settings.batch_inflated_bytes + 1))
    assert callers.send(bomb, key).status_code == 413
    empty = packed(type="status", at=1)
    many = encode_batch("till-1", "ab" * 16, 0, [empty] * (callers.centre.settings.batch_events + 1))
    assert callers.send(many, key).status_code == 413


def test_another_media_type_or_encoding_is_refused(callers: Callers, till: TestClient) -> None:
    batch = callers.batch(0)
    assert till.post("/v1/batches", content=batch, headers={"Content-Type": "text/plain"}).status_code == 415
    encoded = till.post("/v1/batches", content=batch, headers=BATCH | {"Content-Encoding": "gzip"})
    assert encoded.status_code == 415


def test_a_key_bound_to_a_device_sends_for_that_device_only(callers: Callers) -> None:
    key = callers.key(Scope.DEVICE, device="till-1")
    assert callers.send(callers.batch(0, device="till-1"), key).status_code == 200
    other = callers.send(callers.batch(0, device="till-2"), key)
    assert (other.status_code, other.json()["type"]) == (403, "urn:nearwise:problem:other_device")


class TestFullQueue:
    """A server whose queue holds less than one batch."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return Settings(data=settings.data, queued_bytes=10, retry_after_seconds=7)

    def test_a_full_queue_says_when_to_come_back(self, callers: Callers) -> None:
        answer = callers.send(callers.batch(0), callers.key(Scope.DEVICE))
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")


class TestManyBodies:
    """A server that may hold few bytes of bodies in all."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return Settings(data=settings.data, bodies_bytes=50)

    def test_bodies_beyond_the_common_limit_are_sent_away_and_leave_nothing_behind(self, callers: Callers) -> None:
        key = callers.key(Scope.DEVICE)
        for _ in range(3):
            answer = callers.send(callers.batch(0), key)
            assert (answer.status_code, answer.headers["retry-after"]) == (429, "5")
        assert callers.with_key(key).post("/v1/entries", json={"digests": []}).status_code == 200


@pytest.mark.parametrize("key", ["", "nonsense", "nw1.d000000000000." + "A" * 43])
def test_without_a_good_key_there_is_nothing(callers: Callers, key: str) -> None:
    for method, path in (("GET", "/v1/manifest"), ("POST", "/v1/batches"), ("GET", "/v1/devices")):
        answer = callers.with_key(key).request(method, path)
        assert (answer.status_code, answer.headers["content-type"]) == (401, PROBLEM)
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_key_does_what_its_scope_says(callers: Callers) -> None:
    assert callers.send(callers.batch(0), callers.key(Scope.READ)).status_code == 403
    assert callers.send(callers.batch(0), callers.key(Scope.PUBLISH)).status_code == 403
    for path in ("/v1/bundles", "/v1/devices", "/v1/events", "/v1/summary"):
        assert callers.client(Scope.DEVICE).get(path).status_code == 403
        assert callers.client(Scope.READ).get(path).status_code == 200
        assert callers.client(Scope.PUBLISH).get(path).status_code == (200 if path == "/v1/bundles" else 403)
    assert callers.client(Scope.READ).post("/v1/bundles", json={"files": {}}).status_code == 403
    assert callers.client(Scope.READ).post("/v1/rollback", json={"to": 1}).status_code == 403


def test_a_device_that_polls_is_seen(callers: Callers) -> None:
    callers.publish({"a": {}})
    status = {"Nearwise-Device": "till-9", "Nearwise-Bundle": "1", "Nearwise-SDK": "0.1.0"}
    callers.client(Scope.DEVICE).get("/v1/manifest", headers=status)
    callers.client(Scope.DEVICE).get("/v1/manifest", headers={"Nearwise-Device": "a bad name\t"})
    callers.client(Scope.READ).get("/v1/manifest", headers={"Nearwise-Device": "not-a-device"})
    callers.client(Scope.DEVICE, device="till-3").get("/v1/manifest", headers=status | {"Nearwise-Bundle": "x"})
    listed = callers.client(Scope.READ).get("/v1/devices").json()["devices"]
    seen = [(device["name"], device["bundle_version"], device["sdk"], device["last_seen"]) for device in listed]
    assert seen == [("till-3", None, "0.1.0", int(NOW * 1000)), ("till-9", 1, "0.1.0", int(NOW * 1000))]
