"""How a client behaves: one frozen value, checked when it is made. The defaults suit a till."""

from __future__ import annotations

from collections.abc import Callable
from time import time
from typing import NoReturn, cast, dataclass_transform

from nearwise.errors import SettingsInvalid

_NAME_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-")
_LONGEST_NAME = 128
_SHORTEST_KEY_BYTES = 16


@dataclass_transform(kw_only_default=True, frozen_default=True)
class _Frozen:
    """What the dataclass decorator would make. Importing that takes a device 5 ms of each start."""

    def __init__(self, **values: object) -> None:
        unknown = values.keys() - type(self).__annotations__.keys()
        if unknown:
            raise TypeError(f"{type(self).__name__} has no {', '.join(map(repr, sorted(unknown)))}")
        self.__dict__.update(values)
        self._check()

    def _check(self) -> None:
        """Raise for values that cannot work."""

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._values() == other._values()

    def __hash__(self) -> int:
        return hash(tuple(self._values().values()))

    def _values(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in type(self).__annotations__}

    def __repr__(self) -> str:
        shown = [f"{name}={_shown(name, value)}" for name, value in self._values().items()]
        return f"{type(self).__name__}({', '.join(shown)})"


class Settings(_Frozen):
    """Times in seconds, sizes in bytes.

    Raises:
        SettingsInvalid: a value that cannot work.
    """

    device: str | None = None
    """The name of this device; made up once and kept in the storage folder when None."""
    tenant: str | None = None
    environment: str | None = None
    audience: str | None = None
    """Refuse bundles that are meant for another tenant, environment or audience; None accepts any."""

    poll_seconds: float = 60.0
    """Time between two questions for a new bundle, +- `jitter`."""
    send_seconds: float = 5.0
    """Time that events wait for others before they are sent together."""
    commit_seconds: float = 1.0
    """How often events that are not critical are synced to the disk; a power cut can cost this much."""
    summary_seconds: float = 60.0
    """Time over which exposures of flags with `exposures: summary` are counted into one event."""
    jitter: float = 0.2
    """Share by which waiting times differ at random, so that a fleet does not call at once."""

    request_seconds: float = 10.0
    """Time limit of connecting, and of each wait for bytes."""
    transfer_seconds: float = 120.0
    """Time limit of one answer, looked at with each part of its body. While its headers arrive only `request_seconds`
    counts, for each wait: a server that drips them holds polls and batches up longer (never a commit)."""
    retry_first_seconds: float = 1.0
    retry_most_seconds: float = 300.0
    """After a failure: a random time up to the first, doubled with each failure up to the most."""
    retry_after_most_seconds: float = 3600.0
    """A server's Retry-After is honoured up to this."""
    close_seconds: float = 2.0
    """How long `close` and the end of the process wait for events to be sent."""

    batch_events: int = 1000
    batch_bytes: int = 256 * 1024
    """How much goes into one batch, before compression."""
    event_bytes: int = 32 * 1024
    """The largest event that is taken."""
    outbox_bytes: int = 64 * 1024 * 1024
    """How much the events may take on disk; beyond it the oldest exposures go first, and the loss is recorded."""
    memory_events: int = 10_000
    """How many events are kept without a storage folder."""
    subject_key: bytes | None = None
    """Turns the ids of subjects into tokens before anything else sees them: 16 bytes or more, the same on every device
    of a tenant, and a secret. None leaves ids as they are."""

    collect: tuple[str, ...] = (
        "device.app_version",
        "device.arch",
        "device.cores",
        "device.memory.mb",
        "device.online",
        "device.os",
        "device.os_version",
        "device.power.plugged",
    )
    """What the device tells of itself, by name; docs/signals.md lists all. The default is what fits a whole series of
    devices; `()` collects nothing."""
    app_version: str | None = None
    """The version of the app, told as `device.app_version`."""

    traits_seconds: float = 900.0
    """After this the centre is asked again what it knows of a subject."""
    traits_days: int = 7
    """How long what it said may be used while it cannot be asked, also over restarts."""
    traits_subjects: int = 1000
    """Of how many subjects traits are kept, in memory and on disk."""

    bundle_bytes: int = 64 * 1024 * 1024
    """The largest bundle that is taken."""
    history_days: int = 400
    """How long back history is kept, and how long a subject of whom nothing new comes."""
    history_subjects: int = 10_000
    history_bytes: int = 32 * 1024 * 1024
    """How many subjects history keeps on disk, and in how many bytes; the least recently seen leave first."""
    history_memory_subjects: int = 500
    """How many subjects history keeps in memory; the others are read from disk when they come again."""

    clock: Callable[[], float] = time
    """Unix seconds: what decisions and events take for now."""

    def _check(self) -> None:
        for name, value in self._values().items():
            if name.endswith("_seconds") and not 0.001 <= cast("float", value) <= 86_400:
                raise SettingsInvalid(f"{name} must be between 0.001 and 86400")
            if name.endswith(("_bytes", "_events", "_subjects", "_days")) and cast("int", value) < 1:
                raise SettingsInvalid(f"{name} must be at least 1")
        if self.subject_key is not None and len(self.subject_key) < _SHORTEST_KEY_BYTES:
            raise SettingsInvalid(f"subject_key must have at least {_SHORTEST_KEY_BYTES} bytes")
        if not 0 <= self.jitter < 1:
            raise SettingsInvalid("jitter must be at least 0 and below 1")
        if self.event_bytes * 2 > self.outbox_bytes:
            raise SettingsInvalid("outbox_bytes must have room for two events of event_bytes")
        self._check_collect()
        if self.device is not None and not is_name(self.device):
            raise SettingsInvalid("device must be 1 to 128 of the characters A-Z a-z 0-9 . _ : -")

    def _check_collect(self) -> None:
        if self.collect == Settings.collect:
            return
        from nearwise_rules import DEVICE_SIGNALS, did_you_mean

        for name in self.collect:
            if name not in DEVICE_SIGNALS:
                raise SettingsInvalid(f"collect: no device tells {name!r}{did_you_mean(str(name), DEVICE_SIGNALS)}")


def _shown(name: str, value: object) -> str:
    """A value in a repr, which logs may show: keys stay secret."""
    return "***" if name.endswith("_key") and value is not None else repr(value)


def is_name(device: str) -> bool:
    """Whether this can be the name of a device."""
    return 0 < len(device) <= _LONGEST_NAME and not set(device) - _NAME_CHARACTERS
