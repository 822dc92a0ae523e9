"""This product as the benchmark uses it: the compiled rule, the client on a bundle on disk, the recording client."""

from __future__ import annotations

from typing import TYPE_CHECKING

import nearwise

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from tests.benchmarks.workload import Flag

BUNDLE = "bundle.nwb"
KEY = "bundle.key"


def open_from_disk(folder: str) -> nearwise.Client:
    """A client that serves the bundle in `folder`, verified against the key beside it, and has no server."""
    with open(f"{folder}/{KEY}") as file:
        return nearwise.Client(seed=f"{folder}/{BUNDLE}", trust=file.read())


def open_recording(folder: str) -> nearwise.Client:
    """The same with an outbox in `folder`: every exposure is kept there."""
    with open(f"{folder}/{KEY}") as file:
        return nearwise.Client(seed=f"{folder}/{BUNDLE}", trust=file.read(), storage=f"{folder}/storage")


def write_bundle(folder: Path, flags: tuple[Flag, ...]) -> None:
    """Put the signed bundle of these flags and its public key into `folder`."""
    from nearwise_rules import public_key_text
    from tests.benchmarks.sources import packed, public_key

    (folder / BUNDLE).write_bytes(packed(flags))
    (folder / KEY).write_text(public_key_text(public_key()))


def decider(client: nearwise.Client, flag: str) -> Callable[[dict[str, Any]], nearwise.Decision]:
    """The call that is timed: a context from a plain dict, and the whole decision."""
    context = client.context
    return lambda attributes: context(attributes["key"], attributes).decide(flag)


def recorder(client: nearwise.Client, flag: str) -> Callable[[dict[str, Any]], None]:
    """The same, and the exposure recorded."""
    context = client.context
    return lambda attributes: context(attributes["key"], attributes).decide(flag).shown()
