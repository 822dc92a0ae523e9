"""Files of traits: CSV with a column `subject`, or a line of JSON for each subject, read piece by piece."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

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


def read_trait_lines(text: Iterable[str], path: Path) -> Iterator[TraitLine]:
    """The subjects of an opened file whose name says what it is.

    Raises:
        CommandFailed: the file is neither, or a line of it cannot be read.
    """
    suffix = path.suffix.lower()
    if suffix != ".csv" and suffix not in _JSON_LINES:
        raise CommandFailed(f"{path}: a file of traits ends in .csv, .jsonl or .ndjson")
    try:
        yield from _csv_lines(text, path) if suffix == ".csv" else _json_lines(text, path)
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


def _json_lines(text: Iterable[str], path: Path) -> Iterator[TraitLine]:
    for number, line in enumerate(text, 1):
        if not line.strip():
            continue
        try:
            json.loads(line)
        except (ValueError, RecursionError):
            raise CommandFailed(f"{path}:{number}  not JSON", REFUSED) from None
        yield TraitLine(number, line.strip().encode())


def _csv_lines(text: Iterable[str], path: Path) -> Iterator[TraitLine]:
    reader = csv.reader(text, strict=True)
    names = next(reader, list[str]())
    if "subject" not in names or len(names) != len(set(names)) or "" in names:
        raise CommandFailed(f"{path}:1  the first line names the columns, each once, one of them 'subject'", REFUSED)
    for cells in reader:
        if not cells:
            continue
        if len(cells) != len(names):
            raise CommandFailed(
                f"{path}:{reader.line_num}  {len(cells)} cells, and there are {len(names)} columns", REFUSED
            )
        row = dict(zip(names, cells, strict=True))
        subject = row.pop("subject")
        traits: dict[str, Json] = {name: read_value(cell, "a cell") for name, cell in row.items() if cell}
        yield TraitLine(reader.line_num, json.dumps({"subject": subject, "traits": traits}).encode())
