"""Conditions of a rule set: parsed, and held against the attributes, segments and flags that exist."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from nearwise_rules.decide.ambient import SINCE
from nearwise_rules.errors import DocumentError
from nearwise_rules.logic import Dialect, Expression, parse
from nearwise_rules.logic.tree import Literal, Operation, Variable, walk
from nearwise_rules.logic.values import truthy
from nearwise_rules.rulesets.parts import Part, did_you_mean
from nearwise_rules.triggers import EVENT_TYPES

PROVIDED: Mapping[str, str] = {
    "subject": "string",
    "targetingKey": "string",
    "now.timestamp": "number",
    "now.instant": "datetime",
    "now.date": "string",
    "now.time": "string",
    "now.hour": "integer",
    "now.minute": "integer",
    "now.weekday": "string",
    "now.day": "integer",
    "now.month": "integer",
    "now.year": "integer",
    "$flagd.flagKey": "string",
    "$flagd.timestamp": "integer",
}
"""What rules can read without a declaration, and its type."""


CANDIDATE: Mapping[str, str] = {
    "offer.key": "string",
    "offer.tags": "list",
    "offer.properties": "object",
    "offer.value": "number",
}
"""What the rules of offers and policies read of the candidate that is looked at, and its type."""


class Reference(NamedTuple):
    """A condition's mention of a segment, a flag, a model or an audience, and where it stands."""

    kind: str
    key: str
    pointer: str


class Condition(NamedTuple):
    """A parsed condition and where it stands. `gives`: what its value must be, "boolean" or "number"."""

    file: str
    pointer: str
    expression: Expression
    gives: str = "boolean"


class Conditions:
    """Checks conditions against one rule set's attributes: `types` is what `parse` is told, `parsed` its results."""

    def __init__(self, dialect: Dialect, attributes: Mapping[str, str]) -> None:
        self.dialect = dialect
        self.types = attributes
        self.parsed: list[Condition] = []
        self._by_place: dict[tuple[str, str], Expression] = {}
        self._names = {**PROVIDED, **attributes}
        self._groups = {name[:at] for name in self._names for at, letter in enumerate(name) if letter == "."}

    def check(
        self, part: Part, *, gives: str = "boolean", of_candidate: bool = False, of_event: bool = False
    ) -> Expression | None:
        """Parse a condition and report what is wrong with it and with what it reads; None when it does not parse.

        `gives`: what its value must be; `of_candidate`, `of_event`: it may read the candidate (`offer.*`), or the
        event of a trigger (`event.*`), too.
        """
        try:
            expression = parse(part.value, dialect=self.dialect, types=self.types)
        except DocumentError as error:
            for problem in error.problems:
                Part(part.file, part.pointer + problem.pointer, None, part.report).problem(
                    problem.code, problem.message
                )
            return None
        self.parsed.append(Condition(part.file, part.pointer, expression, gives))
        self._by_place[part.file, part.pointer] = expression
        beside = is_of_candidate if of_candidate else is_of_event if of_event else _is_of_nothing
        self._check_reads(expression, part, beside)
        return expression

    def at(self, part: Part) -> Expression | None:
        """The parsed condition that stands at a part; None when it was not checked, or does not parse."""
        return self._by_place.get((part.file, part.pointer))

    def is_declared(self, name: str) -> bool:
        """Whether a dotted name is an attribute, lies inside one, or is a group of some."""
        if name in self._names or name in self._groups:
            return True
        if name.startswith(SINCE):
            return name.removeprefix(SINCE) in self._names
        parents = (name[:at] for at, letter in enumerate(name) if letter == ".")
        return any(self._names.get(parent) in ("object", "list") for parent in parents)

    def undeclared(self, name: str) -> str:
        """The sentence for an attribute that is not declared."""
        return f"unknown attribute '{name}'{did_you_mean(name, self._names)}"

    def _check_reads(self, expression: Expression, part: Part, beside: Callable[[str], bool]) -> None:
        missing = {name for name in expression.reads if name and not self.is_declared(name) and not beside(name)}
        located = set[str]()
        for node in walk(expression.root):
            if isinstance(node, Variable) and node.rooted and node.name in missing:
                located.add(node.name)
                place = Part(part.file, f"{part.pointer}{node.pointer}/{node.operator}", None, part.report)
                place.problem("unknown_attribute", self.undeclared(node.name))
        for name in sorted(missing - located):
            part.problem("unknown_attribute", self.undeclared(name))
        if "" in expression.reads and self.dialect is Dialect.SAFE:
            part.problem("reads_everything", "this condition can read any attribute: name the ones it needs")


def _is_of_nothing(_name: str) -> bool:
    return False


def is_of_event(name: str) -> bool:
    """Whether a dotted name is one of those that the event of a trigger has."""
    return name in EVENT_TYPES or name == "event" or name.startswith("event.properties.")


def is_of_candidate(name: str) -> bool:
    """Whether a dotted name is one of those that a candidate has."""
    return name in CANDIDATE or name == "offer" or name.startswith("offer.properties.")


def references(expression: Expression) -> Iterator[Reference]:
    """Every mention of a segment, a flag, a model or an audience in a condition, in the order of the document."""
    for node in walk(expression.root):
        if isinstance(node, Operation) and node.name in ("segment", "flag", "model", "audience") and node.arguments:
            key = node.arguments[0]
            if isinstance(key, Literal) and isinstance(key.value, str):
                yield Reference(node.name, key.value, key.pointer)


def always_holds(expression: Expression) -> bool:
    """Whether a condition is a constant that holds."""
    return isinstance(expression.root, Literal) and truthy(expression.root.value)


def check_known(part: Part, kind: str, key: str, known: Iterable[str]) -> bool:
    """Report a reference to something that does not exist."""
    names = tuple(known)
    if key in names:
        return True
    part.problem(f"unknown_{kind}", f"unknown {kind} '{key}'{did_you_mean(key, names)}")
    return False
