"""What the platform tells of this device, without a dependency: read from files and the environment, nothing personal.

Each reader gives None where the platform does not tell. Imported by the thread that collects.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress

_DISPLAYS = "sys/class/drm"
_SUPPLIES = "sys/class/power_supply"
_MODELS = ("sys/devices/virtual/dmi/id/product_name", "proc/device-tree/model")
_NO_MODEL = frozenset({"", "default string", "none", "o.e.m.", "system product name", "to be filled by o.e.m."})
"""What makers leave in the field for the model."""
_SYSTEMS = {"win32": "windows", "darwin": "macos"}
_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
_MOST_BYTES = 4096


class Device:
    """Reads below `root` and from `environment`: the system's own, or a test's."""

    def __init__(self, root: str = "/", environment: Mapping[str, str] = os.environ) -> None:
        self._root = root
        self._environment = environment

    def readers(self) -> dict[str, Callable[[], object]]:
        """What stays as it is while the device runs: reader by the name of the signal."""
        return {
            "device.os": self.os,
            "device.os_version": self.os_version,
            "device.model": self.model,
            "device.arch": self.arch,
            "device.cores": os.cpu_count,
            "device.memory.mb": self.memory_mb,
        }

    def changing_readers(self) -> dict[str, Callable[[], object]]:
        """What is to be read again from time to time."""
        return {
            "device.locale": self.locale,
            "device.zone": self.zone,
            "device.screen.width": lambda: self._screen(0),
            "device.screen.height": lambda: self._screen(1),
            "device.power.plugged": self.plugged,
            "device.power.percent": self.percent,
        }

    def os(self) -> str:
        """`linux`, `windows`, `macos`, or what Python calls it."""
        return _SYSTEMS.get(sys.platform, sys.platform)

    def os_version(self) -> str | None:
        """Of a Linux distribution its VERSION_ID, 24.04 as 24.4; of Windows and macOS the system's own."""
        if sys.platform == "win32":
            version = sys.getwindowsversion()
            return f"{version.major}.{version.minor}.{version.build}"
        if sys.platform == "darwin":
            from platform import mac_ver

            return mac_ver()[0] or None
        for line in (self._text("etc/os-release") or self._text("usr/lib/os-release") or "").splitlines():
            name, _, value = line.partition("=")
            if name == "VERSION_ID":
                numbers = value.strip("\"'").split(".")
                return ".".join(str(int(each)) if each.isdecimal() else each for each in numbers) or None
        return None

    def model(self) -> str | None:
        """What its maker calls it (Linux: DMI or the device tree)."""
        for path in _MODELS:
            model = (self._text(path) or "").strip(" \n\0")
            if model.lower() not in _NO_MODEL:
                return model
        return None

    def arch(self) -> str | None:
        """`x86_64`, `aarch64`, `armv7l` ..."""
        from platform import machine

        name = machine().lower()
        return _MACHINES.get(name, name) or None

    def memory_mb(self) -> int | None:
        """The memory of the machine."""
        if sys.platform == "win32":
            return None
        with suppress(ValueError, OSError):
            return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // (1024 * 1024)
        return None

    def locale(self) -> str | None:
        """`de-CH`, as the environment of the process says it."""
        names = (self._environment.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
        language = next((name for name in names if name), "").partition(".")[0].partition("@")[0]
        return None if language in ("", "C", "POSIX") else language.replace("_", "-")

    def zone(self) -> str | None:
        """`Europe/Zurich`, as the environment or the system says it."""
        from zoneinfo import ZoneInfo

        named = self._environment.get("TZ", "").removeprefix(":")
        if not named:
            with suppress(OSError):
                target = os.readlink(os.path.join(self._root, "etc/localtime"))
                named = target.rpartition("zoneinfo/")[2] if "zoneinfo/" in target else ""
        named = named or (self._text("etc/timezone") or "").strip()
        with suppress(KeyError, ValueError, OSError):
            return ZoneInfo(named).key
        return None

    def _screen(self, side: int) -> int | None:
        """Of the preferred mode of the first display that is connected (Linux)."""
        for display in self._below(_DISPLAYS):
            if (self._text(f"{display}/status") or "").strip() == "connected":
                sides = (self._text(f"{display}/modes") or "").partition("\n")[0].split("x")
                return int(sides[side]) if len(sides) == 2 and sides[side].isdecimal() else None
        return None

    def plugged(self) -> bool | None:
        """Whether the device runs on mains power (Linux); None where there is neither mains nor a battery."""
        batteries = list(self._batteries())
        mains = [supply for supply in self._below(_SUPPLIES) if self._is(supply, "type", "Mains", "USB")]
        if any(self._is(supply, "online", "1", "2") for supply in mains):
            return True
        if batteries:
            return not any(self._is(battery, "status", "Discharging") for battery in batteries)
        return False if mains else None

    def percent(self) -> int | None:
        """How full the batteries of the device are (Linux), the mean of several."""
        texts = [(self._text(f"{battery}/capacity") or "").strip() for battery in self._batteries()]
        levels = [int(text) for text in texts if text.isdecimal()]
        return round(sum(levels) / len(levels)) if levels else None

    def _batteries(self) -> Iterator[str]:
        """Those of the device, not those of a mouse beside it."""
        for supply in self._below(_SUPPLIES):
            if self._is(supply, "type", "Battery") and not self._is(supply, "scope", "Device"):
                yield supply

    def _is(self, folder: str, name: str, *values: str) -> bool:
        return (self._text(f"{folder}/{name}") or "").strip() in values

    def _below(self, folder: str) -> list[str]:
        with suppress(OSError):
            return [f"{folder}/{name}" for name in sorted(os.listdir(os.path.join(self._root, folder)))]
        return []

    def _text(self, path: str) -> str | None:
        with suppress(OSError), open(os.path.join(self._root, path), "rb") as file:
            return file.read(_MOST_BYTES).decode("utf-8", "replace")
        return None
