"""The reference meaning of a rule: a walk over its tree. What is compiled must answer the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from nearwise_rules.errors import BudgetExceeded

from .access import READ, Read
from .dialects import Dialect
from .operators import Kind
from .run import Run, Scope
from .tree import Array, Expression, Literal, Node, Operation, Variable
from .values import ABSENT, UNDEFINED, is_list, plain


def interpret(expression: Expression, data: Mapping[str, object] | object, run: Run | None = None) -> object:
    """Evaluate a rule over the context `data`. `run` is fresh for each evaluation; without one: no time, no segments.

    Raises:
        EvaluationError: the rule misused a value, or threw.
        BudgetExceeded: it cost more than it may.
    """
    environment = Run() if run is None else run
    return evaluate_with(Interpreter(expression.dialect, environment), expression.root, data)


def evaluate_with(interpreter: Interpreter, root: Node, data: object) -> object:
    """Evaluate a tree from its root scope: undefined becomes null, a full Python stack BudgetExceeded."""
    try:
        value = interpreter.evaluate(root, Scope(data))
    except RecursionError:
        raise BudgetExceeded("the rule nests too deeply for this thread's stack") from None
    return None if value is UNDEFINED else value


class Interpreter:
    """Evaluates nodes in one dialect and one run."""

    __slots__ = ("read", "run", "safe")

    def __init__(self, dialect: Dialect, run: Run) -> None:
        self.run = run
        self.read: Read = READ[dialect]
        self.safe = dialect is Dialect.SAFE

    def evaluate(self, node: Node, scope: Scope) -> object:
        """The value of a node in a scope. Raises: EvaluationError."""
        kind = type(node)
        if kind is Literal:
            return cast("Literal", node).value
        if kind is Variable:
            return self.variable(cast("Variable", node), scope)
        if kind is Operation:
            return self.operation(cast("Operation", node), scope)
        values = [self.evaluate(item, scope) for item in cast("Array", node).items]
        return [None if value is UNDEFINED else value for value in values]

    def operation(self, node: Operation, scope: Scope) -> object:
        """Call an operator's function as its kind wants."""
        if node.kind is Kind.LAZY:
            return node.function(self.run, scope, self.evaluate, node)
        values = self.values(node, scope)
        if node.kind is Kind.EAGER:
            return node.function(self.run, *values)
        return node.function(self.run, scope, *values)

    def values(self, node: Operation, scope: Scope) -> Sequence[object]:
        """The arguments' values, spread when the only one stands for all."""
        values = [self.evaluate(argument, scope) for argument in node.arguments]
        if node.spread and len(values) == 1 and is_list(values[0]):
            members = cast("Sequence[object]", values[0])
            self.run.spend(len(members))
            return [plain(member, self.run, node.pointer) for member in members]
        return values

    def variable(self, node: Variable, scope: Scope) -> object:
        """Read an attribute, or its default: in the safe dialect for null too."""
        value = self.read(node, scope, self.run)
        if node.operator == "exists":
            return value is not ABSENT
        if node.default is not None and (value is ABSENT or (self.safe and value is None)):
            value = self.evaluate(node.default, scope)
            return None if value is UNDEFINED else value
        return None if value is ABSENT else value
