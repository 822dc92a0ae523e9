"""A rule's parts in words for marketers: attributes in backticks, values as JSON, operators between operands."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final, cast

from .javascript import number_text
from .tree import Array, Literal, Node, Variable
from .values import is_list

INFIX: Final = frozenset({"+", "-", "*", "/", "%", "==", "===", "!=", "!==", "<", "<=", ">", ">=", "and", "or", "in"})
_LONGEST: Final = 60
_MEMBERS: Final = 5
_NESTING: Final = 2
_INTEGER_BITS: Final = 128  # longer ones are shown as the nearest float


def value_in_words(value: object, nesting: int = 0) -> str:
    """A value as JSON would write it, shortened; null is "missing"."""
    if value is None:
        return "missing"
    if isinstance(value, (bool, str)):
        return shortened(json.dumps(value, ensure_ascii=False))
    if isinstance(value, (int, float)):
        return str(value) if isinstance(value, int) and value.bit_length() <= _INTEGER_BITS else number_text(value)
    if is_list(value):
        return f"[{members_in_words(cast('Sequence[object]', value), nesting)}]" if nesting < _NESTING else "[...]"
    if isinstance(value, Mapping):
        return "an object"
    return str(value)


def members_in_words(members: Sequence[object], nesting: int = 0) -> str:
    """The first few members of a list, between commas."""
    shown = ", ".join([value_in_words(member, nesting + 1) for member in members[:_MEMBERS]])
    more = len(members) - _MEMBERS
    return f"{shown} and {more} more" if more > 0 else shown


def node_in_words(node: Node) -> str:
    """A part of a rule, shortened."""
    return shortened(_rendered(node, 0))


def shortened(text: str) -> str:
    """At most 60 characters."""
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def _rendered(node: Node, nesting: int) -> str:
    if isinstance(node, Literal):
        return value_in_words(node.value) if node.value is not None else "null"
    if isinstance(node, Variable):
        return f"`{node.name}`" if node.name else ("the element" if not node.rooted else "the context")
    if nesting > 3:
        return "..."
    if isinstance(node, Array):
        return f"[{', '.join([_rendered(item, nesting + 1) for item in node.items[:_MEMBERS]])}]"
    arguments = [_rendered(argument, nesting + 1) for argument in node.arguments[:_MEMBERS]]
    if node.name in INFIX and len(arguments) > 1:
        joined = f" {node.name} ".join(arguments)
        return f"({joined})" if nesting else joined
    return f"not {arguments[0]}" if node.name == "!" and arguments else f"{node.name}({', '.join(arguments)})"
