"""The shape of each file: pydantic over the documents of `nearwise_rules`, strict, and the JSON Schema for editors."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from pydantic import TypeAdapter, ValidationError

from nearwise_rules import (
    Attribute,
    Audience,
    Case,
    ContactCap,
    Entry,
    EventDeclaration,
    Experiment,
    FileProblem,
    Flag,
    Layer,
    Model,
    Offer,
    Placement,
    RuleSetSettings,
    Segment,
    Trigger,
    is_text_of_audience,
)

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

KINDS = (
    "settings",
    "attributes",
    "segments",
    "events",
    "caps",
    "flag",
    "offer",
    "placement",
    "experiment",
    "layers",
    "model",
    "audience",
    "trigger",
    "cases",
)
"""What a file of a rule set can hold; also the names of the schemas."""

DERIVED = ("ranges", "cells", "quotas", "quota", "throttle")
"""Fields that the build fills in."""

_PHRASES: Mapping[str, str] = {
    "string_type": "a text is expected here",
    "bool_type": "true or false is expected here",
    "float_type": "a number is expected here",
    "int_type": "a whole number is expected here",
    "tuple_type": "a list is expected here",
    "list_type": "a list is expected here",
    "mapping_type": "a map is expected here",
    "dict_type": "a map is expected here",
    "dataclass_type": "a map of fields is expected here",
}


def kind_of_file(file: str) -> str | None:
    """What a file holds, by its place in the folder; None when it belongs to no rule set of this version."""
    if is_text_of_audience(file):
        return None
    stem = file.rsplit(".", 1)[0]
    return _FOLDERS.get(stem.rpartition("/")[0]) if "/" in stem else _NAMES.get(stem)


_FOLDERS = {
    "flags": "flag",
    "offers": "offer",
    "placements": "placement",
    "experiments": "experiment",
    "models": "model",
    "audiences": "audience",
    "triggers": "trigger",
    "cases": "cases",
}
_NAMES = {
    "nearwise": "settings",
    "attributes": "attributes",
    "segments": "segments",
    "events": "events",
    "caps": "caps",
    "layers": "layers",
}


MAX_SHAPE_PROBLEMS = 100
"""So many wrong shapes are told of one file; the rest shows when these are mended."""


def check_structure(file: str, document: object) -> Iterator[FileProblem]:
    """Every place where a document does not have the shape of its kind of file."""
    kind = kind_of_file(file)
    if kind is None:
        return
    try:
        # Strict JSON mode: a list is a tuple and an object a dataclass, and nothing else is converted.
        _adapter(kind).validate_json(json.dumps(document), strict=True)
    except ValidationError as error:
        details = sorted(error.errors(include_url=False), key=lambda detail: detail["type"] == "literal_error")
        known: set[str] = set()
        for detail in details[:MAX_SHAPE_PROBLEMS]:
            problem = _problem(file, document, detail)
            if detail["type"] != "literal_error" or not any(place.startswith(problem.pointer) for place in known):
                known.add(problem.pointer)
                yield problem


def read_settings(entries: Iterable[Entry]) -> RuleSetSettings:
    """The settings among the entries; the defaults where they are wrong."""
    body = next((entry.body for entry in entries if entry.kind == "settings"), b"{}")
    try:
        settings = _adapter("settings").validate_json(body, strict=True)
    except ValidationError:
        return RuleSetSettings(name="")
    return settings if isinstance(settings, RuleSetSettings) else RuleSetSettings(name="")


def json_schema(kind: str) -> dict[str, object]:
    """The JSON Schema (draft 2020-12) of one kind of file, without the fields that only the build fills in."""
    schema = _adapter(kind).json_schema()
    for definition in (schema, *schema.get("$defs", {}).values()):
        for name in DERIVED:
            definition.get("properties", {}).pop(name, None)
    one = {"flag": "a flag", "offer": "an offer", "placement": "a placement", "model": "a model"}
    one |= {"audience": "an audience", "experiment": "an experiment", "trigger": "a trigger"}
    title = {**one, "cases": "golden cases"}.get(kind, kind)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": f"Nearwise: {title}",
    }


@cache
def _adapter(kind: str) -> TypeAdapter[object]:
    # pydantic looks names up in the calling frame: Any stands in for the recursive alias in documents.py.
    Json = Any  # noqa: N806, F841  # pyright: ignore[reportUnusedVariable]
    adapters: dict[str, TypeAdapter[object]] = {
        "settings": TypeAdapter(RuleSetSettings),
        "attributes": TypeAdapter(dict[str, Attribute]),
        "segments": TypeAdapter(dict[str, Segment]),
        "caps": TypeAdapter(dict[str, ContactCap]),
        "events": TypeAdapter(dict[str, EventDeclaration]),
        "flag": TypeAdapter(Flag),
        "offer": TypeAdapter(Offer),
        "placement": TypeAdapter(Placement),
        "experiment": TypeAdapter(Experiment),
        "layers": TypeAdapter(dict[str, Layer]),
        "model": TypeAdapter(Model),
        "audience": TypeAdapter(Audience),
        "trigger": TypeAdapter(Trigger),
        "cases": TypeAdapter(list[Case]),
    }
    return adapters[kind]


def _problem(file: str, document: object, detail: ErrorDetails) -> FileProblem:
    kind = detail["type"]
    pointer = _pointer(document, detail["loc"])
    if kind == "missing":
        return FileProblem(file, pointer, "missing_field", f"'{detail['loc'][-1]}' is missing")
    if kind == "unexpected_keyword_argument":
        return FileProblem(file, pointer, "unknown_field", f"unknown field '{detail['loc'][-1]}'", of_key=True)
    return FileProblem(file, pointer, "structure", _PHRASES.get(kind) or detail["msg"].lower())


def _pointer(document: object, location: tuple[int | str, ...]) -> str:
    """The JSON pointer of pydantic's location, without the names of union members that pydantic puts between."""
    pointer, value = "", document
    for token in location:
        below = _child(value, token)
        if below is not None:
            value = below[0]
            pointer += "/" + str(token).replace("~", "~0").replace("/", "~1")
    return pointer


def _child(value: object, token: int | str) -> tuple[object] | None:
    """The member or item of that name, in a tuple; None when there is none."""
    if isinstance(value, dict):
        members = cast("dict[object, object]", value)
        return (members[token],) if token in members else None
    if isinstance(value, list) and isinstance(token, int):
        items = cast("list[object]", value)
        return (items[token],) if token < len(items) else None
    return None
