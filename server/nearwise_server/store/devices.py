"""Devices as they were last seen: which bundle and SDK they run, and when they called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import BindParameter, Connection, bindparam, insert, select, tuple_, union, update

from nearwise_server.store.tables import devices, streams

DeviceKey = tuple[str, str]
"""Environment and device."""


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


def device_names_after(connection: Connection, environment: str, device: str, limit: int) -> list[str]:
    """Names of devices that were seen or that sent events, in order, above `device`."""
    either = union(
        select(devices.c.device).where(devices.c.environment == environment),
        select(streams.c.device).where(streams.c.environment == environment),
    ).subquery()
    query = select(either.c.device).where(either.c.device > device).order_by(either.c.device).limit(limit)
    return list(connection.execute(query).scalars())


def sightings_of(connection: Connection, environment: str, names: list[str]) -> dict[str, Sighting]:
    """The last sighting of each of some devices."""
    query = select(devices).where((devices.c.environment == environment) & devices.c.device.in_(names))
    return {row.device: Sighting(row.seen_ms, row.bundle_version, row.sdk) for row in connection.execute(query)}


def _row(key: DeviceKey, sighting: Sighting, prefix: str = "") -> dict[str, object]:
    values = (*key, sighting.bundle_version, sighting.sdk, sighting.seen_ms)
    return {f"{prefix}{column.name}": value for column, value in zip(devices.columns, values, strict=True)}
