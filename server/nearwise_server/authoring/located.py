"""Values that remember where they were written: the tree that the YAML and the JSON reader make."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from nearwise_rules import Json


class Place(NamedTuple):
    """A position in a text; both count from one, columns in characters."""

    line: int
    column: int


@dataclass(frozen=True)
class LocatedProblem:
    """One thing wrong in a rule set: where, a stable code and a sentence. `line` is 0 when a whole file is meant."""

    file: str
    line: int
    column: int
    code: str
    message: str

    @property
    def where(self) -> str:
        """`file:line:column`, as editors and CI understand it."""
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file

    def __str__(self) -> str:
        return f"{self.where}  {self.message}"


@dataclass(frozen=True)
class TextLimits:
    """Bounds of one file: bytes, nesting, number of values with every alias counted out, problems told.

    `list_bytes` is for the keys of an audience.
    """

    file_bytes: int = 1_048_576
    list_bytes: int = 512 * 1_048_576
    depth: int = 200
    values: int = 50_000
    problems: int = 100


@dataclass(eq=False)
class Node:
    """A value and its place. `size` counts the values in it; aliases share one node."""

    place: Place
    scalar: bool | int | float | str | None = None
    members: dict[str, Node] | None = None
    items: list[Node] | None = None
    keys: dict[str, Place] = field(default_factory=dict[str, Place])
    size: int = 1

    def to_json(self) -> Json:
        """The plain value."""
        if self.members is not None:
            return {key: member.to_json() for key, member in self.members.items()}
        if self.items is not None:
            return [item.to_json() for item in self.items]
        return self.scalar

    def child(self, token: str) -> Node | None:
        """The member or item that one token of a JSON pointer names."""
        if self.members is not None:
            return self.members.get(token)
        if self.items is not None and token.isdecimal() and int(token) < len(self.items):
            return self.items[int(token)]
        return None


@dataclass(frozen=True)
class Source:
    """One file, read: its plain document, and where each of its values stands."""

    file: str
    root: Node

    @property
    def document(self) -> Json:
        return self.root.to_json()

    def place(self, pointer: str, *, of_key: bool = False) -> Place:
        """Where the value at a JSON pointer starts, or its key; the nearest enclosing value when it does not exist."""
        node = self.root
        tokens = [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]
        for depth, token in enumerate(tokens, start=1):
            below = node.child(token)
            if below is None:
                return node.place
            if of_key and depth == len(tokens):
                return node.keys.get(token, below.place)
            node = below
        return node.place


@dataclass(frozen=True)
class Lines:
    """A text that is no document: a list of keys, or a filter. The JSON pointer `/3` is its fourth line."""

    file: str
    document: str

    def place(self, pointer: str, *, of_key: bool = False) -> Place:  # noqa: ARG002  as `Source.place`
        """Where a line starts; line 0 when the whole text is meant."""
        return Place(int(pointer[1:]) + 1, 1) if pointer[1:].isdecimal() else Place(0, 0)


Report = Callable[[Place, str, str], None]
"""Takes a problem of a text: where, its code, a sentence."""


@dataclass
class TreeBuilder:
    """Puts a located tree together from the events of a reader, within limits."""

    limits: TextLimits
    report: Report
    stack: list[tuple[Node, str | None]] = field(default_factory=list[tuple[Node, "str | None"]])
    root: Node | None = None
    values: int = 0

    def key_is_due(self) -> bool:
        """Whether the next scalar is the key of a member."""
        return bool(self.stack) and self.stack[-1][0].members is not None and self.stack[-1][1] is None

    def key(self, text: str, place: Place) -> None:
        """The key of the next member; a repeated one is reported and its later value wins."""
        node, _ = self.stack[-1]
        self._check(text, place)
        if node.members is not None and text in node.members:
            first = node.keys[text]
            self.report(place, "duplicate_key", f"'{text}' is here twice (first on line {first.line})")
        node.keys[text] = place
        self.stack[-1] = (node, text)

    def add(self, node: Node) -> None:
        """A complete value, or an open one that `open` is about to enter."""
        self.values += node.size
        self._check(node.scalar, node.place)
        if self.values > self.limits.values:
            raise TooMuchError(node.place, f"more than {self.limits.values} values, aliases counted out")
        if not self.stack:
            self.root = node
            return
        parent, key = self.stack[-1]
        if parent.members is not None and key is not None:
            parent.members[key] = node
            self.stack[-1] = (parent, None)
        elif parent.items is not None:
            parent.items.append(node)

    def open(self, node: Node) -> None:
        """Add a mapping or a sequence; what follows belongs to it until `close`."""
        self.add(node)
        self.stack.append((node, None))
        if len(self.stack) > self.limits.depth:
            raise TooMuchError(node.place, f"nested deeper than {self.limits.depth} levels")

    def close(self) -> Node:
        """End the innermost open value; its size is known now."""
        node, _ = self.stack.pop()
        below: Mapping[str, Node] | list[Node] = node.members if node.members is not None else node.items or []
        node.size += sum(child.size for child in (below.values() if isinstance(below, Mapping) else below))
        return node

    def _check(self, text: object, place: Place) -> None:
        if isinstance(text, str) and not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
            self.report(place, "encoding", "half of a surrogate pair is not a character")


class TooMuchError(Exception):
    """A text went over one of its limits; reading it stopped there. Never leaves the readers."""

    def __init__(self, place: Place, message: str) -> None:
        self.place = place
        super().__init__(message)
