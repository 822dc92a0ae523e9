"""The words that a status is told in."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Whether decisions come from a bundle, and how fresh it is."""

    NOT_READY = "NOT_READY"
    READY = "READY"
    STALE = "STALE"
    EXPIRED = "EXPIRED"


class Source(StrEnum):
    """Where the deciding bundle came from; DEFAULT means that there is none and callers get their defaults."""

    SERVER = "server"
    GENERATION = "generation"
    SEED = "seed"
    DEFAULT = "default"


class Sending(StrEnum):
    """Whether events leave: OFF without a server, STOPPED when the key was refused."""

    OFF = "off"
    ON = "on"
    STOPPED = "stopped"
