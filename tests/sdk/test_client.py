"""The client as an app meets it: it starts whatever is missing, decides whatever is asked, and loses nothing."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from _thread import LockType
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

import nearwise
from nearwise import (
    Client,
    ClientClosed,
    EventRefused,
    Request,
    Response,
    Sending,
    Settings,
    SettingsInvalid,
    Source,
    State,
    StorageBusy,
)
from nearwise.testing import MemoryServer
from nearwise.testing.rule_sets import packed_bundle, rule_set_files, signer
from nearwise_rules import (
    Entry,
    ErrorCode,
    Json,
    Manifest,
    Reason,
    Release,
    Trust,
    development_signer,
    open_bundle,
    pack_bundle,
    public_key_text,
    seal,
)
from tests.sdk.conftest import until

RuleSet = Callable[..., dict[str, Json]]
OpenClient = Callable[..., Client]
BASKET = {"total": 23.9}
SIGNING_KEY = public_key_text(signer().public_key)


@pytest.fixture
def seed(tmp_path: Path, rule_set: RuleSet) -> Path:
    path = tmp_path / "shop.bundle"
    path.write_bytes(packed_bundle(rule_set("seed")))
    return path


def offer(client: Client, total: float = 23.9) -> Json:
    return client.context("h-1042", basket={"total": total}).flag("offer", "fallback")


def test_the_five_lines_of_the_readme_work(server: MemoryServer, open_client: OpenClient, tmp_path: Path) -> None:
    client = open_client(storage=tmp_path / "till-07")
    assert client.ready(10)
    checkout = client.context(subject="household-1042", basket={"total": 23.9, "categories": ["COFFEE"]})
    decision = checkout.decide("offer", default=None)
    assert decision.value == "10 % off"
    decision.shown()
    checkout.track("redemption", value=1.0, offer=decision.variant)
    assert client.flush(10) == 0
    exposure, redemption = server.events
    assert (exposure.type, exposure.subject, exposure.fields["id"]) == ("exposure", "household-1042", decision.id)
    assert (redemption.fields["name"], redemption.fields["properties"]) == ("redemption", {"offer": "coffee"})


def test_without_anything_everyone_gets_his_default() -> None:
    with Client() as client:
        decision = client.context("h-1").decide("offer", default={"a": 1})
        assert (decision.value, decision.reason, decision.error_code) == (
            {"a": 1},
            Reason.ERROR,
            ErrorCode.PROVIDER_NOT_READY,
        )
        assert (client.status.state, client.status.source) == (State.NOT_READY, Source.DEFAULT)
        decision.shown()
        assert client.status.queued == 0
        assert not client.ready()


def test_a_start_without_a_network_serves_the_newest_generation(
    server: MemoryServer, open_client: OpenClient, tmp_path: Path
) -> None:
    storage = tmp_path / "till"
    client = open_client(storage=storage)
    assert client.ready(10)
    client.close()
    server.offline = True
    again = open_client(storage=storage)
    assert offer(again) == "10 % off"
    status = again.status
    assert (status.source, status.state, status.version) == (Source.GENERATION, State.READY, 1)


def test_a_first_start_without_a_network_serves_the_seed(
    server: MemoryServer, open_client: OpenClient, tmp_path: Path, seed: Path
) -> None:
    server.offline = True
    client = open_client(storage=tmp_path / "till", seed=seed)
    assert offer(client) == "seed"
    assert client.status.source is Source.SEED


def test_a_seed_newer_than_the_generations_goes_before_them(
    server: MemoryServer, open_client: OpenClient, tmp_path: Path, rule_set: RuleSet
) -> None:
    client = open_client(storage=tmp_path / "till")
    assert client.ready(10)
    client.close()
    server.offline = True
    newer = tmp_path / "newer.bundle"
    newer.write_bytes(packed_bundle(rule_set("newer"), version=7))
    again = open_client(storage=tmp_path / "till", seed=newer)
    assert (offer(again), again.status.version) == ("newer", 7)


@pytest.mark.parametrize("content", [None, b"", b"<html></html>", "cut"])
def test_a_seed_that_cannot_be_used_is_told_and_nothing_raises(
    tmp_path: Path, seed: Path, content: bytes | str | None, server: MemoryServer
) -> None:
    if content is None:
        seed.unlink()
    else:
        seed.write_bytes(seed.read_bytes()[:-1] if isinstance(content, str) else content)
    with Client(seed=seed, trust=server.public_key) as client:
        assert offer(client) == "fallback"
        assert str(seed) in client.status.damaged[0]


def test_a_seed_with_settings_of_a_later_version_is_told_and_nothing_raises(tmp_path: Path) -> None:
    signer = development_signer(bytes(32))
    entry = Entry.of("settings", "rule-set", {"name": "shop", "dialect": "of-tomorrow"})
    manifest = Manifest(tenant="t", environment="e", audience="a", version=1, issued=1.0).covering([entry])
    seed = tmp_path / "later.bundle"
    seed.write_bytes(pack_bundle(seal(manifest.to_payload(), [signer]), [entry]))
    with Client(seed=seed, trust=public_key_text(signer.public_key)) as client:
        assert offer(client) == "fallback"
        assert "of-tomorrow" in client.status.damaged[0]


def test_a_new_bundle_decides_in_contexts_that_exist_already(
    server: MemoryServer, open_client: OpenClient, rule_set: RuleSet
) -> None:
    client = open_client()
    assert client.ready(10)
    context = client.context("h-1", basket=BASKET)
    assert context.flag("offer") == "10 % off"
    server.publish(rule_set("20 % off"))
    changed = threading.Event()
    while context.flag("offer") != "20 % off":
        assert not changed.wait(0.005)
    assert client.status.version == 2


def test_all_ways_to_say_a_context_say_the_same(seed: Path, server: MemoryServer) -> None:
    with Client(seed=seed, trust=server.public_key) as client:
        for context in (
            client.context("h-1", basket=BASKET),
            client.context(subject="h-1", basket=BASKET),
            client.context("h-1", {"basket": BASKET}),
            client.context({"subject": "h-1", "basket": BASKET}),
            client.context("h-1", {"basket": {}}, basket=BASKET),
        ):
            decision = context.decide("offer")
            assert (decision.value, decision.subject) == ("seed", "h-1")


class Odd:
    """Refuses whatever is asked of it."""

    def __hash__(self) -> int:
        raise RuntimeError("no hash")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no equality")

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__

    def __bool__(self) -> bool:
        raise RuntimeError("no truth")


ODD: list[Any] = [None, 5, 1.5, b"x", [], {}, set(), object(), Odd(), "a\ud800", float("nan"), 1 << 400]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: type(odd).__name__)
def test_whatever_is_asked_there_is_an_answer(seed: Path, server: MemoryServer, odd: Any) -> None:
    with Client(seed=seed, trust=server.public_key) as client, Client() as empty:
        for each in (client, empty):
            assert each.context("h-1", basket=BASKET).decide(odd, "fallback").value == "fallback"
            for context in (
                each.context(odd),
                each.context("h-1", {"basket": odd}),
                each.context("h", basket={"total": odd}),
            ):
                decision = context.decide("offer", "fallback")
                assert decision.value in ("fallback", "", "seed")
                decision.shown()


def test_an_exposure_is_recorded_once_for_each_decision(seed: Path, server: MemoryServer) -> None:
    with Client(seed=seed, trust=server.public_key) as client:
        context = client.context("h-1", basket=BASKET)
        decision = context.decide("offer")
        for _ in range(5):
            decision.shown()
        assert client.status.queued == 1
        context.decide("offer").shown()
        assert client.status.queued == 2


def test_a_decision_does_not_change(seed: Path, server: MemoryServer) -> None:
    with Client(seed=seed, trust=server.public_key) as client:
        decision = client.context("h-1").decide("offer")
        with pytest.raises(AttributeError):
            decision.extra = 1  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
        with pytest.raises(AttributeError):
            decision.value = 1  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    ("name", "value", "properties"),
    [
        ("", None, {}),
        (None, None, {}),
        (5, None, {}),
        ("x" * 1025, None, {}),
        ("buy", "1", {}),
        ("buy", True, {}),
        ("buy", float("nan"), {}),
        ("buy", None, {"x": object()}),
        ("buy", None, {"x": "y" * 40_000}),
    ],
)
def test_an_event_that_no_server_would_take_is_refused_at_once(name: Any, value: Any, properties: Any) -> None:
    with Client() as client:
        with pytest.raises(EventRefused):
            client.context("h-1").track(name, value, **properties)
        assert client.status.queued == 0


def test_a_closed_client_gives_defaults_and_refuses_events(seed: Path, server: MemoryServer) -> None:
    client = Client(seed=seed, trust=server.public_key)
    context = client.context("h-1", basket=BASKET)
    decision = context.decide("offer")
    client.close()
    client.close()
    assert context.flag("offer", "fallback") == "fallback"
    decision.shown()
    with pytest.raises(ClientClosed):
        context.track("purchase")
    assert client.flush() == 0


def test_closing_takes_no_longer_than_it_may_while_a_call_hangs(server: MemoryServer, quick: Settings) -> None:
    calling, hanging = threading.Event(), threading.Event()

    def hang(_request: Request) -> Response:
        calling.set()
        hanging.wait(30)
        return Response(503, {}, b"")

    server.fail(hang)
    client = Client(server, trust=server.public_key, settings=quick)
    client.context("h-1").track("purchase")
    assert calling.wait(10)
    start = monotonic()
    client.close(1.0)
    assert monotonic() - start < 1.9
    hanging.set()


@pytest.mark.skipif(not hasattr(os, "fdatasync"), reason="this system syncs by another name")
def test_exposures_are_synced_while_a_call_hangs(
    server: MemoryServer, quick: Settings, tmp_path: Path, seed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calling, hanging, synced = threading.Event(), threading.Event(), threading.Event()

    def hang(_request: Request) -> Response:
        calling.set()
        hanging.wait(30)
        return Response(503, {}, b"")

    server.fail(hang, hang)
    client = Client(server, trust=server.public_key, settings=quick, storage=tmp_path / "till", seed=seed)
    assert calling.wait(10)

    def sync(_file: int) -> None:
        synced.set()

    monkeypatch.setattr(os, "fdatasync", sync)
    client.context("h-1", basket=BASKET).decide("offer").shown()
    assert synced.wait(10)
    start = monotonic()
    client.close(0.5)
    assert monotonic() - start < 1.4
    assert not [thread for thread in threading.enumerate() if thread.name == "nearwise-commit"]
    hanging.set()


def test_two_clients_cannot_share_a_folder(tmp_path: Path) -> None:
    with Client(storage=tmp_path), pytest.raises(StorageBusy):
        Client(storage=tmp_path)
    Client(storage=tmp_path).close()


@pytest.mark.parametrize(
    "options",
    [
        {"url": "http://centre.example"},
        {"url": "http://centre.example", "key": "nw1.d0.secret"},
        {"key": "nonsense"},
        {"seed": "shop.bundle"},
        {"trust": "short"},
        {"storage": ""},
        {"seed": "", "trust": SIGNING_KEY},
        {"url": "127.0.0.1:8000", "trust": SIGNING_KEY},
        {"url": "ftp://centre.example", "trust": SIGNING_KEY},
        {"url": "https://", "trust": SIGNING_KEY},
        {"url": "https://?a", "trust": SIGNING_KEY},
        {"url": "https://till:abc", "trust": SIGNING_KEY},
        {"url": "https://centre.example\n", "trust": SIGNING_KEY},
        {"url": b"https://centre.example", "trust": SIGNING_KEY},
        {"storage": b"till"},
        {"storage": "  "},
    ],
    ids=str,
)
def test_arguments_that_cannot_work_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(SettingsInvalid):
        Client(**options)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "https://centre.example/nearwise/", "HTTP://[::1]:8700"])
def test_the_address_of_a_server_is_taken(url: str) -> None:
    Client(url, trust=SIGNING_KEY).close()


def test_an_empty_subject_is_nobody() -> None:
    with Client() as client:
        assert client.context("").subject is None
        assert client.context(subject="", basket={"total": 2}).subject is None
        assert client.context(0).subject == 0


@pytest.mark.parametrize("file", ["consents", "history.db", "triggers.db"])
@pytest.mark.parametrize("is_folder", [False, True])
def test_the_status_names_a_file_that_cannot_be_used(tmp_path: Path, file: str, is_folder: bool) -> None:
    flag: Json = {"type": "boolean", "variants": {"on": True}, "default": "on"}
    trigger: Json = {"on": "cart_updated", "unless": ["purchase"], "wait": "30m"}
    carts: Json = {
        "type": "integer",
        "source": "history",
        "history": {"count": "cart_updated"},
        "purposes": ["profile"],
    }
    settings: Json = {"consent": {"granted": ["profile", "store", "personalise"]}}
    rules = rule_set_files(
        {"settings": settings, "flags": {"f": flag}, "triggers": {"cart-left": trigger}, "attributes": {"carts": carts}}
    )
    seed = tmp_path / "seed.bundle"
    seed.write_bytes(packed_bundle(rules))
    broken = tmp_path / "till" / file
    broken.parent.mkdir()
    broken.mkdir() if is_folder else broken.write_bytes(b"garbage " * 1000)
    with Client(storage=tmp_path / "till", seed=seed, trust=SIGNING_KEY) as client:
        visit = client.context("h-1")
        visit.track("cart_updated", 1)
        assert visit.flag("f") is True
        client.flush(1)
        told = (*client.status.damaged, str(client.status.last_error))
        assert [text for text in told if file in text]


@pytest.fixture
def unplanned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planning ahead fails."""

    def prepare(_release: Release) -> Iterator[str]:
        raise RuntimeError("not today")

    monkeypatch.setattr(Release, "prepare", prepare)


