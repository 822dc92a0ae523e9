"""Collectors: when each is asked, what becomes of failures, and what a platform made of files tells."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from nearwise import Client, ClientClosed, Settings, SettingsInvalid, SignalRefused
from nearwise.collectors import Collectors
from nearwise.device import Device
from nearwise.signals import MOST_SIGNALS, Signals
from nearwise.testing import MemoryServer, client_from
from nearwise.testing.rule_sets import packed_bundle
from nearwise_rules import DEVICE_SIGNALS, Json
from tests.sdk.conftest import Clock

OpenClient = Callable[..., Client]


class Bench:
    """Collectors on clocks that stand still."""

    def __init__(self, clock: Clock, settings: Settings | None = None) -> None:
        self.clock = clock
        self.signals = Signals(clock)
        self.collectors = Collectors(self.signals, settings or Settings(collect=()), clock)
        self.collectors.wake = lambda: None

    def value(self, name: str) -> object:
        signal = self.signals.snapshot().get(name)
        return None if signal is None or signal.expires <= self.clock.now else signal.value


def rules(name: str, value: Json) -> dict[str, Json]:
    flag: Json = {
        "type": "boolean",
        "variants": {"on": True, "off": False},
        "default": "off",
        "rules": [{"when": {"==": [{"var": name}, value]}, "serve": "on"}],
    }
    return {"attributes": {name: {"type": "boolean", "source": "device"}}, "flags": {"f": flag}}


def wait_for(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_what_an_app_adds_is_asked_again_when_it_is_due(clock: Clock) -> None:
    bench = Bench(clock)
    values = iter([1, 2, 3])
    bench.collectors.add("lane.open", lambda: next(values), 30)
    assert bench.collectors.tick() == 30
    clock.now += 29
    assert bench.collectors.tick() == 1
    assert bench.value("lane.open") == 1
    clock.now += 1
    bench.collectors.tick()
    assert bench.value("lane.open") == 2


def test_with_nothing_to_collect_nothing_is_due(clock: Clock) -> None:
    assert Bench(clock).collectors.tick() == float("inf")


def test_what_raises_is_told_and_leaves_the_signal_missing(clock: Clock) -> None:
    bench = Bench(clock)
    answers: list[object] = [4, ValueError("no printer"), 5]

    def ask() -> object:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    bench.collectors.add("printer.paper", ask, 10)
    for expected, told in [(4, ()), (None, ("printer.paper: ValueError: no printer",)), (5, ())]:
        bench.collectors.tick()
        assert (bench.value("printer.paper"), bench.collectors.failed) == (expected, told)
        clock.now += 10


def test_none_leaves_the_signal_missing(clock: Clock) -> None:
    bench = Bench(clock)
    bench.collectors.add("lane.open", lambda: None, 10)
    bench.collectors.tick()
    assert (bench.value("lane.open"), bench.collectors.failed) == (None, ())


def test_what_takes_long_is_told_and_counts(clock: Clock) -> None:
    bench = Bench(clock)

    def slow() -> int:
        clock.now += 2.5
        return 7

    bench.collectors.add("lane.open", slow, 10)
    assert bench.collectors.tick() == 10
    assert bench.value("lane.open") == 7
    assert bench.collectors.failed == ("lane.open: took 2.5 s, while which nothing was sent",)


def test_what_is_not_asked_for_long_is_missing(clock: Clock) -> None:
    bench = Bench(clock)
    bench.collectors.add("lane.open", lambda: True, 10)
    bench.collectors.tick()
    clock.now += 19
    assert bench.value("lane.open") is True
    clock.now += 1
    assert bench.value("lane.open") is None


def test_an_app_takes_the_place_of_what_the_sdk_collects(clock: Clock) -> None:
    bench = Bench(clock, Settings(collect=("device.os", "device.arch")))
    bench.collectors.add("device.os", lambda: "kiosk", 10)
    bench.collectors.tick()
    assert bench.value("device.os") == "kiosk"
    assert bench.value("device.arch")


def test_only_what_is_switched_on_is_collected(clock: Clock) -> None:
    bench = Bench(clock, Settings(collect=("device.os", "device.app_version"), app_version="2.4.1"))
    bench.collectors.tick()
    bench.collectors.connected(True)
    assert {name: signal.value for name, signal in bench.signals.snapshot().items()} == {
        "device.os": Device().os(),
        "device.app_version": "2.4.1",
    }


def test_every_name_has_a_reader_or_is_told_otherwise() -> None:
    device = Device()
    read = {**device.readers(), **device.changing_readers()}
    assert {*read, "device.app_version", "device.online"} == set(DEVICE_SIGNALS)


@pytest.mark.parametrize("every", [0, 0.01, 86_401, float("nan")])
def test_times_that_cannot_be_are_refused(clock: Clock, every: float) -> None:
    with pytest.raises(SignalRefused, match="is asked every"):
        Bench(clock).collectors.add("a", lambda: 1, every)


def test_too_many_collectors_are_refused(clock: Clock) -> None:
    bench = Bench(clock)
    for number in range(MOST_SIGNALS):
        bench.collectors.add(f"n{number}", lambda: 1, 10)
    bench.collectors.add("n0", lambda: 2, 10)
    with pytest.raises(SignalRefused, match="256 collectors"):
        bench.collectors.add("more", lambda: 1, 10)


def test_what_no_device_tells_cannot_be_switched_on() -> None:
    with pytest.raises(SettingsInvalid, match=r"no device tells 'device.modle' \(did you mean 'device.model'\?\)"):
        Settings(collect=("device.modle",))


def test_whether_the_server_answers_is_a_signal(clock: Clock) -> None:
    bench = Bench(clock, Settings(collect=("device.online",), poll_seconds=60, retry_most_seconds=300))
    bench.collectors.connected(True)
    assert bench.value("device.online") is True
    bench.collectors.connected(False)
    assert bench.value("device.online") is False
    clock.now += 600
    assert bench.value("device.online") is None


def test_a_client_knows_whether_it_is_online(server: MemoryServer, open_client: OpenClient) -> None:
    server.publish(rules("device.online", True))
    client = open_client()
    assert client.ready(10)
    wait_for(lambda: client.context("h-1").flag("f") is True)
    server.offline = True
    wait_for(lambda: client.context("h-1").flag("f") is False)


def test_a_client_asks_the_app_and_tells_what_failed(server: MemoryServer, open_client: OpenClient) -> None:
    server.publish(rules("lane.open", True))
    client = open_client()

    def broken() -> object:
        raise OSError("no printer")

    client.collect("printer.paper", broken, every_seconds=60)
    client.collect("lane.open", lambda: True, every_seconds=60)
    wait_for(lambda: client.context("h-1").flag("f") is True)
    assert client.status.uncollected == ("printer.paper: OSError: no printer",)
    client.close(0)
    with pytest.raises(ClientClosed):
        client.collect("lane.open", lambda: True, every_seconds=60)


def test_a_client_without_server_and_folder_collects_on_a_thread_of_its_own(
    server: MemoryServer, tmp_path: Path
) -> None:
    seed = tmp_path / "rules.bundle"
    seed.write_bytes(packed_bundle(rules("device.cores", True)))
    with Client(seed=seed, trust=server.public_key) as client:
        wait_for(lambda: "device.cores" in client._engine.noticed.signals.snapshot())  # pyright: ignore[reportPrivateUsage]


def test_a_client_for_tests_collects_only_what_the_test_says() -> None:
    with client_from(rules("lane.open", True)) as client:
        assert client.context("h-1").flag("f") is False
        client.collect("lane.open", lambda: True, every_seconds=60)
        wait_for(lambda: client.context("h-1").flag("f") is True)


class Platform:
    """A device made of files."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def supply(self, name: str, **files: str) -> None:
        for file, text in files.items():
            self.write(f"sys/class/power_supply/{name}/{file}", text + "\n")

    def told(self, **environment: str) -> dict[str, object]:
        device = Device(str(self.root), environment)
        readers = {**device.readers(), **device.changing_readers()}
        values = {name.removeprefix("device."): read() for name, read in readers.items()}
        of_this_machine = ("os", "arch", "cores", "memory.mb")
        return {name: value for name, value in values.items() if value is not None and name not in of_this_machine}


