"""The checked tree of a rule: what parse makes, and what interpret, compile and `reads` walk over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from .dialects import Dialect
from .operators import Kind


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant: any JSON value. Lists and objects in it are shared between evaluations and must not be changed."""

    pointer: str
    value: object


@dataclass(frozen=True, slots=True)
class Array:
    """A list of which at least one member has to be evaluated."""

    pointer: str
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Variable:
    """A read whose path is known: `var` (keys split at dots), `val` or `exists` (keys as they stand).

    `level` counts how far up to look: 0 is the data of the innermost scope, 1 its frame (`index`), 2 the data of the
    next scope out. `rooted`: it reads the context itself, so `name` (dotted path, "" = all of it) is an attribute.
    `declared` is the attribute's declared type, None where there is none. `default` is the second argument of `var`.
    """

    pointer: str
    operator: str
    path: tuple[str, ...]
    name: str
    level: int = 0
    rooted: bool = True
    declared: str | None = None
    default: Node | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """An operator with its arguments; `function` and `kind` are already those of the rule's dialect.

    `spread`: the only argument, if its value is a list, stands for all arguments. `weight`: how many nodes one round of
    a loop evaluates.
    """

    pointer: str
    name: str
    function: Callable[..., object]
    kind: Kind
    arguments: tuple[Node, ...]
    spread: bool = False
    weight: int = 1


Node = Literal | Array | Variable | Operation


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed rule. `reads`: the dotted names of the attributes it can read, sorted; "" means the whole context.

    `segments` and `flags` are the keys it refers to, sorted. `loops`: evaluation can cost more than the tree is long.
    """

    root: Node
    dialect: Dialect
    types: Mapping[str, str]
    reads: tuple[str, ...]
    segments: tuple[str, ...]
    flags: tuple[str, ...]
    loops: bool


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below this one, in the order of the document."""
    if isinstance(node, Operation):
        return node.arguments
    if isinstance(node, Array):
        return node.items
    if isinstance(node, Variable) and node.default is not None:
        return (node.default,)
    return ()


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it, parents first, in the order of the document."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        yield current
        waiting.extend(reversed(children(current)))
