"""The command `demo`: what can be chosen, handed to the demo itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(
    check: Annotated[bool, typer.Option("--check", help="Exit with 1 unless every event arrived once.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON on the last line.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the centre running until Ctrl-C.")] = False,
    folder: Annotated[Path, typer.Option(help="Where everything it makes goes.")] = Path("nearwise-demo"),
    data: Annotated[Path | None, typer.Option(help="The repository's examples folder.", show_default="found")] = None,
    seconds: Annotated[float, typer.Option(help="Length of the replay.")] = 12.0,
    port: Annotated[int | None, typer.Option(help="The port of the centre.", show_default="8700")] = None,
) -> None:
    """Play the whole product on this machine.

    A centre, eight tills, real baskets, a cut network, a killed till; then everything is counted.
    """
    from nearwise_server.demo import DemoSettings, run_demo
    from nearwise_server.demo.errors import DemoError

    try:
        settings = DemoSettings(
            folder=folder, examples=data, check=check, json=as_json, keep=keep, seconds=seconds, port=port
        )
    except DemoError as error:
        raise typer.BadParameter(str(error)) from error
    raise typer.Exit(run_demo(settings))
