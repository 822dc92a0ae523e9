"""`nearwise subject`: the tokens of subjects, for rule sets and audiences that have to name some."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from nearwise_rules import subject_token
from nearwise_server.cli.errors import CommandFailed


def subject(
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="The ids; - reads them from stdin, one a line.")],
    key_file: Annotated[Path, typer.Option("--key-file", help="The file of the subject key, as apps read it.")],
) -> None:
    """Print the token of each subject, as devices with the same subject key make it."""
    try:
        key = key_file.read_bytes().strip()
    except OSError as error:
        raise CommandFailed(f"{key_file}: {error.strerror}") from error
    for each in _lines(ids):
        try:
            print(subject_token(each, key))
        except UnicodeEncodeError as error:
            raise CommandFailed(f"{each!r} is no text") from error
        except ValueError as error:
            raise CommandFailed(f"{key_file}: {error}") from error


def _lines(ids: Iterable[str]) -> Iterator[str]:
    for each in ids:
        if each == "-":
            yield from (text for line in sys.stdin if (text := line.strip()))
        else:
            yield each
