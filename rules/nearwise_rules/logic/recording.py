"""Recording an evaluation: the same walk as interpret, keeping what every node was and gave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from nearwise_rules.errors import EvaluationError

from .dialects import Dialect
from .interpreter import Interpreter, evaluate_with
from .run import Diagnostic, Run, Scope
from .tree import Expression, Node
from .values import UNDEFINED, truthy

STEPS_KEPT: Final = 2_000
"""How many steps a trace keeps; what a loop evaluates after that is evaluated, but not kept."""


@dataclass(frozen=True, slots=True)
class Step:
    """One node's evaluation: its value, or its error; `steps` are those of its arguments that were evaluated."""

    node: Node
    value: object
    error: EvaluationError | None
    steps: tuple[Step, ...]

    @property
    def pointer(self) -> str:
        """Where in the rule the node stands."""
        return self.node.pointer

    @property
    def holds(self) -> bool:
        """Whether the value counts as true; an error does not."""
        return self.error is None and truthy(self.value)

    def of(self, node: Node) -> Step | None:
        """The first step of one of this node's arguments, None when it was not evaluated."""
        return next((step for step in self.steps if step.node is node), None)


@dataclass(frozen=True, slots=True)
class Trace:
    """A recorded evaluation. `complete`: every step was kept."""

    expression: Expression
    root: Step
    complete: bool
    diagnostics: tuple[Diagnostic, ...]


def trace(expression: Expression, data: object, run: Run | None = None) -> Trace:
    """Evaluate a rule over the context `data` and record it; an error becomes that of the root, it is not raised."""
    environment = Run() if run is None else run
    recorder = _Recorder(expression.dialect, environment)
    try:
        evaluate_with(recorder, expression.root, data)
    except EvaluationError as error:
        if not recorder.kept:
            recorder.kept.append(Step(expression.root, None, error, ()))
    return Trace(expression, recorder.kept[-1], recorder.left > 0, tuple(environment.diagnostics))


class _Recorder(Interpreter):
    __slots__ = ("kept", "left")

    def __init__(self, dialect: Dialect, run: Run) -> None:
        super().__init__(dialect, run)
        self.kept: list[Step] = []
        self.left = STEPS_KEPT

    def evaluate(self, node: Node, scope: Scope) -> object:
        outer, self.kept = self.kept, []
        value: object = None
        error: EvaluationError | None = None
        try:
            value = super().evaluate(node, scope)
        except EvaluationError as raised:
            error = raised
            raise
        finally:
            self.left -= 1
            if self.left > 0 or not outer:
                shown = None if value is UNDEFINED else value
                outer.append(Step(node, shown, error, tuple(self.kept)))
            self.kept = outer
        return value
