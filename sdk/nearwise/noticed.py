"""What a client knows beside its contexts: signals, collectors and traits, begun and ended together."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from nearwise.collectors import Collectors
from nearwise.signals import Signals
from nearwise.traits import Traits

if TYPE_CHECKING:
    from nearwise.settings import Settings
    from nearwise.worker import Worker
    from nearwise_rules import Release


class Noticed:
    """One for each client. `granted` gives the purposes that hold for a subject."""

    def __init__(self, folder: str | None, settings: Settings, granted: Callable[[object], int]) -> None:
        """`folder` is the storage folder; without one everything ends with the process."""
        self.signals = Signals(settings.clock)
        self.collectors = Collectors(self.signals, settings)
        self.traits = Traits(None if folder is None else os.path.join(folder, "traits.db"), settings, granted)

    def begin(self, worker: Worker | None, release: Release | None) -> None:
        """Let the thread of the worker do what takes time; without one, one of its own collects what rules read."""
        if worker is not None:
            self.collectors.wake = self.traits.wake = worker.wake
        elif release is not None:
            self.collectors.begin_alone(release.bundle.keys("attribute"))

    def stop(self, timeout_seconds: float) -> None:
        """End it; at most this long is waited for a collector that is being asked."""
        self.collectors.stop(timeout_seconds)
        self.traits.close()

    def leave_to_parent(self) -> None:
        """For a forked child: threads and files stay with the parent."""
        self.signals.leave_to_parent()
        self.collectors.leave_to_parent()
        self.traits.leave_to_parent()
