"""The names under which a device can tell of itself, and which of them were most likely meant by another."""

from __future__ import annotations

from typing import Final

DEVICE_SIGNALS: Final = (
    "device.app_version",
    "device.arch",
    "device.cores",
    "device.locale",
    "device.memory.mb",
    "device.model",
    "device.online",
    "device.os",
    "device.os_version",
    "device.power.percent",
    "device.power.plugged",
    "device.screen.height",
    "device.screen.width",
    "device.zone",
)
"""What the SDK collects by itself where the platform tells and the app lets it: attributes with `source: device`."""

_LIKE = 0.8
_LONGEST_GUESSED = 100


def meant_device_signal(name: str) -> str | None:
    """What the SDK calls what this name most likely means; None when it is one of those, or like none."""
    from difflib import get_close_matches

    if name in DEVICE_SIGNALS or len(name) > _LONGEST_GUESSED:
        return None
    known = {each.removeprefix("device."): each for each in DEVICE_SIGNALS}
    found = get_close_matches(name.removeprefix("device.").lower(), known, n=1, cutoff=_LIKE)
    return known[found[0]] if found else None
