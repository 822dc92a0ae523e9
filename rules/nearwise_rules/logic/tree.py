"""The checked tree of a rule: what parse makes, and what interpret, compile and `reads` walk over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from nearwise_rules.records import Record

from .dialects import Dialect
from .operators import Kind

_fix_field = object.__setattr__


class Literal(Record):
    """A constant: any JSON value. Lists and objects in it are shared between evaluations and must not be changed."""

    __slots__ = (
        "pointer",
        "value",
    )
    pointer: str
    value: object

    def __init__(self, pointer: str, value: object) -> None:
        _fix_field(self, "pointer", pointer)
        _fix_field(self, "value", value)


class Array(Record):
    """A list of which at least one member has to be evaluated."""

    __slots__ = ("items", "pointer")
    pointer: str
    items: tuple[Node, ...]

    def __init__(self, pointer: str, items: tuple[Node, ...]) -> None:
        self._fix(pointer=pointer, items=items)


class Variable(Record):
    """A read whose path is known: `var` (keys split at dots), `val` or `exists` (keys as they stand).

    `level` counts how far up to look: 0 is the data of the innermost scope, 1 its frame (`index`), 2 the data of the
    next scope out. `rooted`: it reads the context itself, so `name` (dotted path, "" = all of it) is an attribute.
    `declared` is the attribute's declared type, None where there is none. `default` is the second argument of `var`.
    """

    __slots__ = ("declared", "default", "level", "name", "operator", "path", "pointer", "rooted")
    pointer: str
    operator: str
    path: tuple[str, ...]
    name: str
    level: int
    rooted: bool
    declared: str | None
    default: Node | None

    def __init__(
        self,
        pointer: str,
        operator: str,
        path: tuple[str, ...],
        name: str,
        level: int = 0,
        rooted: bool = True,
        declared: str | None = None,
        default: Node | None = None,
    ) -> None:
        _fix_field(self, "pointer", pointer)
        _fix_field(self, "operator", operator)
        _fix_field(self, "path", path)
        _fix_field(self, "name", name)
        _fix_field(self, "level", level)
        _fix_field(self, "rooted", rooted)
        _fix_field(self, "declared", declared)
        _fix_field(self, "default", default)


class Operation(Record):
    """An operator with its arguments; `function` and `kind` are already those of the rule's dialect.

    `spread`: the only argument, if its value is a list, stands for all arguments. `weight`: how many nodes one round of
    a loop evaluates.
    """

    __slots__ = ("arguments", "function", "kind", "name", "pointer", "spread", "weight")
    pointer: str
    name: str
    function: Callable[..., object]
    kind: Kind
    arguments: tuple[Node, ...]
    spread: bool
    weight: int

    def __init__(
        self,
        pointer: str,
        name: str,
        function: Callable[..., object],
        kind: Kind,
        arguments: tuple[Node, ...],
        spread: bool = False,
        weight: int = 1,
    ) -> None:
        _fix_field(self, "pointer", pointer)
        _fix_field(self, "name", name)
        _fix_field(self, "function", function)
        _fix_field(self, "kind", kind)
        _fix_field(self, "arguments", arguments)
        _fix_field(self, "spread", spread)
        _fix_field(self, "weight", weight)


Node = Literal | Array | Variable | Operation


class Expression(Record):
    """A parsed rule. `reads`: the dotted names of the attributes it can read, sorted; "" means the whole context.

    `segments`, `flags`, `models` and `audiences` are the keys it refers to, sorted. `nodes`: its length; `loops`:
    evaluation can cost more.
    """

    __slots__ = ("audiences", "dialect", "flags", "loops", "models", "nodes", "reads", "root", "segments", "types")
    root: Node
    dialect: Dialect
    types: Mapping[str, str]
    reads: tuple[str, ...]
    segments: tuple[str, ...]
    flags: tuple[str, ...]
    models: tuple[str, ...]
    audiences: tuple[str, ...]
    nodes: int
    loops: bool

    def __init__(
        self,
        root: Node,
        dialect: Dialect,
        types: Mapping[str, str],
        reads: tuple[str, ...],
        segments: tuple[str, ...],
        flags: tuple[str, ...],
        models: tuple[str, ...],
        audiences: tuple[str, ...],
        nodes: int,
        loops: bool,
    ) -> None:
        refers = {"segments": segments, "flags": flags, "models": models, "audiences": audiences}
        self._fix(root=root, dialect=dialect, types=types, reads=reads, nodes=nodes, loops=loops, **refers)


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
