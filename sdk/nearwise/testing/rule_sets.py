"""Rule sets as tests write them, made into signed bundles.

A rule set is a folder, the same files as a mapping from path to document, or the short form
`{"attributes": {...}, "flags": {...}, "offers": {...}, "placements": {...}, "settings": {...}}` with a member for each
file and folder (see `MEMBERS`).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, cast

from nearwise.errors import NearwiseError
from nearwise_rules import (
    Bundle,
    Manifest,
    Signer,
    assemble,
    development_signer,
    is_rule_set_file,
    is_text_of_audience,
    pack_bundle,
    seal,
)

if TYPE_CHECKING:
    from nearwise_rules import Json, JsonObject

Source = str | os.PathLike[str] | Mapping[str, object]
"""A folder, files by path, or the short form."""

TENANT = "testing"
_LISTED = ("attributes", "segments", "events", "layers", "caps")
_FOLDERS = ("flags", "offers", "placements", "models", "experiments", "triggers")
MEMBERS = ("settings", *_LISTED, *_FOLDERS, "audiences", "cases")
"""The members of the short form."""

ISSUED = 1_767_225_600.0
"""2026-01-01T00:00:00Z, when bundles of this module were issued unless the test says otherwise."""


class RuleSetInvalid(NearwiseError, ValueError):
    """A rule set has problems; the message lists all of them."""


def signer() -> Signer:
    """The key that test bundles are signed with: the same for everybody, so never one to trust."""
    return development_signer(b"nearwise.testing signs with this"[:32])


def packed_bundle(
    source: Source,
    *,
    version: int = 1,
    issued: float = ISSUED,
    expires: float | None = None,
    previous: Bundle | None = None,
) -> bytes:
    """A signed bundle file of a rule set. Times in Unix seconds.

    Raises:
        RuleSetInvalid: the rule set has problems.
    """
    files = rule_set_files(source)
    assembled = assemble(files, previous)
    if assembled.problems:
        raise RuleSetInvalid("\n".join(map(str, assembled.problems)))
    entries = assembled.entries
    settings = cast("JsonObject", files.get("nearwise.json") or files.get("nearwise.yaml") or {})
    manifest = Manifest(
        tenant=TENANT,
        environment=TENANT,
        audience="*",
        version=version,
        issued=issued,
        expires=expires,
        grace=cast("str", settings.get("grace", "serve")),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    ).covering(entries)
    return pack_bundle(seal(manifest.to_payload(), [signer()]), entries)


def rule_set_files(source: Source) -> dict[str, Json]:
    """The documents of a rule set by path.

    Raises:
        RuleSetInvalid: a file cannot be read.
    """
    if not isinstance(source, Mapping):
        return dict(_folder(os.fspath(source)))
    if any("." in path for path in source):
        return cast("dict[str, Json]", dict(source))
    unknown = source.keys() - set(MEMBERS)
    if unknown:
        raise RuleSetInvalid(f"a rule set has {', '.join(MEMBERS)}, not {sorted(unknown)}")
    return _short_form(cast("Mapping[str, Json]", source))


def _short_form(source: Mapping[str, Json]) -> dict[str, Json]:
    files: dict[str, Json] = {"nearwise.json": source.get("settings") or {"name": TENANT}}
    for name in _LISTED:
        if name in source:
            files[f"{name}.json"] = source[name]
    for folder in _FOLDERS:
        for key, document in cast("Mapping[str, Json]", source.get(folder) or {}).items():
            files[f"{folder}/{key}.json"] = document
    for key, audience in cast("Mapping[str, Json]", source.get("audiences") or {}).items():
        files[f"audiences/{key}.json"] = {"keys": audience} if isinstance(audience, list) else audience
    if "cases" in source:
        files["cases/cases.json"] = source["cases"]
    return files


def _folder(folder: str) -> Iterator[tuple[str, Json]]:
    if not os.path.isdir(folder):
        raise RuleSetInvalid(f"{folder!r} is not a folder")
    for parent, names, files in os.walk(folder):
        names[:] = sorted(name for name in names if not name.startswith("."))
        for name in sorted(files):
            path = os.path.join(parent, name)
            file = os.path.relpath(path, folder).replace(os.sep, "/")
            if is_rule_set_file(file):
                yield file, _document(path, is_text=is_text_of_audience(file))


def _document(path: str, *, is_text: bool) -> Json:
    with open(path, encoding="utf-8", errors="surrogateescape" if is_text else "strict") as file:
        text = file.read()
    if is_text:
        return text
    try:
        return cast("Json", json.loads(text) if path.endswith(".json") else _yaml(text))
    except ValueError as error:
        raise RuleSetInvalid(f"{path}: {error}") from error


def _yaml(text: str) -> object:
    """YAML as the command reads it: words stay words, times stay texts (YAML 1.2's core schema)."""
    try:
        import yaml
    except ImportError:
        raise RuleSetInvalid('rule sets in YAML need PyYAML: pip install "nearwise[server]"') from None

    class Loader(yaml.SafeLoader):
        yaml_implicit_resolvers = {}  # noqa: RUF012  the class attribute that PyYAML reads

    add = cast("Callable[[str, re.Pattern[str], list[str]], None]", getattr(Loader, "add_implicit_resolver"))  # noqa: B009
    core = "tag:yaml.org,2002:"
    add(f"{core}null", re.compile(r"(~|null|Null|NULL|)$"), ["~", "n", "N", ""])
    add(f"{core}bool", re.compile(r"([tT]rue|TRUE|[fF]alse|FALSE)$"), list("tTfF"))
    add(f"{core}int", re.compile(r"[-+]?(0|[1-9][0-9]*)$"), list("-+0123456789"))
    number = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$")
    add(f"{core}float", number, list("-+.0123456789"))
    try:
        return cast("object", yaml.load(text, Loader))  # noqa: S506  a safe loader
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error
