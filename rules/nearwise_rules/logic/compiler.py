"""Compiling: rules become one Python function with the meaning of the reference, several times faster.

The function takes the context and a Run, or None. Whatever it cannot settle (a value of another kind, an error) the
reference evaluates again from the start; without a Run, `compile_conditions` leaves that to its caller by Surprise.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from types import CodeType, FunctionType
from typing import TypeAlias, cast

from .conditions import needs_run
from .dialects import DEFAULT_LIMITS
from .fallback import FIXED, Environment, NoRun, Patience, segment_test, whole_conditions, whole_expression, whole_node
from .inlined import member_of
from .inlining import Inlining
from .slots import Guard, Path, Surprise, guards_of, has_default, kind_of_members, shared_groups, slot_path
from .tree import Expression, Literal, Node, Operation
from .writer import Known, Writer

MAX_BLOCKS = 8
"""Branches inside branches that are written as blocks; Python takes 20."""

MAX_SHARED_CHARACTERS = 8_000
"""The code of longer source is not kept for other rules."""

Context: TypeAlias = Mapping[str, object]
Write: TypeAlias = "Callable[[Writer, Inlining], None]"

EAGER = """\
def rule(data, run=None, type=type, str=str, int=int, float=float):
 if turns: return patient(data, run)
{before} try:
{lines}
 except (KeyError, TypeError): return missed(data, run{saved})
 except Exception: return otherwise(data, run{saved})
"""
PATIENT = """\
def rule(data, run=None, type=type, str=str, int=int, float=float):
{before} try:
  if turns: turns.pop()
  if type(data) is not dict: raise surprise
{lines}
 except Exception: return otherwise(data, run{saved})
"""
LOCALS = (None, type, str, int, float)
"""The defaults of a rule's parameters: names that checks use all the time are locals."""

SAVE = """\
 env, saved = no_run, None
 if run is not None: env, saved = run, (run.operations_left, run.bytes_left)
"""


def compile_expression(expression: Expression) -> Callable[[Context, Environment], object]:
    """Make a function with the value of a rule: `interpret(expression, data, run)`; without a Run it makes one.

    The function raises:
        EvaluationError: the rule misused a value, or threw.
        BudgetExceeded: it cost more than it may.
    """
    otherwise = whole_expression(expression)

    def write(writer: Writer, inlining: Inlining) -> None:
        _Value(writer, inlining).give(expression.root)

    return _compiled([expression], otherwise, write)


def compile_conditions(expressions: Sequence[Expression]) -> Callable[[Context, Environment], int]:
    """Make a function that answers the index of the first condition that holds, -1 when none does.

    A condition that fails with an EvaluationError does not hold; the error becomes a diagnostic of the Run.
    The function raises:
        Surprise: it was given no Run, and the reference has to decide with one.
    """
    if not expressions:
        return _none_holds
    otherwise = whole_conditions(tuple(expressions))

    def write(writer: Writer, inlining: Inlining) -> None:
        for index, expression in enumerate(expressions):
            _Rule(writer, inlining).write(expression.root, index)
        writer.line("return -1")

    return cast("Callable[[Context, Environment], int]", _compiled(expressions, otherwise, write))


def _none_holds(_data: Context, _run: Environment = None) -> int:
    return -1


def _compiled(
    expressions: Sequence[Expression], otherwise: Callable[..., object], write: Write
) -> Callable[[Context, Environment], object]:
    dialect = expressions[0].dialect
    try:
        guards = guards_of(expressions)
    except Surprise:
        return otherwise
    groups = shared_groups(list(guards))
    names = {
        **FIXED,
        "otherwise": otherwise,
        "whole": whole_node(dialect),
        "in_segment": segment_test(dialect, compile_expression),
    }

    def written(*, patient: bool) -> Callable[[Context, Environment], object]:
        writer = Writer(guards, groups, patient=patient)
        inlining = Inlining(writer, dialect)
        try:
            write(writer, inlining)
            return _function(writer, inlining, names)
        except (SyntaxError, RecursionError, MemoryError):
            return otherwise

    Patience(names, lambda: written(patient=True))
    return written(patient=False)