@pytest.fixture
def platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Platform:
    monkeypatch.setattr("sys.platform", "linux")
    return Platform(tmp_path)


def test_a_platform_that_tells_nothing_gives_nothing(platform: Platform) -> None:
    assert platform.told() == {}


def test_a_linux_machine_tells_its_version_and_model(platform: Platform) -> None:
    platform.write("etc/os-release", 'NAME="Debian"\nVERSION_ID="12"\n')
    platform.write("sys/devices/virtual/dmi/id/product_name", "To Be Filled By O.E.M.\n")
    platform.write("proc/device-tree/model", "Raspberry Pi 5 Model B\0")
    assert platform.told() == {"os_version": "12", "model": "Raspberry Pi 5 Model B"}
    platform.write("etc/os-release", "VERSION_ID='24.04'\n")
    assert platform.told()["os_version"] == "24.4"


@pytest.mark.parametrize(
    ("environment", "locale"),
    [
        ({"LANG": "de_CH.UTF-8"}, "de-CH"),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "sr_RS@latin"}, "sr-RS"),
        ({"LANG": "de_CH.UTF-8", "LC_MESSAGES": "C"}, None),
        ({"LANG": "C.UTF-8"}, None),
    ],
)
def test_the_environment_tells_the_locale(platform: Platform, environment: dict[str, str], locale: str | None) -> None:
    assert platform.told(**environment).get("locale") == locale


