"""Channels: where deliveries of an environment go, each with the secret that signs them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from sqlalchemy import Connection, RowMapping, delete, insert, select, tuple_, update

from nearwise_server.store.tables import channels

DEFAULT_CHANNEL = "default"
"""Where a trigger event goes that names no channel, if there is one of this name."""

ChannelName = tuple[str, str]
"""Environment and name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One channel. A disabled one takes nothing until it is enabled."""

    environment: str
    name: str
    url: str
    secret: str = field(repr=False)
    created_ms: int
    disabled_ms: int | None = None


def add_channel(connection: Connection, channel: Channel) -> bool:
    """Store a new channel; False when the environment has one of this name."""
    if channels_named(connection, {(channel.environment, channel.name)}):
        return False
    row = {column.name: getattr(channel, column.name) for column in channels.columns}
    connection.execute(insert(channels), [row])
    return True


def channels_of(connection: Connection, environment: str) -> list[Channel]:
    """The channels of an environment, by name."""
    query = select(channels).where(channels.c.environment == environment).order_by(channels.c.name)
    return [_channel(row) for row in connection.execute(query).mappings()]


def channels_named(connection: Connection, names: Collection[ChannelName]) -> dict[ChannelName, Channel]:
    """Those of some channels that there are."""
    if not names:
        return {}
    query = select(channels).where(tuple_(channels.c.environment, channels.c.name).in_(sorted(names)))
    return {(row["environment"], row["name"]): _channel(row) for row in connection.execute(query).mappings()}


def remove_channel(connection: Connection, environment: str, name: str) -> bool:
    """Remove a channel and its secret; False when there is none."""
    same = (channels.c.environment == environment) & (channels.c.name == name)
    return connection.execute(delete(channels).where(same)).rowcount == 1


def enable_channel(connection: Connection, environment: str, name: str) -> bool:
    """Let a channel take deliveries again; False when there is none."""
    same = (channels.c.environment == environment) & (channels.c.name == name)
    return connection.execute(update(channels).where(same).values(disabled_ms=None)).rowcount == 1


def disable_channel(connection: Connection, channel: Channel, now_ms: int) -> bool:
    """Let a channel take nothing more; False when it is disabled already, or was made anew since it was read."""
    same = (channels.c.environment == channel.environment) & (channels.c.name == channel.name)
    live = same & (channels.c.secret == channel.secret) & channels.c.disabled_ms.is_(None)
    return connection.execute(update(channels).where(live).values(disabled_ms=now_ms)).rowcount == 1


def _channel(row: RowMapping) -> Channel:
    return Channel(
        environment=row["environment"],
        name=row["name"],
        url=row["url"],
        secret=row["secret"],
        created_ms=row["created_ms"],
        disabled_ms=row["disabled_ms"],
    )
