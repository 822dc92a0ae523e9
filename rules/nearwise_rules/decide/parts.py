"""The parts of a score: each a number, or a rule over the context or over the candidate that gives one."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import TYPE_CHECKING

from nearwise_rules.errors import EvaluationError
from nearwise_rules.logic import Expression, Literal, Operation, Run, interpret, parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from nearwise_rules.decide.attributes import Declared
    from nearwise_rules.decide.release import Release
    from nearwise_rules.documents import Json

PARTS = ("probability", "value", "cost", "uplift", "margin", "discount", "context", "lever")
"""The parts of the decision formula, as offers and policies name them."""

COMPILED_FROM = 3
"""So many times a rule is evaluated before it is compiled."""

NO_NUMBER = "NO_NUMBER"


class Formula:
    """A rule whose value is wanted: interpreted at first, compiled once it is asked often enough."""

    __slots__ = ("_asked", "_call", "_model", "expression")

    def __init__(self, expression: Expression) -> None:
        self.expression = expression
        self._model = _only_model(expression)
        self._asked = 0
        self._call: Callable[[Mapping[str, object], Run], object] | None = None

    def value(self, data: Mapping[str, object], run: Run) -> object:
        """The value for these data; None, and a note, where the rule fails."""
        try:
            score = None if self._model is None else run.score(self._model, data)
            if score is not None:
                return score
            if self._call is not None:
                return self._call(data, run)
            self._asked += 1
            if self._asked < COMPILED_FROM:
                return interpret(self.expression, data, run)
            from nearwise_rules.logic.compiler import compile_expression

            self._call = compile_expression(self.expression)
            return self._call(data, run)
        except EvaluationError as error:
            run.note(error.type, self.expression.root.pointer, str(error))
            return None


def _only_model(expression: Expression) -> str | None:
    """The key of the model whose score an expression is, and nothing else; None for other expressions."""
    root = expression.root
    if not isinstance(root, Operation) or root.name != "model" or len(root.arguments) != 1:
        return None
    key = root.arguments[0]
    return key.value if isinstance(key, Literal) and isinstance(key.value, str) else None


class Part:
    """One part of a score. `constant` is its value when it is a number; else `formula` gives it.

    `of_candidate`: the rule reads the candidate, so it is evaluated for each; `attributes` are the history attributes
    that ask about the candidate.
    """

    __slots__ = ("attributes", "constant", "formula", "name", "of_candidate", "reads")

    def __init__(self, name: str, given: Json, release: Release) -> None:
        self.name = name
        self.reads: frozenset[str] = frozenset()
        self.attributes: tuple[Declared, ...] = ()
        self.constant: float | None = None
        self.formula: Formula | None = None
        self.of_candidate = False
        if isinstance(given, int | float) and not isinstance(given, bool):
            self.constant = float(given)
            if not isfinite(self.constant):
                raise ValueError(f"{name} is no finite number")
            return
        self.formula = Formula(parse(given, dialect=release.dialect, types=release.attributes))
        self.reads = release.reads(self.formula.expression)
        self.attributes = asks_of_candidate(self.reads, release)
        self.of_candidate = bool(self.attributes) or reads_candidate(self.reads)

    def value(self, data: Mapping[str, object], run: Run) -> float | None:
        """The number for these data; None, and a note, where there is none."""
        if self.constant is not None or self.formula is None:
            return self.constant
        found = self.formula.value(data, run)
        if isinstance(found, int | float) and not isinstance(found, bool) and isfinite(found):
            return float(found)
        run.note(NO_NUMBER, self.name, f"{self.name} gave no number")
        return None


def reads_candidate(reads: frozenset[str]) -> bool:
    """Whether a rule reads the candidate."""
    return any(name == "offer" or name.startswith("offer.") for name in reads)


def asks_of_candidate(reads: frozenset[str], release: Release) -> tuple[Declared, ...]:
    """The history attributes among these reads whose question is about the candidate."""
    return tuple([each for each in release.attributes.touched(reads) if each.asks_of_candidate])
