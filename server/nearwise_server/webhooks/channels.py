"""Making channels: the name, the URL and the secret, each checked or made before it is stored."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nearwise_server.errors import ChannelRefused
from nearwise_server.keys import ENVIRONMENT_NAME
from nearwise_server.settings import Settings
from nearwise_server.store import Database
from nearwise_server.store.channels import Channel, add_channel, channels_of
from nearwise_server.webhooks.destinations import Destinations
from nearwise_server.webhooks.signing import new_secret

CHANNEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_MOST_CHANNELS = 100


@dataclass(frozen=True, slots=True)
class ChannelRequest:
    """The channel that somebody asks for."""

    environment: str
    name: str
    url: str


def make_channel(database: Database, settings: Settings, asked: ChannelRequest, now_ms: int) -> Channel:
    """Make and store a channel with a new secret.

    Raises:
        ChannelRefused: a bad name or URL, a name that is taken, or too many channels.
    """
    if not ENVIRONMENT_NAME.fullmatch(asked.environment):
        raise ChannelRefused("an environment is named by 1 to 64 of a-z, 0-9 and '-'")
    if not CHANNEL_NAME.fullmatch(asked.name):
        raise ChannelRefused("a channel is named by 1 to 64 of A-Z, a-z, 0-9, '.', '_' and '-'")
    Destinations.of(settings).check_url(asked.url)
    channel = Channel(
        environment=asked.environment, name=asked.name, url=asked.url, secret=new_secret(), created_ms=now_ms
    )
    with database.writing() as connection:
        if len(channels_of(connection, asked.environment)) >= _MOST_CHANNELS:
            raise ChannelRefused(f"an environment has at most {_MOST_CHANNELS} channels")
        if not add_channel(connection, channel):
            raise ChannelRefused(f"there is a channel '{asked.name}' already: remove it first")
    return channel
