"""Triggers on a device: actions come once, outlive restarts, are reported once, and can be forgotten."""

from __future__ import annotations

import threading
from pathlib import Path
from timeit import repeat

from nearwise import Client, Settings
from nearwise.actions import Actions, Told
from nearwise.outbox.sealing import open_outbox
from nearwise.testing import MemoryServer, client_from
from nearwise.testing.rule_sets import packed_bundle
from nearwise.trigger_store import TriggerStore
from nearwise_rules import (
    Action,
    Json,
    TriggerEvent,
    owner_of,
)
from tests.sdk.conftest import Clock
from tests.sdk.trigger_device import CART_LEFT, KEY, MINUTE, NOW, RULES, Device, release_of


def test_a_test_sees_actions_by_setting_the_clock() -> None:
    with client_from(RULES, now="2026-11-23T08:00") as client:
        visit = client.context("h-1042", card="c-9")
        visit.track("cart_updated", 12.4, basket=["tea"])
        assert client.actions() == []
        assert client.status.triggers.waiting == 1
        client.at("2026-11-23T08:30")
        (action,) = client.actions()
        assert (action.trigger, action.subject, action.channel) == ("cart-left", "h-1042", "push")
        assert action.payload == {"basket": ["tea"], "card": "c-9"}
        assert client.actions() == []
        assert client.events[1:] == [
            {
                "type": "trigger",
                "at": int(action.at * 1000),
                "subject": "h-1042",
                "bundle": 1,
                "trigger": "cart-left",
                "id": action.id,
                "payload": {"basket": ["tea"], "card": "c-9"},
                "channel": "push",
            }
        ]


def test_a_test_hears_of_actions_by_a_callback_at_once() -> None:
    heard: list[Action] = []
    with client_from(RULES) as client:
        client.on_action(heard.append)
        client.context().track("basket", 51)
        assert [(action.trigger, action.subject) for action in heard] == [("now", None)]
        client.context("h-1").decide("offer").shown()
        assert [(action.trigger, action.channel) for action in heard[1:]] == [("seen", "tea")]
        client.on_action(None)
        client.context().track("basket", 52)
        assert len(heard) == 2
        assert len(client.actions()) == 1


def test_items_that_are_shown_are_heard_with_what_they_are() -> None:
    rules: dict[str, Json] = {
        "nearwise.json": {"name": "shop"},
        "offers/tea.json": {"content": {"title": "Tea"}, "tags": ["hot"], "value": 1},
        "placements/hero.json": {
            "candidates": {"tags": ["hot"]},
            "policies": {"first": {"score": {"value": True}}},
            "blank": True,
        },
        "triggers/seen.json": {"on": "exposure", "payload": {"what": {"var": "event.properties"}}},
    }
    with client_from(rules) as client:
        client.context("h-1").decide("hero").shown()
        (action,) = client.actions()
        what = {"offer": "tea", "placement": "hero", "tag": ["hot"], "flag": "hero", "variant": "first"}
        assert (action.subject, action.payload) == ("h-1", {"what": what})


def test_a_callback_that_raises_is_told_and_the_next_action_comes() -> None:
    heard: list[float] = []

    def callback(action: Action) -> None:
        heard.append(action.at)
        raise RuntimeError("no printer")

    with client_from(RULES) as client:
        client.on_action(callback)
        client.context().track("basket", 51)
        client.context().track("basket", 51)
        assert len(heard) == 2
        assert client.status.triggers.problem == "the callback raised RuntimeError: no printer"


def test_a_callback_may_track_and_poll() -> None:
    heard: list[str] = []
    with client_from(RULES) as client:

        def callback(action: Action) -> None:
            heard.append(action.trigger)
            if action.trigger == "seen":
                client.context("h-2").track("basket", 60)
                assert client.actions() != []
                client.context("h-2").track("basket", 60)

        client.on_action(callback)
        client.context("h-2").decide("offer").shown()
        assert heard == ["seen", "now"]


def test_a_callback_may_close_the_client(tmp_path: Path) -> None:
    seed = tmp_path / "seed.bundle"
    seed.write_bytes(packed_bundle(RULES))
    closed = threading.Event()
    client = Client(storage=tmp_path / "till", seed=seed, trust=KEY)

    def callback(_action: Action) -> None:
        client.close(0)
        closed.set()

    client.on_action(callback)
    client.context("h-1").track("basket", 51)
    assert closed.wait(10)
    with Client(storage=tmp_path / "till", seed=seed, trust=KEY) as again:
        assert again.actions() == []


def test_the_thread_hands_out_and_the_server_hears_once(server: MemoryServer, quick: Settings, tmp_path: Path) -> None:
    server.publish({**RULES, "triggers": {"soon": {"on": "a", "wait": "1s", "payload": {"n": 1}}}})
    heard: list[Action] = []
    called = threading.Event()

    def callback(action: Action) -> None:
        heard.append(action)
        called.set()

    with Client(server, trust=server.public_key, storage=tmp_path / "till", settings=quick) as client:
        assert client.ready(10)
        client.on_action(callback)
        client.context("h-1").track("a")
        assert called.wait(10)
        assert client.flush(10) == 0
    reports = [event for event in server.events if event.type == "trigger"]
    assert [(event.subject, event.fields["id"], event.bundle) for event in reports] == [("h-1", heard[0].id, 2)]
    assert reports[0].fields["payload"] == {"n": 1}


