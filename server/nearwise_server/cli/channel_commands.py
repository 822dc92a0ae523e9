"""The commands around webhooks: channels on the centre's machine, deliveries from anywhere."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer

from nearwise_server.cli import screen
from nearwise_server.cli.centre_commands import (
    DEFAULT_DATA,
    DEFAULT_URL,
    ENVIRONMENT,
    AsJson,
    Data,
    Key,
    Url,
    centre_with,
    existing_store,
    now_ms,
    settings_of,
)
from nearwise_server.cli.errors import REFUSED, CommandFailed
from nearwise_server.scopes import Scope

Environment = Annotated[str, typer.Option(help="The environment it belongs to.")]
Name = Annotated[str, typer.Argument(help="The name that rule sets and devices use.")]

channels = typer.Typer(help="Add, list and remove channels: where trigger events are handed to.", no_args_is_help=True)
deliveries = typer.Typer(help="See what was handed to channels, and try again.", no_args_is_help=True)


@channels.command("add")
def add_channel(
    name: Name,
    to: Annotated[str, typer.Option("--url", help="Where to send to: https://...", show_default=False)],
    data: Data = DEFAULT_DATA,
    environment: Environment = ENVIRONMENT,
) -> None:
    """Add a channel and print its secret, this once.

    Receivers check by the secret that a request came from this centre.
    """
    from nearwise_server.store.deliveries import DeliveryFilter, State, count_deliveries
    from nearwise_server.webhooks.channels import ChannelRequest, make_channel

    with closing(existing_store(data)) as database:
        channel = make_channel(database, settings_of(data), ChannelRequest(environment, name, to), now_ms())
        with database.reading() as connection:
            dead = count_deliveries(connection, DeliveryFilter(environment=environment, state=State.DEAD, channel=name))
    print(channel.secret)
    screen.err.print(f"channel '{name}' of '{environment}'. Its secret is shown this once.")
    if dead:
        screen.err.print(f"dead for want of it: {dead:,}   nearwise deliveries retry --dead --channel {name}")


@channels.command("list")
def show_channels(data: Data = DEFAULT_DATA, environment: Environment = ENVIRONMENT) -> None:
    """List the channels of an environment, without their secrets."""
    from nearwise_server.store.channels import channels_of

    with closing(existing_store(data)) as database, database.reading() as connection:
        rows = channels_of(connection, environment)
    screen.show_table(
        screen.plural(len(rows), "channel") if rows else f"no channel in '{environment}' yet",
        ("name", "url", "made", "disabled"),
        [(row.name, row.url, screen.clock(row.created_ms), screen.clock(row.disabled_ms)) for row in rows],
    )


@channels.command("remove")
def drop_channel(name: Name, data: Data = DEFAULT_DATA, environment: Environment = ENVIRONMENT) -> None:
    """Remove a channel and its secret; what waits for it becomes dead."""
    from nearwise_server.store.channels import remove_channel

    with closing(existing_store(data)) as database, database.writing() as connection:
        removed = remove_channel(connection, environment, name)
    _require(removed, name, environment)
    screen.out.print(f"removed {name}")


@channels.command("enable")
def revive_channel(name: Name, data: Data = DEFAULT_DATA, environment: Environment = ENVIRONMENT) -> None:
    """Let a channel that its receiver has closed (410) take deliveries again."""
    from nearwise_server.store.channels import enable_channel

    with closing(existing_store(data)) as database, database.writing() as connection:
        enabled = enable_channel(connection, environment, name)
    _require(enabled, name, environment)
    screen.out.print(f"enabled {name}")


@deliveries.command("list")
def show_deliveries(
    url: Url = DEFAULT_URL,
    key: Key = "",
    state: Annotated[str | None, typer.Option(help="waiting, sent or dead.")] = None,
    channel: Annotated[str | None, typer.Option(help="Of this channel only.")] = None,
    most: Annotated[int, typer.Option(min=1, max=1_000, help="How many, newest first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List deliveries, newest first.

    It needs a channels key or a read key.
    """
    with centre_with(url, key, Scope.CHANNELS) as centre:
        rows = centre.deliveries(state, channel, most)
    if as_json:
        screen.show_json(rows)
        return
    columns = ("id", "made", "trigger", "channel", "state", "tries", "last error")
    names = ("id", "created", "trigger", "channel", "state", "tries", "last_error")
    screen.show_table(
        "deliveries, newest first" if rows else "no delivery",
        columns,
        [screen.texts_of({**row, "created": screen.clock(row.get("created"))}, names) for row in rows],
    )


@deliveries.command("retry")
def retry(
    delivery: Annotated[int | None, typer.Argument(min=1, help="The id of one delivery.", show_default=False)] = None,
    dead: Annotated[bool, typer.Option("--dead", help="All that are dead.")] = False,
    channel: Annotated[str | None, typer.Option(help="With --dead: of this channel only.")] = None,
    url: Url = DEFAULT_URL,
    key: Key = "",
) -> None:
    """Try deliveries again that were not sent.

    It needs a channels key.
    """
    if (delivery is None) is not dead:
        raise CommandFailed("give the id of a delivery, or --dead")
    with centre_with(url, key, Scope.CHANNELS) as centre:
        count = centre.retry_dead(channel) if delivery is None else centre.retry(delivery)
    screen.out.print(f"{count:,} to be tried again")


def _require(found: bool, name: str, environment: str) -> None:
    if not found:
        raise CommandFailed(f"there is no channel '{name}' in '{environment}'", REFUSED)
