"""Subjects on a device: tokens for ids, consent that holds at once, sessions that end, erasure to the last byte."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

import nearwise
from nearwise.outbox.memory import MemoryLog
from nearwise.outbox.sealing import Outbox, memory_outbox
from nearwise.subjects import Holding, Subjects
from nearwise.testing import MemoryServer, client_from
from nearwise.testing.rule_sets import packed_bundle, rule_set_files
from nearwise_rules import Json, Release, Trust, erasure_digest, open_bundle, purposes_mask, subject_token
from tests.sdk.conftest import unpacked, until

KEY = b"a secret of one tenant"
OpenClient = Callable[..., nearwise.Client]
ANNA, BERTA = "h-1042-anna", "h-1043-berta"


def shop(consent: Json = None, join: str = "consented") -> dict[str, Json]:
    """Purchases need `profile` and `measure`, exposures `measure`, all else nothing; the tier needs `personalise`."""
    tier: Json = {"==": [{"var": "customer.tier"}, "gold"]}
    offer: Json = {
        "type": "string",
        "variants": {"coffee": "10 % off", "none": ""},
        "default": "none",
        "rules": [{"when": tier, "serve": "coffee"}],
    }
    return {
        "settings": {"name": "shop", "consent": consent or {"policy": "2026-11"}, "anonymous": {"join": join}},
        "attributes": {
            "customer.tier": {"type": "string", "privacy": "personal", "purposes": ["personalise"]},
            "purchases": {
                "type": "integer",
                "source": "history",
                "history": {"count": "purchase"},
                "purposes": ["profile"],
            },
        },
        "triggers": {"thanks": {"on": "purchase", "wait": "1h", "purposes": ["profile"]}},
        "events": {"purchase": {"purposes": ["profile", "measure"]}, "exposure": {"purposes": ["measure"]}},
        "flags": {"offer": offer},
    }


@pytest.fixture
def server() -> MemoryServer:
    return MemoryServer(shop())


def all_bytes(folder: Path, names: str = "*") -> bytes:
    """What is in the files of a folder, or in those whose name, or whose folder's, is one of these."""
    found = [path for top in sorted(folder.glob(names)) for path in (top, *sorted(top.rglob("*"))) if path.is_file()]
    return b"\n".join(map(_bytes_of, found))


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:  # replaced by a thread of the client since it was listed: it holds nothing any more
        return b""


def holds(folder: Path, names: str, text: bytes) -> bool:
    return text in all_bytes(folder, names)


def names(*events: object) -> list[str]:
    return [getattr(event, "type", "") for event in events]


class Shelves:
    """A holding that keeps a file for each subject, as history does, in a client's place."""

    def __init__(self, folder: Path, rules: dict[str, Json] | None = None) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.calls: list[str] = []
        self.outbox = memory_outbox(MemoryLog(events=1000, event_bytes=1024, clock=lambda: 1000.0))
        self.subjects = Subjects(None, nearwise.Settings(clock=lambda: 1000.0), lambda: self.outbox)
        packed = packed_bundle(rule_set_files(rules or shop()))
        self.subjects.gate.adopt(Release(open_bundle(packed, Trust.pinned(MemoryServer().public_key))))
        self.subjects.hold(
            Holding(
                name="shelves",
                mask=purposes_mask(["store", "profile"]),
                forget=self.forget,
                end_session=lambda: self.calls.append("end"),
                join=self.join,
            )
        )

    def keep(self, owner: str) -> None:
        (self.folder / owner).write_text(f"what {owner} did")

    def forget(self, owner: str) -> int:
        known = (self.folder / owner).exists()
        (self.folder / owner).unlink(missing_ok=True)
        return int(known)

    def join(self, owner: str) -> None:
        self.calls.append(f"join {owner}")

    def consent(self, subject: str | None, **purposes: bool) -> None:
        self.subjects.consent(subject, purposes, None, gpc=False)


def test_consent_holds_with_the_next_decision_and_is_reported() -> None:
    client = client_from(shop())
    visit = client.context(ANNA, {"customer": {"tier": "gold"}})
    assert visit.flag("offer") == ""
    told = client.consent(ANNA, {"personalise": True, "measure": True})
    assert told == nearwise.Consent(("personalise", "measure"), "2026-11", client.now, gpc=False)
    assert client.consent(ANNA) == told
    assert visit.flag("offer") == "10 % off"
    client.consent(ANNA, {"personalise": False}, policy="2026-12")
    assert visit.flag("offer") == ""
    assert client.consent(ANNA).granted == ("measure",)
    mask = purposes_mask(["personalise", "measure"])
    assert [(event["granted"], event["policy"]) for event in client.events] == [(mask, "2026-11"), (16, "2026-12")]


