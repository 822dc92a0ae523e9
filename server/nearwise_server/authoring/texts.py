"""Reading one file of a rule set: YAML or JSON by its name, checked for what canonical JSON cannot hold; or a text."""

from __future__ import annotations

from nearwise_server.authoring.json_text import read_json
from nearwise_server.authoring.located import Lines, LocatedProblem, Place, Source, TextLimits, TooMuchError
from nearwise_server.authoring.yaml_text import read_yaml

SUFFIXES = (".yaml", ".yml", ".json")
"""How the files of a rule set end."""


_LONGEST = 400


def read_source(file: str, text: str, limits: TextLimits | None = None) -> tuple[Source | None, list[LocatedProblem]]:
    """Read the text of `file`: the source when it could be read at all, and every problem of the text."""
    limits = limits or TextLimits()
    problems: list[LocatedProblem] = []

    def report(place: Place, code: str, message: str) -> None:
        if len(problems) >= limits.problems:
            raise TooMuchError(place, f"more than {limits.problems} problems; the rest of the file was not read")
        short = message if len(message) <= _LONGEST else message[: _LONGEST - 3] + "..."
        problems.append(LocatedProblem(file, place.line, place.column, code, short))

    text = text.removeprefix("\ufeff")
    if len(text) > limits.file_bytes or len(text.encode("utf-8", "surrogatepass")) > limits.file_bytes:
        problems.append(LocatedProblem(file, 0, 0, "too_large", f"larger than {limits.file_bytes} bytes"))
        return None, problems
    lone = next((at for at, character in enumerate(text) if "\ud800" <= character <= "\udfff"), None)
    if lone is not None:
        line = text.count("\n", 0, lone) + 1
        report(Place(line, lone - text.rfind("\n", 0, lone)), "encoding", "not UTF-8 text")
        return None, problems
    root = (read_json if file.endswith(".json") else read_yaml)(text, limits, report)
    if root is None and not problems:
        problems.append(LocatedProblem(file, 0, 0, "empty", "the file is empty"))
    return (Source(file, root) if root is not None else None), problems


def read_lines(file: str, text: str, limits: TextLimits | None = None) -> tuple[Lines | None, list[LocatedProblem]]:
    """Read a text that is no document; what is in it is checked where it is used."""
    most = (limits or TextLimits()).list_bytes
    if len(text) > most:
        return None, [LocatedProblem(file, 0, 0, "too_large", f"larger than {most} bytes")]
    return Lines(file, text), []