def test_a_wait_goes_on_over_a_restart(device: Device) -> None:
    device.track("cart_updated", basket=["tea"])
    device.restart()
    device.clock.now += 29 * MINUTE
    assert device.triggers.actions() == []
    device.clock.now += 5 * 60 * MINUTE
    (action,) = device.triggers.actions()
    assert action.payload == {"basket": ["tea"], "card": "c-9"}
    device.restart()
    assert device.triggers.actions() == []
    device.track("cart_updated")
    device.clock.now += 31 * MINUTE
    assert device.triggers.actions() == []
    assert device.triggers.figures().dropped == {"cooldown": 1}
    assert len(device.reports()) == 1


def test_a_wait_that_ended_long_before_the_restart_is_dropped(device: Device) -> None:
    device.track("cart_updated")
    device.restart()
    device.clock.now += 3 * 24 * 60 * MINUTE
    assert device.triggers.actions() == []
    assert device.triggers.figures().dropped == {"expired": 1}


def test_a_clock_that_goes_back_loses_no_wait(device: Device) -> None:
    device.track("cart_updated")
    device.triggers.settle()
    device.clock.now -= 900
    assert device.triggers.actions() == []
    device.clock.now += 29 * MINUTE
    assert device.triggers.actions() == []
    device.clock.now += MINUTE
    assert len(device.triggers.actions()) == 1


def test_actions_that_nobody_took_outlive_a_restart_until_they_expire(device: Device) -> None:
    device.track("basket", 51)
    device.track("basket", 52, "h-2")
    device.triggers.settle()
    device.restart()
    assert device.triggers.figures().actions == 2
    assert [action.subject for action in device.triggers.actions()] == ["h-1", "h-2"]
    device.track("basket", 53)
    device.restart()
    device.clock.now += 25 * 60 * MINUTE
    assert device.triggers.actions() == []
    assert device.triggers.figures().dropped == {"expired": 1}
    assert len(device.reports()) == 3


def test_one_batch_of_events_is_one_story(device: Device) -> None:
    device.track("cart_updated")
    device.clock.now += 10 * MINUTE
    device.track("purchase")
    device.track("cart_updated", subject="h-2")
    device.clock.now += 60 * MINUTE
    assert [action.subject for action in device.triggers.actions()] == ["h-2"]


def test_subjects_are_told_apart_and_nobody_in_particular_is_one(device: Device) -> None:
    for subject in ("h-1", "h-2", None, 7):
        device.track("cart_updated", subject=subject)
    device.track("purchase", subject=None)
    device.clock.now += 30 * MINUTE
    assert sorted(str(action.subject) for action in device.triggers.actions()) == ["7", "h-1", "h-2"]


def test_a_new_bundle_goes_on_with_what_waits(device: Device) -> None:
    device.track("cart_updated", basket=["tea"])
    device.triggers.settle()
    changed: dict[str, Json] = {**CART_LEFT, "channel": "mail"}
    device.triggers.use(release_of({"triggers": {"cart-left": changed}}))
    device.clock.now += 30 * MINUTE
    (action,) = device.triggers.actions()
    assert (action.channel, action.payload["basket"]) == ("mail", ["tea"])


def test_events_heard_under_two_bundles_are_worked_on_by_their_own(device: Device) -> None:
    device.track("basket", 51)
    device.triggers.use(release_of({"triggers": {"now": {**NOW, "payload": {"text": "New"}}}}))
    device.track("basket", 51)
    assert [action.payload["text"] for action in device.triggers.actions()] == ["Wow", "New"]


def test_without_a_bundle_everything_waits(device: Device) -> None:
    device.track("cart_updated")
    device.track("basket", 51)
    device.restart()
    device.triggers.use(None)
    device.track("basket", 51)
    device.clock.now += 30 * MINUTE
    assert device.triggers.actions() == []
    assert device.triggers.tick() == 60.0
    device.triggers.use(device.release)
    assert [action.trigger for action in device.triggers.actions()] == ["now", "cart-left"]


def test_a_trigger_that_left_the_bundle_drops_what_waits(device: Device) -> None:
    device.track("cart_updated")
    device.triggers.settle()
    device.triggers.use(release_of({"triggers": {}}))
    device.track("purchase")
    device.clock.now += 30 * MINUTE
    assert device.triggers.actions() == []
    assert device.triggers.figures()[:3] == (0, 0, {"removed": 1})