def test_signals_about_a_customer_leave_with_him() -> None:
    rule: Json = {"when": {"==": [{"var": "mood"}, "good"]}, "serve": "on"}
    smile: Json = {"type": "boolean", "variants": {"on": True, "off": False}, "default": "off", "rules": [rule]}
    client = client_from({"attributes": {"mood": {"type": "string", "source": "signal"}}, "flags": {"smile": smile}})
    client.signal("mood", "good", session=True)
    assert client.context().flag("smile") is True
    client.next_customer()
    assert client.context().flag("smile") is False


def test_global_privacy_control_denies_share_whatever_else_is_said() -> None:
    client = client_from(shop({"granted": ["share"]}))
    assert client.consent(ANNA).granted == ("share",)
    told = client.consent(ANNA, {"share": True, "measure": True}, gpc=True)
    assert (told.granted, told.gpc) == (("measure",), True)
    assert client.events[0]["gpc"] is True
    assert client_from(shop({"gpc": False})).consent(ANNA, {"share": True}, gpc=True).granted == ("share",)


@pytest.mark.parametrize(
    ("subject", "purposes", "told"),
    [
        (ANNA, ["measure"], r"purposes are a mapping such as \{'measure': True\}, not \['measure'\]"),
        (ANNA, {"personalize": True}, r"unknown purpose 'personalize' \(did you mean 'personalise'\?\)"),
        (ANNA, {"measure": "yes"}, "granted with True or denied with False, not 'yes'"),
        (1.5, {"measure": True}, "1.5 is no id of a subject"),
        ("x" * 1025, {"measure": True}, "at most 1024 characters"),
    ],
)
def test_what_is_no_consent_is_refused_and_changes_nothing(subject: object, purposes: object, told: str) -> None:
    client = client_from(shop())
    with pytest.raises(nearwise.EventRefused, match=told):
        client.consent(subject, purposes)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert client.events == []


def test_consent_survives_a_restart_and_a_withdrawal_takes_effect_on_what_is_queued(
    tmp_path: Path, open_client: OpenClient, server: MemoryServer
) -> None:
    client = open_client(storage=tmp_path)
    assert client.ready(5)
    client.flush()
    server.offline = True
    client.consent(ANNA, {"store": True, "profile": True, "measure": True})
    client.context(ANNA).track("purchase", 3.5)
    client.context(ANNA).track("door opened")
    client.close(0)
    again = open_client(storage=tmp_path)
    assert again.consent(ANNA).granted == ("store", "profile", "measure")
    again.consent(ANNA, {"measure": False})
    assert b"purchase" not in all_bytes(tmp_path / "outbox")
    server.offline = False
    assert again.flush(10) == 0
    assert [event.fields.get("name") for event in server.events if event.type == "track"] == ["door opened"]


def test_a_holding_loses_what_its_purpose_no_longer_covers(tmp_path: Path) -> None:
    shelves = Shelves(tmp_path)
    shelves.keep(ANNA)
    shelves.consent(ANNA, store=True, profile=True, measure=True)
    shelves.consent(ANNA, measure=False)
    assert (tmp_path / ANNA).exists()
    shelves.consent(ANNA, profile=False)
    assert not (tmp_path / ANNA).exists()


def test_what_is_held_of_a_forgotten_subject_goes_and_is_counted(tmp_path: Path) -> None:
    shelves = Shelves(tmp_path)
    for subject in (ANNA, BERTA):
        shelves.keep(subject)
    shelves.consent(ANNA, store=True)
    assert dict(shelves.subjects.forget(ANNA).erased) == {"consents": 1, "shelves": 1, "events": 1}
    assert [path.name for path in tmp_path.iterdir()] == [BERTA]


