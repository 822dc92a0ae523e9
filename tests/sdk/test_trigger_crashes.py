"""Triggers whose device dies at any moment, or works in many threads: nothing comes twice, nothing is lost."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep

import pytest

from nearwise import Client, Settings
from nearwise.outbox.sealing import Outbox
from nearwise.testing import MemoryServer
from nearwise.testing.rule_sets import packed_bundle
from nearwise.triggers import Triggers
from nearwise_rules import (
    Action,
)
from tests.sdk.trigger_device import KEY, MINUTE, RULES, Device


class Crash(BaseException):
    """The process dies here."""


class Dying:
    """An outbox that dies before it appends, after it appended, or after that was noted."""

    def __init__(self, outbox: Outbox, moment: str) -> None:
        self._outbox = outbox
        self._moment = moment

    @property
    def place(self) -> tuple[str, int]:
        if self._moment == "while the action is kept":
            raise Crash
        return self._outbox.place

    def since(self, place: tuple[str, int]) -> list[bytes]:
        return self._outbox.since(place)

    def record(self, payload: bytes, noted: Callable[[], None]) -> None:
        def die() -> None:
            if self._moment == "after it is reported":
                raise Crash
            noted()
            raise Crash

        if self._moment == "before it is reported":
            raise Crash
        self._outbox.record(payload, die)


MOMENTS = ("while the action is kept", "before it is reported", "after it is reported", "after that is noted")


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_crash_at_any_moment_repeats_and_loses_nothing(device: Device, moment: str) -> None:
    device.track("cart_updated", basket=["tea"])
    device.triggers.close(0)
    device.clock.now += 30 * MINUTE
    sound, device.outbox = device.outbox, Dying(device.outbox, moment)  # type: ignore[assignment]
    device.triggers = Triggers(str(device.folder), device.clock, lambda: device.outbox)
    device.triggers.wake = lambda: None
    device.triggers.use(device.release)
    with pytest.raises(Crash):
        device.triggers.settle()
    device.outbox = sound
    device.restart()
    (action,) = device.triggers.actions()
    assert [event["id"] for event in device.reports()] == [action.id]
    device.restart()
    assert device.triggers.actions() == []
    assert len(device.reports()) == 1


def test_no_event_is_lost_or_repeated_between_threads(tmp_path: Path) -> None:
    seed = tmp_path / "seed.bundle"
    seed.write_bytes(packed_bundle(RULES))
    heard: list[Action] = []
    with Client(storage=tmp_path / "till", seed=seed, trust=KEY) as client:
        client.on_action(heard.append)

        def customer(number: int) -> None:
            for visit in range(25):
                client.context(f"h-{number}-{visit}").track("basket", 51)

        threads = [threading.Thread(target=customer, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        end = monotonic() + 20
        while len(heard) < 100 and monotonic() < end:
            sleep(0.01)
    assert len({action.subject for action in heard}) == len(heard) == 100
    assert len({action.id for action in heard}) == 100


def killed(storage: Path, seed: Path, mode: str) -> subprocess.Popen[bytes]:
    arguments = [sys.executable, str(Path(__file__).with_name("killed_trigger.py")), str(storage), str(seed), KEY, mode]
    paths = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, env={**os.environ, **paths})


@pytest.fixture
def seed(tmp_path: Path) -> Path:
    path = tmp_path / "seed.bundle"
    path.write_bytes(packed_bundle(RULES))
    return path


def test_a_till_killed_between_due_and_handing_out_hands_out_after_the_restart(
    tmp_path: Path, seed: Path, server: MemoryServer, quick: Settings
) -> None:
    storage = tmp_path / "till"
    till = killed(storage, seed, "before")
    assert till.stdout is not None
    assert till.stdout.read() == b"due\n"
    assert till.wait() == -signal.SIGKILL
    till.stdout.close()
    server.offline = False
    heard: list[Action] = []
    with Client(server, storage=storage, seed=seed, trust=KEY, settings=quick) as client:
        client.on_action(heard.append)
        end = monotonic() + 10
        while not heard and monotonic() < end:
            sleep(0.01)
        client.flush(10)
    reports = [event for event in server.events if event.type == "trigger"]
    assert [event.fields["id"] for event in reports] == [action.id for action in heard]
    assert len(heard) == 1


def test_a_till_killed_at_any_moment_hands_out_nothing_twice_and_reports_all_once(
    tmp_path: Path, seed: Path, server: MemoryServer, quick: Settings
) -> None:
    chance = random.Random(20261125)
    storage = tmp_path / "till"
    handed: list[bytes] = []
    for _ in range(5):
        till = killed(storage, seed, "always")
        assert till.stdout is not None
        lines = [till.stdout.readline() for _ in range(chance.randrange(1, 150))]
        sleep(chance.random() / 200)
        till.send_signal(signal.SIGKILL)
        lines += till.stdout.read().splitlines(keepends=True)
        till.wait()
        till.stdout.close()
        handed += [line.strip() for line in lines if line.endswith(b"\n")]
    with Client(server, storage=storage, seed=seed, trust=KEY, settings=quick) as client:
        rest = client.actions()
        assert client.flush(20) == 0
    ids = [*(line.decode() for line in handed), *(action.id for action in rest)]
    reported = [str(event.fields["id"]) for event in server.events if event.type == "trigger"]
    assert len(set(ids)) == len(ids)
    assert len(set(reported)) == len(reported)
    assert set(ids) <= set(reported)
    assert len(reported) - len(ids) <= 5, "at most the action that was being handed out is lost with each death"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_leaves_the_file_to_its_parent(tmp_path: Path, seed: Path) -> None:
    with Client(storage=tmp_path / "till", seed=seed, trust=KEY) as client:
        client.context("h-1").track("basket", 51)
        client.flush()
        child = os.fork()
        if child == 0:
            good = client.actions() == []
            client.context("h-2").track("basket", 51)
            good = good and [action.subject for action in client.actions()] == ["h-2"]
            with suppress(BaseException):
                client.close(0)
            os._exit(0 if good else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert [action.subject for action in client.actions()] == ["h-1"]
