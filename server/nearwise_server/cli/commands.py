"""The command `nearwise`: its sub-commands put together, and how it ends when one of them fails."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version as installed_version

import typer

from nearwise_rules import RulesError
from nearwise_server.cli import (
    authoring_commands,
    centre_commands,
    channel_commands,
    replay_commands,
    screen,
    subject_commands,
)
from nearwise_server.cli.demo_command import demo
from nearwise_server.cli.errors import UNUSABLE, CommandFailed
from nearwise_server.cli.subject_command import subject
from nearwise_server.errors import ServerError

_AUTHORS, _CENTRE = "Rule sets", "Centre"


def make_app() -> typer.Typer:
    """The command with all its sub-commands."""
    app = typer.Typer(
        name="nearwise",
        help="Rules decided on the device, with or without a network.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    for_authors, for_centre = app.command(rich_help_panel=_AUTHORS), app.command(rich_help_panel=_CENTRE)
    for_authors(authoring_commands.init)
    for_authors(authoring_commands.check)
    for_authors(authoring_commands.decide)
    for_authors(authoring_commands.build)
    for_authors(authoring_commands.schema)
    for_authors(replay_commands.simulate)
    for_authors(replay_commands.replay)
    for_authors(subject)
    for_centre(centre_commands.serve)
    app.add_typer(centre_commands.keys, name="keys", rich_help_panel=_CENTRE)
    for_centre(centre_commands.publish)
    for_centre(centre_commands.rollback)
    for_centre(centre_commands.fetch)
    for_centre(centre_commands.status)
    for_centre(replay_commands.fetch_records)
    app.add_typer(channel_commands.channels, name="channels", rich_help_panel=_CENTRE)
    app.add_typer(channel_commands.deliveries, name="deliveries", rich_help_panel=_CENTRE)
    app.add_typer(subject_commands.traits, name="traits", rich_help_panel=_CENTRE)
    for_centre(subject_commands.erase)
    app.command(rich_help_panel="See it work")(demo)
    return app


def run() -> int:
    """Run the command; the exit code. Mistakes of people end in one line, never in a traceback."""
    try:
        make_app()()
    except CommandFailed as error:
        return _fail(str(error), error.exit_code)
    except (ServerError, RulesError) as error:
        return _fail(str(error), UNUSABLE)
    except BrokenPipeError:
        # The reader (head, less) has left; Python would complain about it once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return 0


def _print_version(asked: bool) -> None:
    if asked:
        print(installed_version("nearwise"))
        raise typer.Exit


def _options(
    version: bool = typer.Option(False, "--version", is_eager=True, callback=_print_version, help="Print the version."),
) -> None:
    """Takes what is said before a sub-command."""


def _fail(message: str, exit_code: int) -> int:
    if message:
        screen.err.print(f"nearwise: {message}", markup=False)
    return exit_code
