"""How a client behaves: one frozen value, checked when it is made. The defaults suit a till."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from time import time

from nearwise.errors import SettingsInvalid

_DEVICE = re.compile(r"[A-Za-z0-9._:-]{1,128}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
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
    """Time limit of one whole request."""
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
    bundle_bytes: int = 64 * 1024 * 1024
    """The largest bundle that is taken."""

    clock: Callable[[], float] = time
    """Unix seconds: what decisions and events take for now."""

    def __post_init__(self) -> None:
        for name in (field.name for field in fields(self) if field.name.endswith("_seconds")):
            if not 0.001 <= getattr(self, name) <= 86_400:
                raise SettingsInvalid(f"{name} must be between 0.001 and 86400")
        for name in ("batch_events", "batch_bytes", "event_bytes", "outbox_bytes", "memory_events", "bundle_bytes"):
            if getattr(self, name) < 1:
                raise SettingsInvalid(f"{name} must be at least 1")
        if not 0 <= self.jitter < 1:
            raise SettingsInvalid("jitter must be at least 0 and below 1")
        if self.event_bytes * 2 > self.outbox_bytes:
            raise SettingsInvalid("outbox_bytes must have room for two events of event_bytes")
        if self.device is not None and not _DEVICE.fullmatch(self.device):
            raise SettingsInvalid("device must be 1 to 128 of the characters A-Z a-z 0-9 . _ : -")
