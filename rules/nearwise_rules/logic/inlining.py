"""What compiled code writes for a node: Python's own operators where the guards make them mean the same, else a call.

`test` gives an expression with the truth of a node, `value` one with its value. All attributes that an expression reads
are loaded before it; that an odd value is read without need costs a Surprise, but never gives a different answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

from .dialects import Dialect
from .inlined import ROWS, presence
from .operators import Kind
from .slots import Guard, Path, has_default, slot_path
from .tree import Literal, Node, Operation, Variable
from .values import truthy
from .writer import Writer

MAX_DEPTH = 24
"""Nodes nested deeper than this are evaluated by the reference: Python's parser limits parentheses."""


class Inlining:
    """Writes nodes of one dialect into a Writer."""

    def __init__(self, writer: Writer, dialect: Dialect) -> None:
        self.writer = writer
        self.dialect = dialect
        self.safe = dialect is Dialect.SAFE
        self.depth = 0
        self.uses_of_run = 0
        self.first = False
        self._own: dict[str, Callable[[Operation], str | None]] = {
            "and": lambda node: self._joined(node, " and ", "True"),
            "or": lambda node: self._joined(node, " or ", "False"),
            "!": self._negated,
            "!!": lambda node: self.test(node.arguments[0]) if len(node.arguments) == 1 else None,
            "if": self._choice,
            "?:": self._choice,
        }

    def condition(self, node: Node) -> str:
        """As `test`, for an expression that stands alone: what it evaluates first may check an attribute on the way."""
        self.first = True
        written = self.test(node)
        self.first = False
        return written

    def present(self, path: Path) -> str:
        """An expression that is true when an attribute is there; its local holds a checked value after it."""
        if self.first:
            self.first = False
            return self.writer.fits(path)
        return f"{self.writer.load(path)} is not None"

    def test(self, node: Node) -> str:
        """An expression that is true exactly when the node's value is."""
        if isinstance(node, Literal):
            return str(truthy(node.value))
        path = slot_path(node)
        if path is not None and not has_default(node):
            return self._truth_of_slot(path)
        written = self._row(node)
        return f"truthy({self.value(node)})" if written is None else f"({written})"

    def _row(self, node: Node) -> str | None:
        if not isinstance(node, Operation) or node.spread or self.depth >= MAX_DEPTH:
            return None
        own = self._own.get(node.name)
        row = ROWS.get(node.name)
        self.depth += 1
        written = own(node) if own else row(self, node) if row else None
        self.depth -= 1
        return written

    def _truth_of_slot(self, path: Path) -> str:
        local = self.writer.load(path)
        guard = self.writer.guards[path]
        if guard is Guard.NUMBER:
            return f"({local} and {local} == {local})"
        return f"truthy({local})" if guard is Guard.PLAIN else local

    def _joined(self, node: Operation, between: str, nothing: str) -> str:
        self.first = False
        return between.join([self.test(argument) for argument in node.arguments]) or nothing

    def _negated(self, node: Operation) -> str | None:
        if len(node.arguments) != 1:
            return None
        argument = node.arguments[0]
        if isinstance(argument, Operation) and argument.name == "missing":
            present = presence(self, argument, negated=False)
            if present is not None:
                return present
        self.first = False
        return f"not {self.test(argument)}"

    def _choice(self, node: Operation) -> str | None:
        if len(node.arguments) != 3:
            return None
        self.first = False
        condition, then, otherwise = [self.test(argument) for argument in node.arguments]
        return f"{then} if {condition} else {otherwise}"

    def value(self, node: Node) -> str:
        """An expression with the node's value."""
        self.first = False
        if isinstance(node, Literal):
            return self.writer.constant(node.value)
        path = slot_path(node)
        if path is not None:
            return self._value_of_slot(cast("Variable", node), path)
        if isinstance(node, Operation) and not node.spread and self.depth < MAX_DEPTH:
            self.depth += 1
            written = self._value_of_operation(node)
            self.depth -= 1
            if written is not None:
                return written
        return self.whole(node)

    def _value_of_slot(self, node: Variable, path: Path) -> str:
        if node.default is None:
            return self.writer.load(path)
        if not self.safe or not isinstance(node.default, Literal):
            return self.whole(node)
        local = self.writer.load(path)
        return f"({self.writer.constant(node.default.value)} if {local} is None else {local})"

    def _value_of_operation(self, node: Operation) -> str | None:
        if self.gives_boolean(node):
            written = self._row(node)
            if written is not None:
                return f"bool({written})"
        if node.name in ("if", "?:") and len(node.arguments) % 2 == 1:
            return self._chosen(node.arguments)
        if node.kind is not Kind.EAGER:
            return None
        self.uses_of_run += 1
        arguments = "".join([f", {self.value(argument)}" for argument in node.arguments])
        return f"{self.writer.function(node.function)}(env{arguments})"

    def _chosen(self, arguments: Sequence[Node]) -> str:
        if len(arguments) == 1:
            return self.value(arguments[0])
        condition, then = self.test(arguments[0]), self.value(arguments[1])
        return f"({then} if {condition} else {self._chosen(arguments[2:])})"

    def gives_boolean(self, node: Node) -> bool:
        """Whether the node's value is true or false, nothing else, so that its truth is its value."""
        if isinstance(node, Literal):
            return isinstance(node.value, bool)
        if not isinstance(node, Operation) or node.spread or not node.arguments:
            return False
        if node.name in ("and", "or"):
            return all(self.gives_boolean(argument) for argument in node.arguments)
        flagd = node.name in ("sem_ver", "starts_with", "ends_with")
        return (node.name in ROWS or node.name in ("!", "!!")) and node.name != "missing" and (self.safe or not flagd)

    def whole(self, node: Node) -> str:
        """A call of the reference for a node that is not written out."""
        self.uses_of_run += 1
        return f"whole(env, data, {self.writer.constant(node)})"
