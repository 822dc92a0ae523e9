"""Files of traits: CSV with a column `subject`, or a line of JSON for each subject, read piece by piece."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from nearwise_rules import Json
from nearwise_server.cli.errors import REFUSED, CommandFailed
from nearwise_server.cli.questions import read_value

_PIECE_LINES = 500
_PIECE_BYTES = 1024 * 1024
_JSON_LINES = (".jsonl", ".ndjson")


@dataclass(frozen=True, slots=True)
class TraitLine:
    """One subject as it goes to the centre, and the line of the file that it comes from."""

    number: int
    body: bytes


def read_trait_lines(text: Iterable[str], path: Path, token_of: Callable[[str], str] = str) -> Iterator[TraitLine]:
    """The subjects of an opened file whose name says what it is, each under what `token_of` makes of it.

    Raises:
        CommandFailed: the file is neither, or a line of it cannot be read.
    """
    suffix = path.suffix.lower()
    if suffix != ".csv" and suffix not in _JSON_LINES:
        raise CommandFailed(f"{path}: a file of traits ends in .csv, .jsonl or .ndjson")
    try:
        rows = _csv_rows(text, path) if suffix == ".csv" else _json_rows(text, path)
        for number, row in rows:
            yield TraitLine(number, json.dumps(_with_token(row, token_of)).encode())
    except UnicodeDecodeError:
        raise CommandFailed(f"{path} is not UTF-8 text", REFUSED) from None
    except csv.Error as error:
        raise CommandFailed(f"{path}: {error}", REFUSED) from None


def pieces(lines: Iterable[TraitLine]) -> Iterator[list[TraitLine]]:
    """The lines in the portions that one request takes."""
    piece: list[TraitLine] = []
    size_bytes = 0
    for line in lines:
        size_bytes += len(line.body)
        if piece and (len(piece) == _PIECE_LINES or size_bytes > _PIECE_BYTES):
            yield piece
            piece, size_bytes = [], len(line.body)
        piece.append(line)
    if piece:
        yield piece


def _with_token(row: object, token_of: Callable[[str], str]) -> object:
    """What is no row with a subject is left to the centre to refuse."""
    if not isinstance(row, dict):
        return row
    members = cast("dict[str, object]", row)
    subject = members.get("subject")
    return members | {"subject": token_of(subject)} if isinstance(subject, str) else members


def _json_rows(text: Iterable[str], path: Path) -> Iterator[tuple[int, object]]:
    for number, line in enumerate(text, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            raise CommandFailed(f"{path}:{number}  not JSON", REFUSED) from None
        yield number, row


def _csv_rows(text: Iterable[str], path: Path) -> Iterator[tuple[int, object]]:
    reader = csv.reader(text, strict=True)
    names = next(reader, list[str]())
    if "subject" not in names or len(names) != len(set(names)) or "" in names:
        raise CommandFailed(f"{path}:1  the first line names the columns, each once, one of them 'subject'", REFUSED)
    for cells in reader:
        if not cells:
            continue
        if len(cells) != len(names):
            message = f"{path}:{reader.line_num}  {len(cells)} cells, and there are {len(names)} columns"
            raise CommandFailed(message, REFUSED)
        row = dict(zip(names, cells, strict=True))
        subject = row.pop("subject")
        traits: dict[str, Json] = {name: read_value(cell, "a cell") for name, cell in row.items() if cell}
        yield reader.line_num, {"subject": subject, "traits": traits}
