"""The roster: when each device was last seen and what it runs, kept in memory and written now and then."""

from __future__ import annotations

import logging
import threading
import time

from sqlalchemy.exc import SQLAlchemyError

from nearwise_server.store import Database
from nearwise_server.store.devices import DeviceKey, Sighting, store_sightings

_MOST_DEVICES = 200_000
_log = logging.getLogger(__name__)


class Roster:
    """Sightings since the last flush. Losing them in a crash loses nothing that a device does not say again."""

    def __init__(self, *, flush_seconds: float) -> None:
        self._flush_seconds = flush_seconds
        self._lock = threading.Lock()
        self._sightings: dict[DeviceKey, Sighting] = {}
        self._flushed = time.monotonic()

    def saw(self, environment: str, device: str, sighting: Sighting) -> None:
        """Note a call of a device."""
        with self._lock:
            if len(self._sightings) < _MOST_DEVICES or (environment, device) in self._sightings:
                self._sightings[environment, device] = sighting

    def flush_when_due(self, database: Database) -> None:
        """Write when the time has come."""
        if time.monotonic() - self._flushed >= self._flush_seconds:
            self.flush(database)

    def flush(self, database: Database) -> None:
        """Write all sightings; when the database refuses, they wait for the next time."""
        with self._lock:
            taken, self._sightings = self._sightings, {}
            self._flushed = time.monotonic()
        if not taken:
            return
        try:
            for batch in _slices(taken, 500):
                with database.writing() as connection:
                    store_sightings(connection, batch)
        except SQLAlchemyError as error:
            _log.warning("sightings of devices wait: %s", type(error).__name__)
            with self._lock:
                self._sightings = taken | self._sightings


def _slices(sightings: dict[DeviceKey, Sighting], count: int) -> list[dict[DeviceKey, Sighting]]:
    names = list(sightings)
    return [{name: sightings[name] for name in names[at : at + count]} for at in range(0, len(names), count)]