def _function(writer: Writer, inlining: Inlining, names: dict[str, object]) -> Callable[[Context, Environment], object]:
    lines = [f"  {local} = unread" for local in sorted(writer.tested)] + writer.lines
    source = (PATIENT if writer.patient else EAGER).format(
        before=SAVE if inlining.uses_of_run else "",
        lines="\n".join(lines),
        saved=", saved" if inlining.uses_of_run else "",
    )
    shape = _shape(source) if len(source) <= MAX_SHARED_CHARACTERS else _code(source)
    code = shape.replace(co_consts=tuple([_constant(writer, value) for value in shape.co_consts]))
    names |= {**writer.functions, "no_run": NoRun(DEFAULT_LIMITS.operations // max(1, inlining.uses_of_run))}
    return cast("Callable[[Context, Environment], object]", FunctionType(code, names, "rule", LOCALS))


def _constant(writer: Writer, value: object) -> object:
    return writer.constants.get(value, value) if isinstance(value, str) else value


@lru_cache(maxsize=256)
def _shape(source: str) -> CodeType:
    """Code that rules of the same shape share: only their constants differ."""
    return _code(source)


def _code(source: str) -> CodeType:
    module = compile(source, "<rule>", "exec", dont_inherit=True)
    return next(value for value in module.co_consts if isinstance(value, CodeType))


class _Value:
    """A rule's value being written: code that returns it, branch by branch."""

    def __init__(self, writer: Writer, inlining: Inlining) -> None:
        self.writer = writer
        self.inlining = inlining
        self.nesting = 0

    def give(self, node: Node) -> None:
        """Write what returns the node's value."""
        if self.inlining.gives_boolean(node):
            _Rule(self.writer, self.inlining, failed="return False").condition(node)
            self.writer.line("return True")
        elif isinstance(node, Operation) and node.arguments and not node.spread and self.nesting < MAX_BLOCKS:
            self.give_operation(node)
        else:
            self.give_plain(self.inlining.value(node))

    def give_operation(self, node: Operation) -> None:
        """Write what returns an operation's value: of `if`, `and` and `or` part by part."""
        if node.name in ("if", "?:"):
            self.choose(node.arguments)
        elif node.name in ("and", "or"):
            for argument in node.arguments[:-1]:
                self.give_if(argument, wanted=node.name == "or")
            self.give(node.arguments[-1])
        else:
            self.give_plain(self.inlining.value(node))

    def choose(self, arguments: Sequence[Node]) -> None:
        """Write the branches of an `if`."""
        for position in range(0, len(arguments) - 1, 2):
            rule = _Rule(self.writer, self.inlining)
            with rule.attempt():
                rule.condition(arguments[position])
                self.nesting += 1
                self.give(arguments[position + 1])
                self.nesting -= 1
        if len(arguments) % 2:
            self.give(arguments[-1])
        else:
            self.writer.line("return None")

    def give_if(self, node: Node, *, wanted: bool) -> None:
        """Write what returns the node's value if its truth is the wanted one, and else goes on."""
        if self.inlining.gives_boolean(node):
            if wanted:
                self.writer.line(f"if {self.inlining.condition(node)}: return True")
            else:
                _Rule(self.writer, self.inlining, failed="return False").condition(node)
            return
        self.writer.line(f"value = {self.inlining.value(node)}")
        with self.writer.inside(f"if {'' if wanted else 'not '}truthy(value):"):
            self.give_plain("value")

    def give_plain(self, value: str) -> None:
        """Write the return of an expression's value."""
        self.writer.line(f"value = {value}")
        self.writer.line("return None if value is undefined else value")


class _Rule:
    """One rule being written: code that runs through when the rule holds, and leaves where it fails."""

    def __init__(self, writer: Writer, inlining: Inlining, failed: str = "break") -> None:
        self.writer = writer
        self.inlining = inlining
        self.failed = failed
        self.first_exit: dict[str, Known] | None = None

    @contextmanager
    def attempt(self) -> Generator[None]:
        """Write a block that the rule leaves where it fails; what is written behind it comes next."""
        with self.writer.inside("while True:"):
            yield
        if self.first_exit is not None:
            self.writer.join(self.first_exit)

    def write(self, root: Node, index: int) -> None:
        """Write the whole rule: it returns `index`, or goes on behind."""
        with self.attempt():
            self.condition(root)
            self.writer.line(f"return {index}")

    def condition(self, node: Node) -> None:
        """Write a node that has to be true."""
        if isinstance(node, Operation) and node.name == "and" and not node.spread and node.arguments:
            for argument in node.arguments:
                self.condition(argument)
        elif not self.constant_test(node):
            self.leave_unless(self.inlining.condition(node))

    def leave_unless(self, test: str, check: str = "") -> None:
        """Write the way out of the rule; `check` is done on the way."""
        if test == "True":
            return
        if check:
            with self.writer.inside(f"if not {test}:"):
                self.writer.line(check)
                self.writer.line(self.failed)
        else:
            self.writer.line(f"if not {test}: {self.failed}")
        if self.first_exit is None:
            self.first_exit = dict(self.writer.known)

    def constant_test(self, node: Node) -> bool:
        """Write a text compared with constants: one that equals a constant is text, so the check is on the way out."""
        found = constants_of(node)
        if found is None or self.writer.guards[found[0]] is not Guard.TEXT:
            return False
        path, members = found
        local = self.writer.load_unchecked(path)
        check = self.writer.fits(path) if local in self.writer.unchecked else ""
        self.leave_unless(f"({member_of(self.inlining, local, members)})", check)
        return True


def constants_of(node: Node) -> tuple[Path, list[object]] | None:
    """The texts that an attribute is compared with, by `==`, `in` or an `or` of these; None for any other node."""
    if not isinstance(node, Operation) or node.spread:
        return None
    if node.name == "or":
        found = [constants_of(argument) for argument in node.arguments]
        first = found[0] if found else None
        if first is None or any(other is None or other[0] != first[0] for other in found):
            return None
        return first[0], [member for other in found if other is not None for member in other[1]]
    if node.name not in ("==", "in") or len(node.arguments) != 2:
        return None
    variable, other = node.arguments
    path = slot_path(variable)
    if path is None or has_default(variable) or not isinstance(other, Literal):
        return None
    if node.name == "==":
        return (path, [other.value]) if type(other.value) is str else None
    return (path, cast("list[object]", other.value)) if kind_of_members(other) is Guard.TEXT else None


__all__ = ["Surprise", "compile_conditions", "compile_expression", "needs_run"]
