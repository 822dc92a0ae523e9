"""What an API key may do. Apart from `keys`, so that naming a scope does not load the store."""

from __future__ import annotations

from enum import StrEnum


class Scope(StrEnum):
    """What a key is for."""

    DEVICE = "device"
    PUBLISH = "publish"
    READ = "read"
    CHANNELS = "channels"
    TRAITS = "traits"
    ERASE = "erase"