@pytest.mark.usefixtures("unplanned")
def test_a_plan_that_cannot_be_made_ahead_keeps_no_device_from_its_server(
    server: MemoryServer, open_client: OpenClient, seed: Path, rule_set: RuleSet
) -> None:
    server.publish(rule_set("new"))
    client = open_client(seed=seed)
    client.context("h-1").track("purchase", 1)
    until(lambda: offer(client) == "new")
    assert client.flush(10) == 0
    assert client.status.last_error == "planning ahead: RuntimeError: not today"


def test_a_client_that_is_closed_plans_no_more_and_takes_no_bundle(
    open_client: OpenClient, seed: Path, server: MemoryServer, rule_set: RuleSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, steps = threading.Event(), count()

    def endless(_release: Release) -> Iterator[str]:
        begun.set()
        for step in steps:
            yield str(step)

    server.publish(rule_set("new"))
    monkeypatch.setattr(Release, "prepare", endless)
    client = open_client(seed=seed)
    assert begun.wait(10)
    client.close(0.2)
    time.sleep(0.1)
    planned = next(steps)
    time.sleep(0.1)
    assert next(steps) == planned + 1
    assert client.context("h-1", basket=BASKET).decide("offer").reason is Reason.ERROR


def test_a_bundle_takes_over_when_it_is_planned(
    open_client: OpenClient, server: MemoryServer, rule_set: RuleSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    deciding: list[int] = []

    def prepare(release: Release) -> Iterator[str]:
        deciding.append(client.status.version if release.version > 1 else 0)
        yield ""

    client = open_client()
    until(lambda: client.status.version == 1)
    monkeypatch.setattr(Release, "prepare", prepare)
    server.publish(rule_set("new"))
    until(lambda: client.status.version == 2)
    assert deciding == [1]


def test_a_bundle_with_settings_that_cannot_be_read_is_refused_and_the_next_one_taken(
    server: MemoryServer, open_client: OpenClient, rule_set: RuleSet
) -> None:
    client = open_client()
    until(lambda: client.status.version == 1)
    server.publish_bytes(with_settings({"day_parts": {"lunch": "11-14"}}, rule_set("odd")))
    until(lambda: "day parts, holidays or locales" in str(client.status.refused))
    assert client.status.version == 1
    server.publish_bytes(packed_bundle(rule_set("new"), version=8, issued=time.time()))
    until(lambda: offer(client) == "new")


def test_a_generation_that_cannot_be_decided_by_leaves_the_one_before_it(
    server: MemoryServer, open_client: OpenClient, rule_set: RuleSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = open_client(storage=tmp_path / "till")
    until(lambda: client.status.version == 1)

    def read_anything(_settings: object) -> None: ...

    with monkeypatch.context() as patched:  # a later version of the SDK reads these settings
        patched.setattr("nearwise_rules.decide.catalogue.check_settings", read_anything)
        server.publish_bytes(with_settings({"day_parts": {"lunch": "11-14"}}, rule_set("odd")))
        until(lambda: client.status.version == 7)
        client.close()
    server.offline = True
    again = open_client(storage=tmp_path / "till")
    assert (again.status.version, offer(again)) == (1, "10 % off")
    assert [told for told in again.status.damaged if told.startswith("version 7: unsupported_format")]


def with_settings(settings: dict[str, Json], rules: dict[str, Json]) -> bytes:
    """A bundle, version 7, as a later release of the centre might publish it."""
    packed = packed_bundle(rules, version=7, issued=time.time())
    good = open_bundle(packed, Trust.pinned(SIGNING_KEY))
    entries = [
        Entry(each.kind, each.key, json.dumps({**json.loads(each.body), **settings}).encode())
        if each.kind == "settings"
        else each
        for each in good.entries()
    ]
    manifest = good.manifest.covering(entries)
    return pack_bundle(seal(manifest.to_payload(), [signer()]), entries)


def test_no_lock_that_another_thread_holds_goes_along_in_a_fork(tmp_path: Path, seed: Path) -> None:
    client = Client(storage=tmp_path / "till", seed=seed, trust=SIGNING_KEY)
    engine = client._engine  # pyright: ignore[reportPrivateUsage]

    def locks() -> list[LockType]:
        remembering = engine.remembering
        return [engine.subjects.gate._lock, remembering._making, remembering._reserving]  # pyright: ignore[reportPrivateUsage]

    for lock in locks():
        lock.acquire()
    engine.leave_to_parent()
    assert not any(lock.locked() for lock in locks())
    client.close()


def test_several_are_asked_of_one_name_too() -> None:
    with Client() as client:
        assert [decision.flag for decision in client.context().decide_many("hero")] == ["hero"]


def test_events_of_a_client_without_a_network_wait_on_disk(
    server: MemoryServer, open_client: OpenClient, tmp_path: Path
) -> None:
    server.offline = True
    client = open_client(storage=tmp_path / "till")
    for number in range(20):
        client.context("h-1").track("purchase", number)
    assert client.flush(0.05) == 20
    client.close(0)
    server.offline = False
    again = open_client(storage=tmp_path / "till")
    assert again.flush(10) == 0
    assert [event.fields["value"] for event in server.events] == list(range(20))
    assert len({(event.epoch, event.sequence) for event in server.events}) == 20


def test_a_refused_key_is_told(server: MemoryServer, open_client: OpenClient) -> None:
    client = open_client(settings=Settings(send_seconds=0.001, commit_seconds=0.001, poll_seconds=3600))
    assert client.ready(10)
    server.fail(403)
    client.context("h-1").track("purchase")
    client.flush(0.5)
    assert client.status.sending is Sending.STOPPED
    assert "403" in (client.status.last_error or "")
    assert client.status.queued == 1


def test_many_threads_decide_and_track_at_once(server: MemoryServer, open_client: OpenClient, tmp_path: Path) -> None:
    client = open_client(storage=tmp_path / "till")
    assert client.ready(10)

    def visit(number: int) -> None:
        for step in range(100):
            context = client.context(f"h-{number}", basket={"total": 25 + step})
            context.decide("offer").shown()
            if step % 20 == 0:
                context.track("purchase", step)

    threads = [threading.Thread(target=visit, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert client.flush(10) == 0
    assert len(server.events) == 8 * 105
    assert {event.sequence for event in server.events} == set(range(8 * 105))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_leaves_the_folder_to_its_parent_and_sends_its_own_events(
    server: MemoryServer, open_client: OpenClient, tmp_path: Path
) -> None:
    client = open_client(storage=tmp_path / "till")
    assert client.ready(10)
    context = client.context("h-1", basket=BASKET)
    context.track("before")
    child = os.fork()
    if child == 0:
        status = 1
        try:
            good = not client.status.durable and context.flag("offer") == "10 % off"
            context.track("in the child")
            good = good and client.status.queued == 1
            status = 0 if good and client.flush(10) == 0 else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    context.track("after")
    assert client.flush(10) == 0
    assert [event.fields["name"] for event in server.events] == ["before", "after"]


def test_a_process_that_just_ends_sends_its_events_first(tmp_path: Path) -> None:
    code = f"""
import nearwise
client = nearwise.Client(storage={str(tmp_path / "till")!r})
client.context("h-1").track("purchase")
"""
    paths = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    subprocess.run([sys.executable, "-W", "error", "-c", code], env={**os.environ, **paths}, check=True)
    with Client(storage=tmp_path / "till") as client:
        assert client.status.queued == 1


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_a_till_killed_at_any_moment_keeps_every_event_it_was_promised(
    tmp_path: Path, seed: Path, server: MemoryServer, open_client: OpenClient
) -> None:
    chance = random.Random(20261122)
    storage = tmp_path / "till"
    promised = {"s": 0, "t": 0}
    begun = 0
    for _ in range(5):
        begun += 1
        arguments = [sys.executable, str(Path(__file__).with_name("killed_till.py")), str(storage), str(seed)]
        paths = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        till = subprocess.Popen([*arguments, server.public_key], stdout=subprocess.PIPE, env={**os.environ, **paths})
        assert till.stdout is not None
        lines = [till.stdout.readline() for _ in range(chance.randrange(1, 2000))]
        till.send_signal(signal.SIGKILL)
        lines += till.stdout.read().splitlines(keepends=True)
        till.wait()
        till.stdout.close()
        for line in lines:
            promised[line[:1].decode()] += line.endswith(b"\n")
    client = open_client(storage=storage)
    assert client.flush(20) == 0
    stored = [event.type for event in server.events]
    assert promised["s"] <= stored.count("exposure") <= promised["s"] + begun
    assert promised["t"] <= stored.count("track") <= promised["t"] + begun
    assert "loss" not in stored
    assert sorted(event.sequence for event in server.events) == list(range(len(stored)))


def test_importing_nearwise_pulls_in_nothing_heavy() -> None:
    heavy = "httpx ssl cryptography logging zoneinfo asyncio email pydantic yaml nearwise.sync nearwise.testing"
    code = f"import sys, nearwise; print([name for name in {heavy.split()!r} if name in sys.modules])"
    paths = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    found = subprocess.run(
        [sys.executable, "-S", "-c", code], env={**os.environ, **paths}, check=True, capture_output=True, text=True
    )
    assert found.stdout.strip() == "[]"


def test_the_version_is_that_of_the_distribution() -> None:
    from importlib.metadata import version

    assert nearwise.__version__ == version("nearwise")