def test_the_zone_is_that_of_the_environment_or_of_the_system(platform: Platform) -> None:
    platform.write("etc/timezone", "Europe/Paris\n")
    assert platform.told() == {"zone": "Europe/Paris"}
    (platform.root / "etc" / "localtime").symlink_to("../usr/share/zoneinfo/Europe/Zurich")
    assert platform.told() == {"zone": "Europe/Zurich"}
    assert platform.told(TZ=":Asia/Tokyo") == {"zone": "Asia/Tokyo"}
    assert platform.told(TZ="CET-1CEST") == {}


def test_the_screen_is_that_of_the_first_connected_display(platform: Platform) -> None:
    for display, status, modes in [("card0-DP-1", "disconnected", ""), ("card0-HDMI-A-1", "connected", "1920x1080")]:
        platform.write(f"sys/class/drm/{display}/status", status + "\n")
        platform.write(f"sys/class/drm/{display}/modes", modes + "\n1280x720\n")
    assert platform.told() == {"screen.width": 1920, "screen.height": 1080}
    platform.write("sys/class/drm/card0-HDMI-A-1/modes", "\n")
    assert platform.told() == {}


def test_power_is_told_where_there_are_supplies(platform: Platform) -> None:
    platform.supply("mouse", type="Battery", scope="Device", capacity="3", status="Discharging")
    assert platform.told() == {}
    platform.supply("AC", type="Mains", online="0")
    assert platform.told() == {"power.plugged": False}
    platform.supply("BAT0", type="Battery", capacity="80", status="Discharging")
    platform.supply("BAT1", type="Battery", capacity="61", status="Unknown")
    assert platform.told() == {"power.plugged": False, "power.percent": 70}
    platform.supply("AC", type="Mains", online="1")
    assert platform.told() == {"power.plugged": True, "power.percent": 70}


def test_a_battery_that_charges_is_plugged(platform: Platform) -> None:
    platform.supply("BAT0", type="Battery", capacity="80", status="Charging")
    assert platform.told() == {"power.plugged": True, "power.percent": 80}


def test_files_that_hold_anything_raise_nothing(platform: Platform) -> None:
    for path in ("etc/os-release", "etc/timezone", "sys/class/drm/a/modes", "sys/class/power_supply/b/type"):
        platform.write(path, "")
        (platform.root / path).write_bytes(b"\xff\x00=x\n" * 2000)
    platform.write("sys/class/drm/a/status", "connected")
    platform.supply("c", type="Battery", capacity="²")
    assert platform.told().keys() <= {"power.plugged"}


def test_this_machine_tells_of_itself() -> None:
    device = Device()
    assert device.os() == {"win32": "windows", "darwin": "macos"}.get(sys.platform, sys.platform)
    assert device.arch()
    assert (device.memory_mb() or 1) > 0
