"""The state of each device as an analyst or an operator reads it: what it runs, and what of its events is here."""

from __future__ import annotations

from nearwise_server import coverage
from nearwise_server.store import Database
from nearwise_server.store.batches import Stream, streams_of_epochs
from nearwise_server.store.devices import DeviceEpoch, Sighting, epochs_after, sightings_of

_RANGES_SHOWN = 100


def devices_after(
    database: Database, environment: str, place: DeviceEpoch, limit: int
) -> tuple[list[dict[str, object]], DeviceEpoch | None]:
    """One object per device and epoch, ordered by both, at most `limit`; and the last place when there may be more.

    A device that has sent nothing yet appears once, without an epoch.
    """
    with database.reading() as connection:
        places = epochs_after(connection, environment, place, limit)
        sightings = sightings_of(connection, environment, sorted({device for device, _ in places}))
        streams = streams_of_epochs(connection, {(environment, *each) for each in places})
    listed = [
        _device(device, sightings.get(device), epoch or None, streams.get((environment, device, epoch), Stream()))
        for device, epoch in places
    ]
    return listed, places[-1] if len(places) == limit else None


def _device(name: str, sighting: Sighting | None, epoch: str | None, stream: Stream) -> dict[str, object]:
    missing = coverage.missing(stream.settled)
    return {
        "name": name,
        "bundle_version": sighting.bundle_version if sighting else None,
        "sdk": sighting.sdk if sighting else None,
        "last_seen": max(sighting.seen_ms if sighting else 0, stream.last_ms) or None,
        "epoch": epoch,
        "stored": coverage.size(stream.received) - stream.rejected - stream.erased,
        "rejected": stream.rejected,
        "erased": stream.erased,
        "repeated": stream.repeated,
        "lost": coverage.size(coverage.difference(stream.lost, stream.received)),
        "high_water": coverage.high_water(stream.settled),
        "missing": missing[:_RANGES_SHOWN],
        "missing_events": coverage.size(missing),
    }
