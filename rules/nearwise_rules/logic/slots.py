"""Which attributes a compiled function reads into locals, and what it checks of their values before it trusts them.

The guard of an attribute is its declared type, else the kind of constant that the rules compare it with. A value that
the guard refuses raises Surprise; then the reference decides, so a wrong guess costs time, never a different answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from enum import Enum
from itertools import chain
from typing import cast

from .tree import Expression, Literal, Node, Operation, Variable, walk

Path = tuple[str, ...]

MAX_NODES = 2_000
"""Larger rules are left to the reference: compiling them would take longer than it saves. Constants do not count."""

MAX_PATH = 16
"""Reads of longer paths are left to the reference."""

MAX_EXACT = 2**53
"""Below it, JavaScript's numbers and Python's integers compare alike."""


class Surprise(Exception):
    """A compiled function without a Run met what only the reference can settle: an odd value, a misuse, a look-up."""


class Guard(Enum):
    """What is checked of a value. Null passes every guard."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    LIST = "list"
    PLAIN = "plain"


FITS = {
    Guard.TEXT: "type({0}) is str or text({0})",
    Guard.INTEGER: "type({0}) is int or integer({0})",
    Guard.NUMBER: "type({0}) is float or type({0}) is int or number({0})",
    Guard.BOOLEAN: "{0} is True or {0} is False or boolean({0})",
    Guard.LIST: "type({0}) is list or listed({0})",
    Guard.PLAIN: "type({0}) is str or type({0}) in plain or odd({0})",
}
"""An expression that is true when the local holds a value of the kind, false for null, and else raises Surprise."""


def text(value: object) -> bool:
    """Refuse what is not null."""
    if value is None:
        return False
    raise Surprise


number = boolean = odd = text


def integer(value: object) -> bool:
    """Let a float without a fraction pass as an integer; refuse what is not null."""
    return (type(value) is float and value.is_integer()) or text(value)


def listed(value: object) -> bool:
    """Let a tuple pass as a list; refuse what is not null."""
    return type(value) is tuple or text(value)


_DECLARED = {
    "string": Guard.TEXT,
    "version": Guard.TEXT,
    "integer": Guard.INTEGER,
    "number": Guard.NUMBER,
    "boolean": Guard.BOOLEAN,
    "list": Guard.LIST,
}
_ON_TEXT = frozenset({"sem_ver", "starts_with", "ends_with", "matches", "like", "lower"})
_COMPARING = frozenset({"==", "!=", "===", "!==", "<", "<=", ">", ">="})


def slot_path(node: Node) -> Path | None:
    """The path of the attribute when the node reads one in the way a local can hold it, else None."""
    if not isinstance(node, Variable) or not node.rooted or node.level or not node.path or node.operator == "exists":
        return None
    known = node.declared is None or node.declared in _DECLARED
    return node.path if known and len(node.path) <= MAX_PATH else None


def has_default(node: Node) -> bool:
    """Whether the node is a read with a default."""
    return isinstance(node, Variable) and node.default is not None


def guards_of(expressions: Sequence[Expression]) -> dict[Path, Guard]:
    """The guard of every attribute that the rules read.

    Raises:
        Surprise: these rules cannot be one function: they are of two dialects or too large, or they disagree about the
            declared type of an attribute.
    """
    if len({expression.dialect for expression in expressions}) != 1:
        raise Surprise
    wanted: dict[Path, set[Guard]] = {}
    declared: dict[Path, Guard | None] = {}
    for path, guard, is_declared in _uses(expressions):
        wanted.setdefault(path, set()).add(guard)
        if guard is Guard.PLAIN or is_declared:
            said = guard if is_declared else None
            if declared.setdefault(path, said) is not said:
                raise Surprise
    return {path: _one(kinds - {Guard.PLAIN}) for path, kinds in wanted.items()}


def _one(kinds: set[Guard]) -> Guard:
    return kinds.pop() if len(kinds) == 1 else Guard.PLAIN


def _uses(expressions: Sequence[Expression]) -> Iterator[tuple[Path, Guard, bool]]:
    nodes = chain.from_iterable(walk(expression.root) for expression in expressions)
    for count, node in enumerate(nodes):
        if count >= MAX_NODES:
            raise Surprise
        path = slot_path(node)
        if path is not None:
            guard = _declared(cast("Variable", node))
            yield path, guard or Guard.PLAIN, guard is not None
        elif isinstance(node, Operation):
            yield from _compared(node)


def _declared(node: Variable) -> Guard | None:
    return None if node.declared is None else _DECLARED[node.declared]


def _compared(node: Operation) -> Iterator[tuple[Path, Guard, bool]]:
    for position, argument in enumerate(node.arguments):
        path = slot_path(argument)
        if path is None or _declared(cast("Variable", argument)) is not None:
            continue
        guard = _expected(node, position)
        if guard is not None:
            yield path, guard, False


def _expected(node: Operation, position: int) -> Guard | None:
    if node.name in _ON_TEXT:
        return Guard.TEXT
    others = [*node.arguments[:position], *node.arguments[position + 1 :]]
    if node.name in _COMPARING:
        kinds = {kind_of_literal(other) for other in others}
        return kinds.pop() if len(kinds) == 1 else None
    return kind_of_members(others[0]) if node.name == "in" and position == 0 and len(others) == 1 else None


def kind_of_literal(node: Node) -> Guard | None:
    """The kind of a constant that compiled code compares with; None for anything else."""
    return _kind(node.value) if isinstance(node, Literal) else None


def _kind(value: object) -> Guard | None:
    if type(value) is str:
        return Guard.TEXT
    if type(value) is bool:
        return Guard.BOOLEAN
    if type(value) in (int, float) and -MAX_EXACT < cast("float", value) < MAX_EXACT:
        return Guard.NUMBER
    return None


def kind_of_members(node: Node) -> Guard | None:
    """The one kind of all members of a constant list; None when there is none."""
    members = node.value if isinstance(node, Literal) else None
    if not isinstance(members, list):
        return None
    kinds = {_kind(member) for member in cast("list[object]", members)}
    return kinds.pop() if len(kinds) == 1 else None


def shared_groups(paths: Sequence[Path]) -> frozenset[Path]:
    """The groups ("store" of "store.country") that more than one attribute stands in: each is loaded once."""
    counted = Counter(path[:-1] for path in paths if len(path) > 1)
    return frozenset(group for group, count in counted.items() if count > 1)
