"""Reading a rule: JSON in, a checked tree out, or every problem at once, each with its JSON pointer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from nearwise_rules.errors import DocumentError, Problem

from .dialects import DEFAULT_LIMITS, Dialect, Limits
from .flaws import RepeatedKeys, escaped, flaw, misfit, shown
from .naming import Named, named_read, reads_of
from .operators import Kind, Operator
from .table import TABLE
from .tree import Array, Expression, Literal, Node, Operation, Variable

PRESERVE = "preserve"


def parse(
    source: object,
    *,
    dialect: Dialect = Dialect.SAFE,
    types: Mapping[str, str] | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Expression:
    """Check a rule and make its tree. `types` are the declared types of attributes by dotted name (see `declared`).

    Raises:
        DocumentError: with all problems, up to `limits.problems`.
    """
    reader = _Reader(dialect, types or {}, limits)
    root = reader.read_root(source)
    if reader.problems:
        raise DocumentError(reader.problems)
    return Expression(
        root=root,
        dialect=dialect,
        types=types or {},
        reads=tuple(sorted(reader.reads)),
        segments=tuple(sorted(reader.references["segment"])),
        flags=tuple(sorted(reader.references["flag"])),
        models=tuple(sorted(reader.references["model"])),
        audiences=tuple(sorted(reader.references["audience"])),
        nodes=reader.nodes,
        loops=reader.loops,
    )


def parse_text(
    text: str | bytes,
    *,
    dialect: Dialect = Dialect.SAFE,
    types: Mapping[str, str] | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Expression:
    """As `parse`, of JSON text: also repeated keys, NaN, malformed, too long or too deep text are problems.

    Raises:
        DocumentError: with all problems, up to `limits.problems`.
    """
    from .json_text import read_json_text

    return parse(read_json_text(text, limits), dialect=dialect, types=types, limits=limits)


class _Enough(Exception):
    """Reading stops: the rule is too large or has too many problems."""


class _Reader:
    def __init__(self, dialect: Dialect, types: Mapping[str, str], limits: Limits) -> None:
        self.dialect = dialect
        self.safe = dialect is Dialect.SAFE
        self.types = types
        self.limits = limits
        self.problems: list[Problem] = []
        self.nodes = 0
        self.inside = 0
        self.depth = 0
        self.scopes = 0
        self.loops = False
        self.reads: set[str] = set()
        kinds = ("segment", "flag", "model", "audience")
        self.references: dict[str, set[str]] = {kind: set() for kind in kinds}

    def read_root(self, source: object) -> Node:
        try:
            return self.node(source, "")
        except _Enough:
            return Literal("", None)

    def problem(self, code: str, pointer: str, message: str) -> None:
        self.problems.append(Problem(code, pointer, message))
        if len(self.problems) >= self.limits.problems:
            raise _Enough

    def node(self, source: object, pointer: str) -> Node:
        if type(source) is str and source.isascii():
            self.count(pointer)
            return Literal(pointer, source)
        if isinstance(source, Mapping):
            return self.member(cast("Mapping[object, object]", source), pointer)
        if isinstance(source, (list, tuple)):
            return self.array(cast("Sequence[object]", source), pointer)
        return Literal(pointer, self.json(source, pointer))

    def count(self, pointer: str) -> None:
        self.nodes += 1
        if self.nodes > self.limits.nodes:
            self.problem("too_many_nodes", pointer, f"a rule has at most {self.limits.nodes} nodes")
            raise _Enough

    def too_deep(self, pointer: str) -> bool:
        if self.depth < self.limits.depth:
            return False
        self.problem("too_deep", pointer, f"a rule nests at most {self.limits.depth} levels deep")
        return True

    def array(self, source: Sequence[object], pointer: str) -> Node:
        self.count(pointer)
        if self.too_deep(pointer):
            return Literal(pointer, None)
        self.depth += 1
        items = tuple([self.node(item, f"{pointer}/{index}") for index, item in enumerate(source)])
        self.depth -= 1
        if all(type(item) is Literal for item in items):
            return Literal(pointer, [item.value for item in cast("tuple[Literal, ...]", items)])
        return Array(pointer, items)

    def member(self, source: Mapping[object, object], pointer: str) -> Node:
        if len(source) == 1:
            ((name, given),) = source.items()
            if isinstance(source, RepeatedKeys):
                self.repeated(source, pointer)
            return self.operation(name, given, pointer)
        if self.safe and source:
            self.problem("not_an_operation", pointer, 'an object has one operator as its key; wrap data in "preserve"')
        return Literal(pointer, self.json(source, pointer))

    def repeated(self, source: RepeatedKeys, pointer: str) -> None:
        for key in source.repeated:
            self.problem(
                "repeated_key", f"{pointer}/{escaped(key)}", f"the key {shown(key)} stands here more than once"
            )

    def operation(self, name: object, given: object, pointer: str) -> Node:
        if not isinstance(name, str):
            self.count(pointer)
            self.problem("not_json", pointer, "keys are strings")
            return Literal(pointer, None)
        at = f"{pointer}/{escaped(name)}"
        if name == PRESERVE:
            return Literal(pointer, self.json(given, at))
        self.count(pointer)
        if self.too_deep(pointer):
            return Literal(pointer, None)
        row = TABLE.get(name)
        if row is None:
            self.unknown(name, at)
        listed = isinstance(given, (list, tuple))
        outside, self.inside = self.inside, 0
        arguments = self.arguments(row, given, at)
        weight, self.inside = self.inside, outside
        if row is None or not self.fits(row, arguments, listed, at):
            return Literal(pointer, None)
        return self.built(row, arguments, Place(pointer, listed, weight))

    def arguments(self, row: Operator | None, given: object, at: str) -> tuple[Node, ...]:
        inner = range(0) if row is None else row.inner
        self.depth += 1
        if isinstance(given, (list, tuple)):
            sources = enumerate(cast("Sequence[object]", given))
            read = tuple([self.argument(source, f"{at}/{index}", index in inner) for index, source in sources])
        else:
            read = (self.argument(given, at, 0 in inner),)
        self.depth -= 1
        return read

    def argument(self, source: object, pointer: str, inner: bool) -> Node:
        before = self.nodes
        self.scopes += inner
        node = self.node(source, pointer)
        self.scopes -= inner
        self.inside += (self.nodes - before) * inner
        return node

    def unknown(self, name: str, at: str) -> None:
        from difflib import get_close_matches

        turned = name[::-1]  # => and =<
        near = [turned] if turned in TABLE else get_close_matches(name[:40], [*TABLE, PRESERVE], 1, 0.6)
        hint = f", did you mean {near[0]!r}?" if near else ""
        self.problem("unknown_operator", at, f"unknown operator {shown(name)}{hint}")

    def fits(self, row: Operator, arguments: Sequence[Node], listed: bool, at: str) -> bool:
        message = None if row.loose and not self.safe else misfit(row, arguments, listed)
        if message is None and row.refers is not None:
            message = self.refer(row.refers, arguments)
        if message is not None:
            self.problem("invalid_arguments", at, f"{row.name} {message}")
        return message is None

    def refer(self, kind: str, arguments: Sequence[Node]) -> str | None:
        key = arguments[0].value if arguments and isinstance(arguments[0], Literal) else None
        if not isinstance(key, str):
            return f"takes the key of a {kind} as a text that stands in the rule"
        self.references[kind].add(key)
        return None

    def built(self, row: Operator, arguments: tuple[Node, ...], place: Place) -> Node:
        named = named_read(row.name, arguments, place.pointer, self.scopes)
        if isinstance(named, Variable):
            return self.variable(named)
        function = row.safe if self.safe or row.jsonlogic is None else row.jsonlogic
        kind = row.kind
        if isinstance(named, Named):
            arguments, function, kind = tuple(map(self.variable, named.reads)), named.function, Kind.EAGER
        elif kind is Kind.SCOPED:
            self.reads.update(reads_of(row.name, arguments, self.scopes))
        elif self.safe and row.chain is not None and len(arguments) > 2:
            function, kind = row.chain, Kind.LAZY
        if row.loops:
            self.loops = True
        spread = row.spreads and not place.listed and (self.safe or not row.loose)
        return Operation(place.pointer, row.name, function, kind, arguments, spread, max(1, place.weight))

    def variable(self, node: Variable) -> Variable:
        if not node.rooted:
            return node
        self.reads.add(node.name)
        declared = self.types.get(node.name) if node.name else None
        if declared is None:
            return node
        return Variable(
            node.pointer, node.operator, node.path, node.name, node.level, declared=declared, default=node.default
        )

    def json(self, source: object, pointer: str) -> object:
        """A copy of a JSON value that is data, not rule."""
        self.count(pointer)
        if isinstance(source, (Mapping, list, tuple)):
            if self.too_deep(pointer):
                return None
            self.depth += 1
            copied = self.json_container(cast("object", source), pointer)
            self.depth -= 1
            return copied
        message = flaw(source)
        if message is not None:
            self.problem(message[0], pointer, message[1])
        return source

    def json_container(self, source: object, pointer: str) -> object:
        if not isinstance(source, Mapping):
            members = enumerate(cast("Sequence[object]", source))
            return [self.json(item, f"{pointer}/{index}") for index, item in members]
        if isinstance(source, RepeatedKeys):
            self.repeated(source, pointer)
        copied: dict[str, object] = {}
        for key, value in cast("Mapping[object, object]", source).items():
            message = ("not_json", "keys are strings") if not isinstance(key, str) else flaw(key)
            if message is not None:
                self.problem(message[0], pointer, message[1])
            copied[str(key)] = self.json(value, f"{pointer}/{escaped(str(key))}")
        return copied


class Place:
    """Where an operation stands, whether its arguments stand in a list, and how many nodes its inner ones are."""

    __slots__ = ("listed", "pointer", "weight")

    def __init__(self, pointer: str, listed: bool, weight: int) -> None:
        self.pointer = pointer
        self.listed = listed
        self.weight = weight
