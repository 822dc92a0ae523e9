"""What compiled code writes for a node: Python's own operators where the guards make them mean the same, else a call.

`test` gives an expression with the truth of a node, `value` one with its value. All attributes that an expression reads
are loaded before it; that an odd value is read without need costs a Surprise, but never gives a different answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

from nearwise_rules.errors import DocumentError

from .access import MissingNames
from .dialects import Dialect
from .operators import Kind
from .slots import Guard, Path, kind_of_literal, kind_of_members, slot_path
from .tree import Literal, Node, Operation, Variable
from .values import truthy
from .versions import COMPARISONS, version_of
from .writer import Writer

MAX_DEPTH = 24
"""Nodes nested deeper than this are evaluated by the reference: Python's parser limits parentheses."""

FEW_MEMBERS = 3
_NUMERIC = (Guard.NUMBER, Guard.INTEGER)
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_EQUAL = frozenset({"==", "==="})
_UNEQUAL = frozenset({"!=", "!=="})


class Inlining:
    """Writes nodes of one dialect into a Writer."""

    def __init__(self, writer: Writer, dialect: Dialect) -> None:
        self.writer = writer
        self.dialect = dialect
        self.safe = dialect is Dialect.SAFE
        self.depth = 0
        self.uses_run = False
        self.first = False
        self._rows: dict[str, Callable[[Operation], str | None]] = {
            **dict.fromkeys(("==", "!=", "===", "!==", "<", "<=", ">", ">="), self._comparison),
            "and": lambda node: self._joined(node, " and ", "True"),
            "or": lambda node: self._joined(node, " or ", "False"),
            "!": self._negated,
            "!!": lambda node: self.test(node.arguments[0]) if len(node.arguments) == 1 else None,
            "if": self._choice,
            "?:": self._choice,
            "in": self._membership,
            "missing": lambda node: self._presence(node, negated=True),
            "sem_ver": self._versions,
            "starts_with": lambda node: self._text_call(node, "{0}.startswith({1})"),
            "ends_with": lambda node: self._text_call(node, "{0}.endswith({1})"),
            "matches": self._pattern,
            "like": self._pattern,
            "any_of": lambda node: self._list_call(node, "any_of_texts"),
            "all_of": lambda node: self._list_call(node, "all_of_texts"),
            "none_of": lambda node: self._list_call(node, "none_of_texts"),
            "segment": self._segment,
        }

    # truth

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
        if path is not None and cast("Variable", node).default is None:
            return self._truth_of_slot(path)
        written = self._row(node)
        return f"truthy({self.value(node)})" if written is None else f"({written})"

    def _row(self, node: Node) -> str | None:
        if not isinstance(node, Operation) or node.spread or self.depth >= MAX_DEPTH:
            return None
        row = self._rows.get(node.name)
        if row is None:
            return None
        self.depth += 1
        written = row(node)
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
            present = self._presence(argument, negated=False)
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

    # values

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
        self.uses_run = True
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
        return node.name in self._rows and node.name not in ("if", "?:", "missing") and (self.safe or not flagd)

    def whole(self, node: Node) -> str:
        """A call of the reference for a node that is not written out."""
        self.uses_run = True
        return f"whole(env, data, {self.writer.constant(node)})"

    # rows

    def _comparison(self, node: Operation) -> str | None:
        if len(node.arguments) < 2 or (len(node.arguments) > 2 and not self.safe):
            return None
        pairs = list(zip(node.arguments, node.arguments[1:], strict=False))
        if not all(self._comparable(left, right) for left, right in pairs):
            return None
        written = [self._compared(node.name, left, right) for left, right in pairs]
        return None if None in written else " and ".join(cast("list[str]", written))

    def _comparable(self, left: Node, right: Node) -> bool:
        kinds = {self._kind(left), self._kind(right)}
        if None in kinds or Guard.PLAIN in kinds or Guard.LIST in kinds:
            return False
        if not self.safe and not (isinstance(left, Literal) or isinstance(right, Literal)):
            return False
        return len({Guard.NUMBER if kind is Guard.INTEGER else kind for kind in kinds}) == 1

    def _kind(self, node: Node) -> Guard | None:
        path = slot_path(node)
        if path is None:
            return kind_of_literal(node)
        return self.writer.guards[path] if cast("Variable", node).default is None else None

    def _compared(self, name: str, left: Node, right: Node) -> str | None:
        if isinstance(left, Literal):
            return None if isinstance(right, Literal) else self._compared(_MIRRORED.get(name, name), right, left)
        path = cast("Path", slot_path(left))
        if not self.safe:
            return self._js_compared(name, path, right)
        never_null = name in _EQUAL and isinstance(right, Literal) and not self.first
        there = [] if never_null else [self.present(path)]
        local = self.writer.load(path)
        if not isinstance(right, Literal):
            there.append(self.present(cast("Path", slot_path(right))))
        operator = "==" if name in _EQUAL else "!=" if name in _UNEQUAL else name
        return " and ".join([*there, f"{local} {operator} {self.value(right)}"])

    def _js_compared(self, name: str, path: Path, right: Node) -> str | None:
        if name not in _EQUAL and name not in _UNEQUAL and self.writer.guards[path] not in _NUMERIC:
            return None
        local = self.writer.load(path)
        other = self.value(right)
        if name in _EQUAL:
            return f"{local} == {other}"
        return f"{local} != {other}" if name in _UNEQUAL else f"({local} or 0) {name} {other}"

    def _membership(self, node: Operation) -> str | None:
        if len(node.arguments) != 2:
            return None
        needle, haystack = node.arguments
        path = slot_path(needle)
        kind = kind_of_members(haystack)
        if path is not None and kind is not None and cast("Variable", needle).default is None:
            members = cast("list[object]", cast("Literal", haystack).value)
            return self.member_of(self.writer.load(path), members) if self._kind_fits(path, kind) else None
        if kind_of_literal(needle) is Guard.TEXT and cast("Literal", needle).value:
            return self._part(node, cast("Literal", needle), haystack)
        return None

    def _kind_fits(self, path: Path, kind: Guard) -> bool:
        guard = self.writer.guards[path]
        return guard is kind or (guard is Guard.INTEGER and kind is Guard.NUMBER)

    def member_of(self, local: str, members: Sequence[object]) -> str:
        """Whether a local is one of some constants: few are compared one by one, many looked up in a set."""
        different = list(dict.fromkeys(members))
        if len(different) <= FEW_MEMBERS:
            return " or ".join([f"{local} == {self.writer.constant(member)}" for member in different])
        return f"{local} in {self.writer.constant(frozenset(different))}"

    def has_default(self, node: Node) -> bool:
        """Whether a read has a default."""
        return isinstance(node, Variable) and node.default is not None

    def _part(self, node: Operation, needle: Literal, haystack: Node) -> str | None:
        path = slot_path(haystack)
        if path is None or cast("Variable", haystack).default is not None:
            return None
        text = self.writer.constant(needle.value)
        if self.writer.guards[path] is Guard.TEXT:
            return f"{self.present(path)} and {text} in {self.writer.load(path)}"
        local = self.writer.load(path)
        self.uses_run = True
        call = f"{self.writer.function(node.function)}(env, {text}, {local})"
        return f"{text} in {local} if type({local}) is str else {call}"

    def _presence(self, node: Operation, *, negated: bool) -> str | None:
        if not isinstance(node.function, MissingNames):
            return None
        paths = [slot_path(argument) for argument in node.arguments]
        if None in paths:
            return None
        present = [self._present(path) for path in cast("list[Path]", paths)]
        if negated:
            return "not (" + (" and ".join(present) or "True") + ")"
        return " and ".join(present) or "True"

    def _present(self, path: Path) -> str:
        guard = self.writer.guards[path]
        there = self.present(path) if self.first or guard is not Guard.TEXT else ""
        local = self.writer.load(path)
        if guard is Guard.TEXT:
            return f"{there} and {local}" if there else local
        return f'{there} and {local} != ""' if guard is Guard.PLAIN else there

    def _versions(self, node: Operation) -> str | None:
        if len(node.arguments) != 3:
            return None
        left, comparison, right = node.arguments
        name = comparison.value if isinstance(comparison, Literal) else None
        if not isinstance(name, str) or name not in COMPARISONS:
            return None
        if isinstance(left, Literal):
            left, name, right = right, _MIRRORED.get(name, name), left
        path = self._text_path(left)
        version = version_of(right.value) if isinstance(right, Literal) else None
        if path is None or version is None:
            return None
        local = self.writer.load_version(path)
        if name in ("^", "~"):
            size = 1 if name == "^" else 2
            return f"{local} is not None and {local}[:{size}] == {self.writer.constant(version[:size])}"
        operator = "==" if name == "=" else name
        return f"{local} is not None and {local} {operator} {self.writer.constant(version)}"

    def _text_path(self, node: Node) -> Path | None:
        path = slot_path(node)
        if path is None or cast("Variable", node).default is not None:
            return None
        return path if self.writer.guards[path] is Guard.TEXT else None

    def _text_call(self, node: Operation, form: str) -> str | None:
        path = self._text_path(node.arguments[0])
        other = node.arguments[1]
        if path is None or not (isinstance(other, Literal) and type(other.value) is str):
            return None
        call = form.format(self.writer.local("v", path), self.writer.constant(other.value))
        return f"{self.present(path)} and {call}"

    def _pattern(self, node: Operation) -> str | None:
        from .patterns import Pattern, pattern_of
        from .shapes import shape_of

        other = node.arguments[1]
        if not (isinstance(other, Literal) and type(other.value) is str):
            return None
        try:
            compiled = pattern_of(other.value) if node.name == "matches" else shape_of(other.value)
        except DocumentError:
            return None
        if not isinstance(compiled, Pattern):
            return self._text_test(node, f"{self.writer.function(compiled)}({{0}})")
        self.uses_run = True
        return self._text_test(node, f"found(env, {self.writer.constant(compiled)}, {{0}})")

    def _text_test(self, node: Operation, form: str) -> str | None:
        path = self._text_path(node.arguments[0])
        return None if path is None else f"{self.present(path)} and {form.format(self.writer.local('v', path))}"

    def _list_call(self, node: Operation, function: str) -> str | None:
        path = slot_path(node.arguments[0])
        if path is None or self.writer.guards[path] is not Guard.LIST or len(node.arguments) != 2:
            return None
        if kind_of_members(node.arguments[1]) is not Guard.TEXT or cast("Variable", node.arguments[0]).default:
            return None
        wanted = self.writer.constant(frozenset(cast("list[str]", cast("Literal", node.arguments[1]).value)))
        return f"{self.present(path)} and {function}({self.writer.local('v', path)}, {wanted})"

    def _segment(self, node: Operation) -> str:
        self.uses_run = True
        return f"in_segment(env, data, {self.writer.constant(node)})"
