"""Texts with placeholders, by pystache: Mustache, of which offers use two tags.

`{{ store.name }}` is the value of an attribute; `{{^ store.name }}our shop{{/ store.name }}` is what stands there when
it is missing. Values are put in as they are and never read as templates. Imported with the first such text, as is the
library.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Protocol, cast

from pystache.parser import ParsingError, parse  # pyright: ignore[reportUnknownVariableType]

from nearwise_rules.content.placeholders import NAME

LONGEST_TEXT = 4_000
"""Characters of a text with placeholders."""

MOST_TAGS = 40
"""Tags of one text."""

_NAME = re.compile(NAME, re.ASCII)
_DELIMITERS = re.compile(r"\{\{\s*=")
_TAG = re.compile(r"\{\{\{?[^{}]{1,200}\}\}")
_EMPTY = re.compile(r"\{\{\s*\^[^{}]*\}\}\s*\{\{\s*/")


class _Parsed(Protocol):
    """What the library makes of a text: it asks an engine for each tag."""

    def render(self, engine: object, context: object) -> str: ...


class _Details(Protocol):
    """What the library says of a tag that has no partner."""

    tag_type: str
    tag_key: str


class _Engine:
    """What the library asks while it fills a text: values are texts by name, nothing is escaped."""

    def fetch_string(self, values: Mapping[str, str], name: str) -> str:
        return values.get(name, "")

    def resolve_context(self, values: Mapping[str, str], name: str) -> str | None:
        return values.get(name)

    def escape(self, text: str) -> str:
        return text


class _Survey:
    """An engine that notes the tags of a text and refuses those that offers do not use.

    Raises:
        ValueError: a tag that offers do not use.
    """

    def __init__(self, *, everything_is_there: bool) -> None:
        self.names: list[str] = []
        self.fallbacks: list[str] = []
        self._there = everything_is_there

    def fetch_string(self, _values: object, name: str) -> str:
        self.names.append(_checked(name))
        return ""

    def resolve_context(self, _values: object, name: str) -> bool:
        self.fallbacks.append(_checked(name))
        return self._there

    def escape(self, text: str) -> str:
        return text

    def literal(self, _text: str) -> str:
        name = self.names[-1]
        raise ValueError(f"write '{{{{ {name} }}}}': nothing is escaped, so there is no other form")

    def fetch_section_data(self, _values: object, name: str) -> object:
        raise ValueError(f"'{{{{# {name} }}}}': the texts of offers have no sections and no loops")

    def resolve_partial(self, name: str) -> str:
        raise ValueError(f"'{{{{> {name} }}}}': the texts of offers include no others")


_ENGINE: Final = _Engine()


class Template:
    """A parsed text. `required` are the attributes that it names and states no fallback for."""

    __slots__ = ("_parsed", "reads", "required", "unused_fallbacks")

    def __init__(self, parsed: _Parsed, outer: _Survey) -> None:
        names, fallbacks = dict.fromkeys(outer.names), dict.fromkeys(outer.fallbacks)
        self._parsed = parsed
        self.reads = tuple(dict.fromkeys((*names, *fallbacks)))
        self.required = tuple(name for name in names if name not in fallbacks)
        self.unused_fallbacks = tuple(name for name in fallbacks if name not in names)

    def fill(self, values: Mapping[str, str]) -> str:
        """The text with these values in it."""
        return self._parsed.render(_ENGINE, values)


def parse_template(text: str) -> Template:
    """Parse a text with placeholders.

    Raises:
        ValueError: it is too long, or has a tag that is not closed or that offers do not use.
    """
    if len(text) > LONGEST_TEXT or text.count("{{") > MOST_TAGS:
        raise ValueError(f"a text with placeholders has at most {LONGEST_TEXT:,} characters and {MOST_TAGS} tags")
    if _DELIMITERS.search(text):
        raise ValueError("the texts of offers keep '{{' and '}}'")
    # The library takes cubic time over a tag that is not closed.
    if len(_TAG.findall(text)) != text.replace("{{{", "{{").count("{{"):
        raise ValueError("'{{' is not closed by '}}'")
    if _EMPTY.search(text):
        raise ValueError("an empty fallback would leave a hole")
    parsed = _parsed(text)
    outer, whole = _Survey(everything_is_there=True), _Survey(everything_is_there=False)
    parsed.render(outer, None)
    parsed.render(whole, None)
    if (outer.names, outer.fallbacks) != (whole.names, whole.fallbacks):
        raise ValueError("a fallback is plain text, without placeholders")
    return Template(parsed, outer)


def _parsed(text: str) -> _Parsed:
    try:
        return cast("_Parsed", parse(text, raise_on_mismatch=True))
    except ParsingError as error:
        details = cast("_Details", error.info)  # pyright: ignore[reportUnknownMemberType]
        if details.tag_type == "/":
            raise ValueError(f"'{{{{/ {details.tag_key} }}}}' closes nothing that is open there") from None
        raise ValueError(f"a '{{{{{details.tag_type}' is not closed by its '{{{{/'") from None


def _checked(name: str) -> str:
    if _NAME.fullmatch(name):
        return name
    first = name.partition("|")[0].strip()
    if "|" in name and _NAME.fullmatch(first):
        form = f"{{{{ {first} }}}}{{{{^ {first} }}}}text{{{{/ {first} }}}}"
        raise ValueError(f"'{name}' is no attribute; with a text for when it is missing, write {form}")
    raise ValueError(f"'{name}' is no name of an attribute")
