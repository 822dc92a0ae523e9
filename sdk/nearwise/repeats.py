"""Exposures that repeat: of one subject and variant, within the window that its flag or experiment names.

What was recorded is remembered here while the process runs, and found in the history of the device after a restart.
"""

from __future__ import annotations

from _thread import allocate_lock
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nearwise_rules import Calendar, History

_REMEMBERED = 10_000


class Repeats:
    """Remembers the newest exposures, so many of them. `zone` names the zone in which days and weeks begin.

    `history` is what the device remembers across restarts; None without one.
    """

    def __init__(self, zone: Callable[[], str]) -> None:
        self.history: History | None = None
        self._zone = zone
        self._calendar: Calendar | None = None
        self._lock = allocate_lock()
        self._newest: dict[tuple[str, str], float] = {}

    def claim(self, subject: object, shown: Mapping[str, object], dedupe: str, at: float) -> bool:
        """Whether this is to be recorded: it was not within the window before `at`. From now on it was.

        Raises:
            ValueError: `dedupe` is no window.
        """
        from nearwise_rules import owner_of, parse_window, series_key

        window, owner, series = parse_window(dedupe), owner_of(subject), series_key(shown)
        low, high = self._calendar_now().span(window, at)[:2]
        with self._lock:
            last = self._newest.get((owner, series))
            if last is not None and low <= last < high:
                return False
            if self.history is not None and self.history.recall(owner).count("exposure", series, window, at):
                return False
            self._newest.pop((owner, series), None)
            while len(self._newest) >= _REMEMBERED:
                del self._newest[next(iter(self._newest))]
            self._newest[owner, series] = at
        return True

    def give_back(self, subject: object, shown: Mapping[str, object]) -> None:
        """Take a claim back: it could not be recorded."""
        from nearwise_rules import owner_of, series_key

        with self._lock:
            self._newest.pop((owner_of(subject), series_key(shown)), None)

    def forget(self, subject: object) -> None:
        """Forget everything that was shown to a subject."""
        from nearwise_rules import owner_of

        owner = owner_of(subject)
        with self._lock:
            self._newest = {key: at for key, at in self._newest.items() if key[0] != owner}

    def _calendar_now(self) -> Calendar:
        zone = self._zone()
        if self._calendar is None or self._calendar.zone != zone:
            from nearwise_rules import Calendar

            self._calendar = Calendar(zone)
        return self._calendar
