"""`nearwise subject`: the tokens of subjects, for rule sets and audiences that have to name some."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
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
    token_of = tokens_by(key_file)
    for each in each_subject(ids):
        print(token_of(each))


def tokens_by(key_file: Path | None) -> Callable[[str], str]:
    """What makes the tokens of subjects with the key in a file; without a file it leaves them as they are.

    Raises:
        CommandFailed: the file cannot be read; when a token is made: the key is too short, the subject is no text.
    """
    if key_file is None:
        return str
    try:
        key = key_file.read_bytes().strip()
    except OSError as error:
        raise CommandFailed(f"{key_file}: {error.strerror}") from error

    def token_of(subject: str) -> str:
        try:
            return subject_token(subject, key)
        except UnicodeEncodeError as error:
            raise CommandFailed(f"{subject!r} is no text") from error
        except ValueError as error:
            raise CommandFailed(f"{key_file}: {error}") from error

    return token_of


def each_subject(ids: Iterable[str]) -> Iterator[str]:
    """The subjects of a command's arguments; `-` stands for the lines of stdin."""
    for each in ids:
        if each == "-":
            yield from (text for line in sys.stdin if (text := line.strip()))
        else:
            yield each