def test_a_withdrawal_that_was_interrupted_is_carried_out_before_anything_is_sent(
    tmp_path: Path, open_client: OpenClient, server: MemoryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = open_client(storage=tmp_path)
    assert client.ready(5)
    server.offline = True
    client.consent(ANNA, {"store": True, "profile": True, "measure": True})
    client.context(ANNA).track("purchase", 3.5)

    def failing(_outbox: Outbox, _matches: object) -> int:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Outbox, "redact", failing)
    with pytest.raises(nearwise.StorageFailed, match="Input/output"):
        client.consent(ANNA, {"measure": False})
    assert client.consent(ANNA).granted == ("store", "profile")
    client.close(0)
    monkeypatch.undo()
    server.offline = False
    again = open_client(storage=tmp_path)
    assert again.ready(5)
    assert again.flush(10) == 0
    assert [event.fields["granted"] for event in server.events if event.type == "consent"] == [21, 5]
    assert "track" not in [event.type for event in server.events]


def test_history_of_those_who_do_not_grant_store_is_in_no_file(
    tmp_path: Path, open_client: OpenClient, server: MemoryServer
) -> None:
    client = open_client(storage=tmp_path)
    assert client.ready(5)
    for subject, store in ((ANNA, True), (BERTA, False)):
        client.consent(subject, {"store": store, "profile": True, "measure": True})
        client.context(subject).track("purchase", 1.0)
    client.close()
    assert holds(tmp_path, "history.db*", ANNA.encode())
    assert not holds(tmp_path, "history.db*", BERTA.encode())


def test_a_history_made_again_of_queued_events_leaves_out_what_is_no_longer_granted(
    tmp_path: Path, open_client: OpenClient, server: MemoryServer
) -> None:
    doors: Json = {"type": "integer", "source": "history", "history": {"count": "door"}, "purposes": ["profile"]}
    seen: Json = {
        "type": "boolean",
        "variants": {"on": True, "off": False},
        "default": "off",
        "rules": [{"when": {">": [{"var": "doors"}, 0]}, "serve": "on"}],
    }
    server.publish({"attributes": {"doors": doors}, "flags": {"seen": seen}})
    client = open_client(storage=tmp_path)
    assert client.ready(5)
    server.offline = True
    for subject in (ANNA, BERTA):
        client.consent(subject, {"store": True, "profile": True})
        client.context(subject).track("door")
        assert client.context(subject).flag("seen") is True
    client.consent(ANNA, {"profile": False})
    client.close(0)
    for file in tmp_path.glob("history.db*"):
        file.unlink()
    again = open_client(storage=tmp_path)
    assert again.context(BERTA).flag("seen") is True
    again.consent(ANNA, {"profile": True})
    assert again.context(ANNA).flag("seen") is False


def test_someone_unnamed_is_known_until_the_next_customer(tmp_path: Path) -> None:
    shelves = Shelves(tmp_path)
    shelves.consent(None, profile=True, measure=True)
    shelves.consent(ANNA, profile=True)
    shelves.subjects.next_customer()
    assert shelves.subjects.consented(None).granted == shelves.subjects.consented(ANNA).granted == ()
    assert shelves.calls == ["end"]


def test_a_withdrawal_of_someone_unnamed_leaves_the_events_of_the_customers_before_him() -> None:
    client = client_from(shop())
    client.consent(None, {"profile": True, "measure": True})
    client.context().track("purchase", 1.0)
    client.at(client.now + 60)
    client.next_customer()
    client.consent(None, {"profile": True, "measure": True})
    client.context().track("purchase", 2.0)
    client.consent(None, {"measure": False})
    assert [event["value"] for event in client.events if event["type"] == "track"] == [1.0]


@pytest.mark.parametrize(
    ("policy", "granted", "join", "joined"),
    [
        ("never", True, True, False),
        ("consented", True, True, True),
        ("consented", False, True, False),
        ("consented", True, False, False),
        ("always", False, True, True),
        ("always", False, False, False),
    ],
)
def test_at_sign_in_the_rule_set_says_whether_history_is_joined(
    tmp_path: Path, policy: str, granted: bool, join: bool, joined: bool
) -> None:
    shelves = Shelves(tmp_path, shop(join=policy))
    shelves.consent(ANNA, profile=granted)
    assert shelves.subjects.sign_in(ANNA, join) is joined
    assert shelves.calls == [f"join {ANNA}"] * joined
    events = [unpacked(payload) for payload in shelves.outbox.waiting()]
    assert [event["subject"] for event in events if event["type"] == "join"] == [ANNA] * joined