def test_consent_is_asked_when_an_event_is_heard_and_again_when_an_action_is_taken(device: Device) -> None:
    rules: dict[str, Json] = {"triggers": {"now": {**NOW, "purposes": ["personalise"]}}}
    refused, granted = release_of(rules), release_of(rules, granted=0b1000)
    device.triggers.use(refused)
    device.track("basket", 51)
    assert device.triggers.actions() == []
    device.triggers.use(granted)
    device.track("basket", 51)
    device.triggers.settle()
    device.triggers.use(refused)
    assert device.triggers.actions() == []
    assert device.triggers.figures().dropped == {"consent": 1}


def test_values_that_cannot_be_used_are_told_and_nothing_raises(device: Device) -> None:
    device.track("cart_updated", basket=object())
    device.track("basket", float("nan"))
    assert device.triggers.actions() == []
    problem = device.triggers.figures().problem
    assert problem is not None
    assert "cart-left" in problem
    assert "BAD_VALUE" in problem


def folder_bytes(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("triggers.db*")) if path.is_file())


def test_what_is_forgotten_leaves_no_byte(device: Device) -> None:
    for number in range(200):
        device.track("cart_updated", subject=f"h-{number}", basket=[f"secret-{number}", "x" * 500])
        device.track("basket", 51, f"h-{number}")
    device.triggers.settle()
    device.track("cart_updated", subject="h-77", basket=["secret-77"])
    assert b"h-77" in folder_bytes(device.folder)
    device.triggers.forget("h-77")
    left = folder_bytes(device.folder)
    assert b"h-77" not in left
    assert b"secret-77" not in left
    assert b"h-78" in left
    device.clock.now += 30 * MINUTE
    subjects = [action.subject for action in device.triggers.actions()]
    assert len(subjects) == 2 * 199
    assert "h-77" not in subjects


def test_forgetting_without_any_trigger_makes_no_file(device: Device) -> None:
    device.triggers.forget("h-1")
    assert not list(device.folder.glob("triggers*"))


def test_after_being_forgotten_a_subject_gets_new_names_for_actions(device: Device) -> None:
    device.track("basket", 51)
    (first,) = device.triggers.actions()
    device.triggers.forget("h-1")
    device.track("basket", 51)
    (second,) = device.triggers.actions()
    assert first.id != second.id


def test_a_damaged_file_is_set_aside_and_told(device: Device) -> None:
    device.track("cart_updated", subject="h-damaged")
    device.triggers.close(1)
    (device.folder / "triggers.db").write_bytes(b"no database at all" * 100)
    (device.folder / "triggers.db-wal").unlink(missing_ok=True)
    device.start()
    device.track("basket", 51)
    assert len(device.triggers.actions()) == 1
    assert "triggers.db" in device.triggers.damaged[0]
    assert (device.folder / "triggers.db.damaged").exists()
    device.triggers.forget("h-damaged")
    assert not (device.folder / "triggers.db.damaged").exists()


def test_a_disk_that_refuses_costs_nothing_but_time(device: Device) -> None:
    (device.folder / "triggers.db").mkdir()
    device.track("basket", 51)
    assert device.triggers.tick() == 1.0
    assert device.triggers.actions() == []
    assert "OperationalError" in str(device.triggers.report.last_error) or "IsADirectory" in str(
        device.triggers.report.last_error
    )
    (device.folder / "triggers.db").rmdir()
    device.triggers.tick()
    assert device.triggers.report.last_error is None
    assert len(device.triggers.actions()) == 1


def test_a_client_tells_how_its_triggers_fare(tmp_path: Path) -> None:
    seed = tmp_path / "seed.bundle"
    seed.write_bytes(packed_bundle(RULES))
    storage = tmp_path / "till"
    storage.mkdir()
    (storage / "triggers.db").write_bytes(b"x" * 5000)
    with Client(storage=storage, seed=seed, trust=KEY) as client:
        client.context("h-1").track("cart_updated")
        client.flush()
        assert client.status.triggers.waiting == 1
        assert "triggers.db" in client.status.damaged[0]
        assert client.status.last_error is None


def test_actions_are_bounded(tmp_path: Path) -> None:
    store = TriggerStore(None)
    device = Actions(None, Clock(), lambda: open_outbox(str(tmp_path), clock=Clock()))
    release = release_of()
    told = [
        Told(key, owner_of(f"h-{number}"), heard)
        for number in range(1_300)
        for key, heard in release.triggers.heard(TriggerEvent("basket", 51), {}, f"h-{number}", 1000.0)
    ]
    device.step(told, release)
    assert device.counts() == (0, 1_000)
    assert device.tally.dropped == {"crowded": 300}
    assert [action.subject for action in device.take(release, 1)] == ["h-300"]
    store.close()


def test_an_event_without_triggers_costs_less_than_a_microsecond(device: Device) -> None:
    nothing: dict[str, object] = {}
    happened = device.triggers.happened
    happened("h-1", nothing, "heartbeat", None, nothing)
    times = repeat(lambda: happened("h-1", nothing, "heartbeat", None, nothing), number=10_000, repeat=20)
    assert min(times) / 10_000 < 1e-6
