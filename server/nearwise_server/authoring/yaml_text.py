"""YAML with the core schema of YAML 1.2, read from PyYAML's events: no tags, no code, nothing guessed.

PyYAML's own schema is YAML 1.1, where `no` is false, `06:00` is 360 and `2026-11-23` a date. Here they are strings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from nearwise_server.authoring.located import Node, Place, Report, TextLimits, TooMuchError, TreeBuilder

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEAN = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_STRING_TAGS = frozenset({"!", "tag:yaml.org,2002:str"})
_LONGEST_NUMBER = 400

_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(text: str, limits: TextLimits, report: Report) -> Node | None:
    """The located tree of one YAML document; None, with the problem reported, when it cannot be read."""
    builder = TreeBuilder(limits, report)
    try:
        _YamlReader(builder).read(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place, message = Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1), _syntax_message(error)
        if "nesting depth" in message:  # libyaml counts levels too, to a limit far above ours, before we see an event
            report(place, "too_large", f"nested deeper than {limits.depth} levels")
        else:
            report(place, "syntax", message)
        return None
    except yaml.YAMLError as error:
        report(Place(1, 1), "syntax", f"not YAML: {str(error).splitlines()[0]}")
        return None
    except TooMuchError as error:
        report(error.place, "too_large", str(error))
        return None
    return builder.root


def _syntax_message(error: yaml.MarkedYAMLError) -> str:
    message = error.problem or "not YAML"
    if message == "found character that cannot start any token":
        return "nothing begins with a tab, '@', '`' or '%': indent with spaces, and put such texts in quotes"
    if error.context and error.context_mark:
        return f"{message} {error.context} that began on line {error.context_mark.line + 1}"
    return message


class _YamlReader:
    """Turns parser events into nodes; knows the anchors seen so far."""

    def __init__(self, builder: TreeBuilder) -> None:
        self._builder = builder
        self._anchors: dict[str, Node] = {}
        self._open: set[int] = set()
        self._documents = 0

    def read(self, events: Iterator[Event]) -> None:
        for event in events:
            if isinstance(event, DocumentStartEvent):
                self._documents += 1
                if self._documents > 1:
                    raise TooMuchError(_place(event), "a file holds one document, this is a second one")
            elif isinstance(event, ScalarEvent):
                self._scalar(event)
            elif isinstance(event, MappingStartEvent | SequenceStartEvent):
                self._start(event)
            elif isinstance(event, MappingEndEvent | SequenceEndEvent):
                self._open.discard(id(self._builder.close()))
            elif isinstance(event, AliasEvent):
                self._alias(event)

    def _scalar(self, event: ScalarEvent) -> None:
        if self._builder.key_is_due():
            self._builder.key(event.value, _place(event))
            return
        self._refuse_tag(event, _STRING_TAGS)
        node = Node(_place(event), scalar=self._value(event))
        self._remember(event.anchor, node)
        self._builder.add(node)

    def _start(self, event: MappingStartEvent | SequenceStartEvent) -> None:
        if self._builder.key_is_due():
            raise TooMuchError(_place(event), "a key is a single word or a quoted text")
        self._refuse_tag(event, frozenset())
        mapping = isinstance(event, MappingStartEvent)
        node = Node(_place(event), members={} if mapping else None, items=None if mapping else [])
        self._remember(event.anchor, node)
        self._open.add(id(node))
        self._builder.open(node)

    def _alias(self, event: AliasEvent) -> None:
        target = self._anchors.get(event.anchor or "")
        if target is None or self._builder.key_is_due() or id(target) in self._open:
            raise TooMuchError(_place(event), f"alias '*{event.anchor}' has no complete value to stand for")
        self._builder.add(target)

    def _remember(self, anchor: str | None, node: Node) -> None:
        if anchor is not None:
            self._anchors[anchor] = node

    def _refuse_tag(self, event: ScalarEvent | MappingStartEvent | SequenceStartEvent, allowed: frozenset[str]) -> None:
        if event.tag is not None and event.tag not in allowed:
            self._builder.report(_place(event), "tag", f"tags such as {event.tag} are not used in rule sets")

    def _value(self, event: ScalarEvent) -> bool | int | float | str | None:
        plain = event.style in (None, "") and event.tag is None
        value = resolve(event.value) if plain else event.value
        if plain and _NOT_FINITE.fullmatch(event.value):
            self._builder.report(_place(event), "not_finite", f"{event.value} is not a finite number")
            return None
        return value


def resolve(text: str) -> bool | int | float | str | None:
    """The value of a plain scalar in the core schema (YAML 1.2.2, section 10.3.2)."""
    if text in _NULL:
        return None
    if text in _BOOLEAN:
        return _BOOLEAN[text]
    if len(text) > _LONGEST_NUMBER:
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _BASED.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


def _place(event: Event) -> Place:
    mark = event.start_mark
    return Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
