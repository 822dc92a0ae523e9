"""Which file of a rule set holds what: the layout of its folder, and its documents sorted by kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from posixpath import join, normpath

from nearwise_rules.documents import Json
from nearwise_rules.rulesets.parts import FileProblem, Part, Report, article, did_you_mean

SUFFIXES = (".yaml", ".yml", ".json")
"""How the files of a rule set end; others beside them are left alone."""

AUDIENCES = "audiences"
"""The folder of audiences: beside a document, or instead of it, an audience has a text in one of these forms."""

TEXTS = (".txt", ".filter")

LISTED = {
    "attributes": "attribute",
    "segments": "segment",
    "events": "event",
    "caps": "cap",
    "layers": "layer",
}
"""Files that hold many documents, each under its key: stem of the file -> kind."""

FOLDERS = {
    "flags": "flag",
    "offers": "offer",
    "placements": "placement",
    "models": "model",
    "experiments": "experiment",
    "triggers": "trigger",
    AUDIENCES: "audience",
}
"""Folders that hold a document in each file: name of the folder -> kind."""

EVERY_OTHER = "*"
"""In events.yaml: what holds for each event that is not declared by its name."""

_SINGLE = ("nearwise", *LISTED)
_FOLDERS = (*FOLDERS, "cases")


@dataclass(slots=True)
class Sources:
    """The documents of a rule set, in the order of the files: the settings, the others by kind and key.

    `texts` are the lists and filters of audiences, by file.
    """

    settings: Part | None = None
    kinds: dict[str, dict[str, Part]] = field(default_factory=dict[str, "dict[str, Part]"])
    texts: dict[str, Part] = field(default_factory=dict[str, Part])

    def __getitem__(self, kind: str) -> dict[str, Part]:
        return self.kinds.setdefault(kind, {})


def is_rule_set_file(path: str) -> bool:
    """Whether a file belongs to a rule set: by how it ends, and nothing hidden."""
    ends_well = path.endswith(SUFFIXES) or is_text_of_audience(path)
    return ends_well and not any(name.startswith(".") for name in path.split("/"))


def is_text_of_audience(path: str) -> bool:
    """Whether a file of a rule set is a list of keys, or a filter built of one: no document but a text."""
    return path.startswith(f"{AUDIENCES}/") and path.endswith(TEXTS)


def sort_files(files: Mapping[str, Json], report: Report) -> Sources:
    """Sort the documents of `files` (path within the rule set -> document) by what they hold."""
    sources = Sources()
    stems: dict[str, str] = {}
    for file in sorted(filter(is_rule_set_file, files)):
        if is_text_of_audience(file):
            sources.texts[file] = Part(file, "", files[file], report)
            continue
        stem = file.rsplit(".", 1)[0]
        if stem in stems:
            report(FileProblem(file, "", "duplicate_key", f"'{stem}' is also in {stems[stem]}"))
            continue
        stems[stem] = file
        if files[file] is None:
            report(FileProblem(file, "", "empty", "the file is empty"))
            continue
        _take(sources, stem, Part(file, "", files[file], report))
    _take_texts(sources)
    return sources


def _take(sources: Sources, stem: str, part: Part) -> None:
    folder, _, key = stem.rpartition("/")
    if stem == "nearwise":
        sources.settings = part
    elif stem in LISTED:
        sources[LISTED[stem]].update(_checked(part.members(), LISTED[stem]))
    elif folder in FOLDERS:
        sources[FOLDERS[folder]].update(_checked({key: part}, FOLDERS[folder]))
    elif folder == "cases":
        _take_cases(sources, key, part)
    else:
        first, *inner = stem.split("/")
        if first in _FOLDERS and inner:
            part.problem("unknown_file", f"'{first}/' has no folders inside: its files lie directly in it")
            return
        guess = did_you_mean(first, _FOLDERS if "/" in stem else _SINGLE)
        part.problem("unknown_file", f"'{first}{'/' if '/' in stem else ''}' is not known to this version{guess}")


def _take_texts(sources: Sources) -> None:
    """Audiences that are a list and nothing else. A list that another audience names as `known` is none."""
    known = {known_file(part.get("known").value) for part in sources["audience"].values()}
    for file, part in sources.texts.items():
        folder, _, name = file.rpartition("/")
        key = name.rsplit(".", 1)[0]
        if file in known or (folder == AUDIENCES and key in sources["audience"]):
            continue
        if folder == AUDIENCES:
            sources["audience"].update(_checked({key: Part(file, "", {}, part.report)}, "audience"))
        else:
            part.problem("unknown_file", "no audience names this list as 'known', and audiences lie in no folder")


def known_file(name: Json) -> str | None:
    """The path within the rule set of the list that an audience names as `known`, beside its own file."""
    return normpath(join(AUDIENCES, name)) if isinstance(name, str) and name else None


def _take_cases(sources: Sources, stem: str, part: Part) -> None:
    if "#" in stem:  # it stands between the file and the case in the key of an entry
        part.problem("bad_name", "the name of a file of cases has no '#'")
        return
    for case in part.items():
        name = case.get("name").text()
        if name is None:
            continue
        key = f"{stem}#{name}"
        if key in sources["case"]:
            case.get("name").problem("duplicate_key", f"a case named '{name}' is already in this file")
        elif not _is_name(name) or len(key.encode()) > 256:
            case.get("name").problem("bad_name", "the name of a case is printable and at most 200 bytes long")
        else:
            sources["case"][key] = case


def _checked(members: Mapping[str, Part], kind: str) -> dict[str, Part]:
    good: dict[str, Part] = {}
    for key, member in members.items():
        if is_key(key) or (kind == "event" and key == EVERY_OTHER):
            good[key] = member
        else:
            message = f"'{key}' cannot name {article(kind)}: letters, digits, '.', '_' and '-', at most 128"
            member.problem("bad_name", message, of_key=True)
    return good


def is_key(key: str) -> bool:
    """Whether `key` can name an attribute, a segment or a flag."""
    plain = key.replace(".", "").replace("_", "").replace("-", "")
    return 0 < len(key) <= 128 and plain.isascii() and plain.isalnum()


def _is_name(name: str) -> bool:
    return bool(name.strip()) and name.isprintable()