def test_ids_become_tokens_before_anything_else_sees_them(tmp_path: Path, server: MemoryServer) -> None:
    settings = nearwise.Settings(device="till-07", subject_key=KEY)
    token = subject_token("h-1042", KEY)
    with nearwise.Client(server, trust=server.public_key, storage=tmp_path, settings=settings) as client:
        assert client.ready(5)
        client.consent("h-1042", {"store": True, "profile": True, "measure": True})
        for visit in (
            client.context("h-1042"),
            client.context(subject="h-1042", customer={"tier": "gold"}),
            client.context({"subject": "h-1042", "targetingKey": "h-1042"}),
            client.context(token),
        ):
            assert visit.subject == token
            assert "h-1042" not in repr(visit)
            visit.track("purchase", 1.0)
        assert client.context(None).subject is client.context(1.5).subject is None
        assert client.context(1042).subject == subject_token("1042", KEY)
        assert client.consent(token) == client.consent("h-1042")
        assert client.flush(10) == 0
        assert b"h-1042" not in all_bytes(tmp_path)
    assert {event.subject for event in server.events} == {token}
    assert "secret" not in repr(settings)


def test_a_short_key_is_refused() -> None:
    with pytest.raises(nearwise.SettingsInvalid, match="subject_key must have at least 16 bytes"):
        nearwise.Settings(subject_key=b"short")


@pytest.mark.parametrize("key", [None, KEY])
def test_no_byte_of_a_forgotten_subject_is_in_any_file(
    tmp_path: Path, open_client: OpenClient, server: MemoryServer, key: bytes | None
) -> None:
    settings = nearwise.Settings(device="till-07", subject_key=key, poll_seconds=0.01, jitter=0)
    client = open_client(storage=tmp_path, settings=settings)
    assert client.ready(5)
    server.offline = True
    owner = ANNA if key is None else subject_token(ANNA, key)
    for subject in (ANNA, BERTA):
        client.consent(subject, dict.fromkeys(("store", "profile", "personalise", "measure"), True))
        for number in range(50):
            client.context(subject, {"customer": {"tier": "gold"}}).decide("offer").shown()
            client.context(subject).track("purchase", number, card=subject)
    client.context().track("card found", card=ANNA)
    for place in ("outbox", "consents", "history.db", "triggers.db"):
        until(partial(holds, tmp_path, f"{place}*", owner.encode()))
    erasure = client.forget(ANNA)
    assert owner.encode() not in all_bytes(tmp_path)
    assert ANNA.encode() not in all_bytes(tmp_path)
    assert erasure.erased.items() >= {"consents": 1, "history": 1, "triggers": 1, "events": 102}.items()
    assert erasure.digest == erasure_digest(owner)
    assert client.consent(ANNA) == nearwise.Consent(policy=None)
    server.offline = False
    assert client.flush(10) == 0
    told = [event for event in server.events if event.type == "erasure"]
    assert [(event.fields["id"], event.fields["digest"], event.subject) for event in told] == [
        (erasure.id, erasure.digest, None)
    ]
    assert {event.subject for event in server.events} == {None, BERTA if key is None else subject_token(BERTA, key)}


def test_the_receipt_of_the_server_is_asked_for_and_kept(
    tmp_path: Path, open_client: OpenClient, server: MemoryServer
) -> None:
    client = open_client(storage=tmp_path)
    assert client.ready(5)
    client.consent(ANNA, {"store": True, "profile": True, "measure": True})
    client.context(ANNA).track("purchase", 1.0)
    client.flush(10)
    asked = client.forget(ANNA)
    assert not asked.done
    client.flush(10)
    until(lambda: client.erasures()[0].done)
    (erasure,) = client.erasures()
    assert erasure.receipt == {"id": asked.id, "digest": asked.digest, "status": "done", "events": 2}
    assert {event.subject for event in server.events} == {None}
    client.close()
    again = open_client(storage=tmp_path)
    assert again.erasures() == (erasure,)


