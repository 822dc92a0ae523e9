"""The state of each device as an analyst or an operator reads it: what it runs, and what of its events is here."""

from __future__ import annotations

from nearwise_server import coverage
from nearwise_server.store import Database
from nearwise_server.store.batches import Stream, streams_of
from nearwise_server.store.devices import Sighting, device_names_after, sightings_of

_RANGES_SHOWN = 100


def devices_after(
    database: Database, environment: str, device: str, limit: int
) -> tuple[list[dict[str, object]], str | None]:
    """One object per device and epoch, ordered by name, and the last name when there may be more.

    A page holds at most `limit` devices; a device that has sent nothing yet appears once, without an epoch.
    """
    with database.reading() as connection:
        names = device_names_after(connection, environment, device, limit)
        sightings = sightings_of(connection, environment, names)
        streams = streams_of(connection, environment, names)
    listed: list[dict[str, object]] = []
    for name in names:
        sent = [(epoch, stream) for (_, owner, epoch), stream in streams.items() if owner == name]
        epochs: list[tuple[str | None, Stream]] = [*sent] or [(None, Stream())]
        listed += [_device(name, sightings.get(name), epoch, stream) for epoch, stream in epochs]
    return listed, names[-1] if len(names) == limit else None


def _device(name: str, sighting: Sighting | None, epoch: str | None, stream: Stream) -> dict[str, object]:
    missing = coverage.missing(stream.settled)
    return {
        "name": name,
        "bundle_version": sighting.bundle_version if sighting else None,
        "sdk": sighting.sdk if sighting else None,
        "last_seen": max(sighting.seen_ms if sighting else 0, stream.last_ms) or None,
        "epoch": epoch,
        "stored": coverage.size(stream.received) - stream.rejected,
        "rejected": stream.rejected,
        "repeated": stream.repeated,
        "lost": coverage.size(coverage.difference(stream.lost, stream.received)),
        "high_water": coverage.high_water(stream.settled),
        "missing": missing[:_RANGES_SHOWN],
        "missing_events": coverage.size(missing),
    }
