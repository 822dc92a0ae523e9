"""Devices as they were last seen: which bundle and SDK they run, and when they called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import (
    BindParameter,
    Connection,
    and_,
    bindparam,
    exists,
    insert,
    literal,
    or_,
    select,
    tuple_,
    union_all,
    update,
)

from nearwise_server.store.tables import devices, streams

DeviceKey = tuple[str, str]
"""Environment and device."""
DeviceEpoch = tuple[str, str]
"""A device and one of its epochs, empty for one that has sent nothing."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One call of a device. A device that does not say what it runs leaves None."""

    seen_ms: int
    bundle_version: int | None = None
    sdk: str | None = None


def store_sightings(connection: Connection, sightings: Mapping[DeviceKey, Sighting]) -> None:
    """Write the newest sighting of each device."""
    name = tuple_(devices.c.environment, devices.c.device)
    query = select(devices.c.environment, devices.c.device).where(name.in_(sorted(sightings)))
    known = {(environment, device) for environment, device in connection.execute(query)}
    fresh = [_row(key, sighting) for key, sighting in sightings.items() if key not in known]
    if fresh:
        connection.execute(insert(devices), fresh)
    again = [_row(key, sighting, "b_") for key, sighting in sightings.items() if key in known]
    if again:
        same = (devices.c.environment == bindparam("b_environment")) & (devices.c.device == bindparam("b_device"))
        names = ("bundle_version", "sdk", "seen_ms")
        changes: dict[str, BindParameter[object]] = {name: bindparam(f"b_{name}") for name in names}
        connection.execute(update(devices).where(same).values(changes), again)


def epochs_after(connection: Connection, environment: str, place: DeviceEpoch, limit: int) -> list[DeviceEpoch]:
    """Devices that were seen or that sent events, once for each of their epochs, in order, above `place`."""
    sent = select(streams.c.device, streams.c.epoch).where(streams.c.environment == environment)
    same = (streams.c.environment == devices.c.environment) & (streams.c.device == devices.c.device)
    silent = select(devices.c.device, literal("").label("epoch")).where(
        (devices.c.environment == environment) & ~exists().where(same)
    )
    either = union_all(sent, silent).subquery()
    above = or_(either.c.device > place[0], and_(either.c.device == place[0], either.c.epoch > place[1]))
    query = select(either.c.device, either.c.epoch).where(above).order_by(either.c.device, either.c.epoch).limit(limit)
    return [(row.device, row.epoch) for row in connection.execute(query)]


def sightings_of(connection: Connection, environment: str, names: list[str]) -> dict[str, Sighting]:
    """The last sighting of each of some devices."""
    query = select(devices).where((devices.c.environment == environment) & devices.c.device.in_(names))
    return {row.device: Sighting(row.seen_ms, row.bundle_version, row.sdk) for row in connection.execute(query)}


def _row(key: DeviceKey, sighting: Sighting, prefix: str = "") -> dict[str, object]:
    values = (*key, sighting.bundle_version, sighting.sdk, sighting.seen_ms)
    return {f"{prefix}{column.name}": value for column, value in zip(devices.columns, values, strict=True)}