def test_an_erasure_that_the_disk_interrupts_is_finished_with_the_next_start(
    tmp_path: Path, open_client: OpenClient, server: MemoryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = open_client(storage=tmp_path)
    assert client.ready(5)
    server.offline = True
    client.consent(ANNA, {"store": True, "profile": True, "measure": True})
    client.context(ANNA).track("purchase", 1.0)

    def failing(_outbox: Outbox, _matches: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Outbox, "redact", failing)
    with pytest.raises(nearwise.StorageFailed, match="No space left"):
        client.forget(ANNA)
    client.close(0)
    monkeypatch.undo()
    assert ANNA.encode() in all_bytes(tmp_path)
    server.offline = False
    again = open_client(storage=tmp_path)
    assert again.flush(10) == 0
    assert ANNA.encode() not in all_bytes(tmp_path)
    assert ANNA not in {event.subject for event in server.events}
    assert names(*server.events) == ["erasure"]


def test_nothing_is_sent_while_the_disk_keeps_a_subject_from_being_forgotten(
    tmp_path: Path, open_client: OpenClient, server: MemoryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = open_client(storage=tmp_path)
    assert client.ready(5)
    server.offline = True
    client.consent(ANNA, {"store": True, "profile": True, "measure": True})

    def failing(_outbox: Outbox, _matches: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Outbox, "redact", failing)
    with pytest.raises(nearwise.StorageFailed):
        client.forget(ANNA)
    server.offline = False
    assert client.flush(0.1) == 1
    assert server.events == []
    monkeypatch.undo()
    assert client.flush(10) == 0
    assert [event.type for event in server.events] == ["erasure"]


@pytest.mark.parametrize("call", ["forget", "sign_in"])
def test_nobody_cannot_be_forgotten_or_sign_in(call: str) -> None:
    with pytest.raises(nearwise.EventRefused, match=f"{call} needs the id of a subject"):
        getattr(client_from(shop()), call)(None)


def test_a_short_id_is_only_looked_for_as_the_subject() -> None:
    client = client_from(shop())
    client.context("7").track("door opened", side="left")
    client.context("8").track("door opened", side="7")
    client.forget("7")
    assert [event["subject"] for event in client.events if event["type"] == "track"] == ["8"]


def test_a_closed_client_changes_nothing(tmp_path: Path) -> None:
    client = nearwise.Client(storage=tmp_path)
    client.close()
    with pytest.raises(nearwise.ClientClosed):
        client.forget(ANNA)
    with pytest.raises(nearwise.ClientClosed):
        client.consent(ANNA, {"store": True})
    with pytest.raises(nearwise.ClientClosed):
        client.sign_in(ANNA)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="fork")
def test_a_forked_child_knows_what_was_said_and_leaves_the_files_alone(tmp_path: Path) -> None:
    client = nearwise.Client(storage=tmp_path)
    client.consent(ANNA, {"store": True, "measure": True})
    before = (tmp_path / "consents").read_bytes()
    child = os.fork()
    if child == 0:
        client.consent(BERTA, {"store": True})
        os._exit(client.consent(ANNA).granted != ("store", "measure"))
    assert os.waitpid(child, 0)[1] == 0
    assert (tmp_path / "consents").read_bytes() == before
    client.close()


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_a_till_killed_while_it_forgets_has_forgotten_after_the_next_start(
    tmp_path: Path, quick: nearwise.Settings
) -> None:
    chance = random.Random(20261122)
    seed = tmp_path / "seed.bundle"
    flag: Json = {"type": "boolean", "variants": {"on": True}, "default": "on"}
    seed.write_bytes(packed_bundle(rule_set_files({"flags": {"offer": flag}})))
    paths = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    script = str(Path(__file__).with_name("killed_forgetting.py"))
    for attempt in range(4):
        storage = tmp_path / f"till-{attempt}"
        arguments = [sys.executable, script, str(storage), str(seed), MemoryServer().public_key]
        till = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **paths})
        assert till.stdout is not None
        assert till.stdout.readline() == b"begins\n"
        time.sleep(chance.uniform(0, 0.04))
        till.send_signal(signal.SIGKILL)
        till.communicate()
        server = MemoryServer()
        with nearwise.Client(server, storage=storage, seed=seed, trust=server.public_key, settings=quick) as again:
            assert again.flush(10) == 0
            begun = len(again.erasures())
        stored = Counter(event.subject for event in server.events)
        assert (stored[ANNA], stored[BERTA]) == (0 if begun else 411, 410)
        # One that was interrupted after its event was written is carried out, and told, twice under one id.
        assert len({event.fields["id"] for event in server.events if event.type == "erasure"}) == begun
        assert (ANNA.encode() in all_bytes(storage)) is not bool(begun)
