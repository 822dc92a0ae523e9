"""JSON (RFC 8259), read with the place of every value; nesting never costs Python stack."""

from __future__ import annotations

import re
from json import JSONDecodeError, JSONDecoder

from nearwise_server.authoring.located import Node, Place, Report, TextLimits, TooMuchError, TreeBuilder

_SPACE = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_WORD = {"true": True, "false": False, "null": None}
_WORDS = re.compile("true|false|null")
_STRINGS = JSONDecoder()
_CLOSING = {"{": "}", "[": "]"}


def read_json(text: str, limits: TextLimits, report: Report) -> Node | None:
    """The located tree of a JSON text; None, with the problem reported, when it cannot be read."""
    builder = TreeBuilder(limits, report)
    reader = _JsonReader(text, builder)
    try:
        reader.read()
    except JSONDecodeError as error:
        report(Place(error.lineno, error.colno), "syntax", error.msg)
        return None
    except TooMuchError as error:
        report(error.place, "too_large", str(error))
        return None
    return builder.root


class _JsonReader:
    """A cursor over the text; the builder's stack is the only nesting."""

    def __init__(self, text: str, builder: TreeBuilder) -> None:
        self._text = text
        self._builder = builder
        self._at = 0
        self._line = 1
        self._line_start = 0
        self._counted = 0

    def read(self) -> None:
        self._value()
        while self._builder.stack:
            self._after_value()
        self._skip()
        if self._at < len(self._text):
            raise self._error("more text after the value")

    def _after_value(self) -> None:
        """Inside a container: its first or next member, or its end."""
        node, _ = self._builder.stack[-1]
        closing = "}" if node.members is not None else "]"
        empty = not (node.members or node.items)
        self._skip()
        if self._peek() == closing:
            self._at += 1
            self._builder.close()
            return
        if not empty:
            self._expect(",", f"',' or '{closing}' expected")
        if node.members is not None:
            self._key()
        self._value()

    def _key(self) -> None:
        self._skip()
        if self._peek() != '"':
            raise self._error("a key in double quotes expected")
        place = self._place()
        self._builder.key(self._string(), place)
        self._expect(":", "':' expected after a key")

    def _value(self) -> None:
        self._skip()
        place = self._place()
        character = self._peek()
        if character in _CLOSING:
            self._at += 1
            mapping = character == "{"
            self._builder.open(Node(place, members={} if mapping else None, items=None if mapping else []))
            return
        self._builder.add(Node(place, scalar=self._scalar(character)))

    def _scalar(self, character: str) -> bool | int | float | str | None:
        if character == '"':
            return self._string()
        if word := _WORDS.match(self._text, self._at):
            self._at = word.end()
            return _WORD[word.group()]
        number = _NUMBER.match(self._text, self._at)
        if number is None:
            raise self._error("a value expected")
        start, self._at = self._at, number.end()
        if number.group(1) is None and number.group(2) is None and number.end() - start < 400:
            return int(number.group())
        value = float(number.group())
        if value in (float("inf"), float("-inf")):
            raise self._error("a finite number expected", start)
        return value

    def _string(self) -> str:
        value, self._at = _STRINGS.raw_decode(self._text, self._at)
        return str(value)

    def _expect(self, character: str, message: str) -> None:
        self._skip()
        if self._peek() != character:
            raise self._error(message)
        self._at += 1

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _skip(self) -> None:
        space = _SPACE.match(self._text, self._at)
        self._at = space.end() if space else self._at

    def _place(self) -> Place:
        """The line is counted on from the last place asked for, so that a whole file costs one pass."""
        newlines = self._text.count("\n", self._counted, self._at)
        if newlines:
            self._line += newlines
            self._line_start = self._text.rfind("\n", self._counted, self._at) + 1
        self._counted = self._at
        return Place(self._line, self._at - self._line_start + 1)

    def _error(self, message: str, at: int | None = None) -> JSONDecodeError:
        return JSONDecodeError(message, self._text, self._at if at is None else at)
