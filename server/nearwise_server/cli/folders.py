"""The folder of a rule set on disk: its texts read, nothing else touched."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from nearwise_rules import is_rule_set_file, is_text_of_audience
from nearwise_server.authoring import TextLimits
from nearwise_server.cli.errors import CommandFailed

MAX_FILES = 5_000

_SIGNS = ("nearwise.yaml", "nearwise.yml", "nearwise.json", "flags", "attributes.yaml", "attributes.json")
"""A folder with none of them was named by mistake; one with only some of them is checked."""


def read_folder(folder: Path) -> dict[str, str]:
    """The texts of a rule set by their path within `folder`, with `/` on every system.

    Bytes that are no UTF-8 come through as lone surrogates, which the check reports with their place.

    Raises:
        CommandFailed: there is no such folder, it cannot be read, or it holds far too many files.
    """
    if not folder.is_dir():
        raise CommandFailed(f"{folder} is not a folder")
    if not any((folder / name).exists() for name in _SIGNS):
        raise CommandFailed(f"{folder} is not the folder of a rule set: it has no nearwise.yaml")
    files: dict[str, str] = {}
    limits = TextLimits()
    try:
        for path in _paths(folder):
            name = path.relative_to(folder).as_posix()
            most = limits.list_bytes if is_text_of_audience(name) else limits.file_bytes
            with path.open("rb") as file:
                data = file.read(most + 1)
            files[name] = data.decode("utf-8", "surrogateescape")
            if len(files) > MAX_FILES:
                raise CommandFailed(f"{folder} holds more than {MAX_FILES} files: is it the folder of a rule set?")
    except OSError as error:
        raise CommandFailed(f"{error.filename}: {error.strerror}") from error
    return files


def _paths(folder: Path) -> Iterator[Path]:
    """The files that belong to a rule set, in order; hidden folders and links out of the folder are left alone."""
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(place) / name
            if is_rule_set_file(path.relative_to(folder).as_posix()) and path.is_file():
                yield path


def write_new(files: dict[Path, str]) -> None:
    """Write files that must not exist yet, all or none.

    Raises:
        CommandFailed: one exists, or cannot be written.
    """
    existing = [str(path) for path in files if path.exists()]
    if existing:
        raise CommandFailed(f"{existing[0]} exists already; nothing was written")
    try:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandFailed(f"{error.filename}: {error.strerror}") from error
