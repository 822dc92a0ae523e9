"""Whether a condition can hold for any values that its attributes can have by their declarations.

The condition is walked into its alternatives (disjunctive normal form), each with what is left of every attribute; an
alternative in which an attribute has no value left cannot hold. Whatever is not understood is taken to hold, so that
only conditions that certainly never hold are told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, cast

from nearwise_rules.logic.tree import Literal, Node, Operation, Variable
from nearwise_rules.logic.values import truthy
from nearwise_rules.rulesets.domains import Constant, Domain

if TYPE_CHECKING:
    from nearwise_rules.logic import Expression

MAX_ALTERNATIVES = 256
"""Of a condition with more alternatives nothing is told."""

_ORDERS = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_EQUAL, _UNEQUAL = ("==", "==="), ("!=", "!==")
_DEEPEST = 8

Left = Mapping[str, Domain]
"""What is left of each attribute that was looked at."""


class _EnoughError(Exception):
    """More alternatives than are looked at. Never leaves this module."""


def can_hold(
    expression: Expression, declared: Callable[[str], Domain], segment: Callable[[str], Expression | None]
) -> bool:
    """Whether there are values for which the condition holds.

    `declared` gives what an attribute can be by its declaration; `segment` the condition of a segment.
    """
    search = _Search(declared, segment)
    try:
        return any(True for _ in search.holding(expression.root, {}, 0))
    except (_EnoughError, RecursionError):
        return True


class _Search:
    def __init__(self, declared: Callable[[str], Domain], segment: Callable[[str], Expression | None]) -> None:
        self._declared = declared
        self._segment = segment
        self._looked_at = 0

    def holding(self, node: Node, left: Left, depth: int) -> Iterator[Left]:
        """What is left in each alternative in which the node holds."""
        self._looked_at += 1
        if self._looked_at > MAX_ALTERNATIVES:
            raise _EnoughError
        if isinstance(node, Literal):
            yield from (left,) if truthy(node.value) else ()
        elif not isinstance(node, Operation) or node.spread:
            yield left
        elif node.name == "and":
            yield from self._all(node.arguments, left, depth)
        elif node.name == "or":
            for argument in node.arguments:
                yield from self.holding(argument, left, depth)
        elif node.name in ("!", "!!") and len(node.arguments) == 1:
            wanted = self.failing if node.name == "!" else self.holding
            yield from wanted(node.arguments[0], left, depth)
        elif node.name == "segment":
            yield from self._in_segment(node, left, depth)
        else:
            yield from self._compared(node, left, negated=False)

    def failing(self, node: Node, left: Left, depth: int) -> Iterator[Left]:
        """What is left in each alternative in which the node does not hold."""
        if isinstance(node, Literal):
            yield from () if truthy(node.value) else (left,)
        elif isinstance(node, Operation) and not node.spread and node.name == "and":
            for argument in node.arguments:
                yield from self.failing(argument, left, depth)
        elif isinstance(node, Operation) and not node.spread and node.name == "!" and len(node.arguments) == 1:
            yield from self.holding(node.arguments[0], left, depth)
        elif isinstance(node, Operation) and not node.spread:
            yield from self._compared(node, left, negated=True)
        else:
            yield left

    def _all(self, arguments: Iterable[Node], left: Left, depth: int) -> Iterator[Left]:
        first, *rest = arguments or (None,)
        if first is None:
            return
        for each in self.holding(first, left, depth):
            if rest:
                yield from self._all(rest, each, depth)
            else:
                yield each

    def _in_segment(self, node: Operation, left: Left, depth: int) -> Iterator[Left]:
        key = node.arguments[0]
        expression = self._segment(str(key.value)) if isinstance(key, Literal) else None
        if expression is None or depth >= _DEEPEST:
            yield left
        else:
            yield from self.holding(expression.root, left, depth + 1)

    def _compared(self, node: Operation, left: Left, *, negated: bool) -> Iterator[Left]:
        found = _comparison(node, negated=negated)
        if found is None:
            yield left
            return
        name, narrow = found
        domain = narrow(left.get(name) or self._declared(name))
        if not domain.is_empty:
            yield {**left, name: domain}


def _comparison(node: Operation, *, negated: bool) -> tuple[str, Callable[[Domain], Domain]] | None:
    """The attribute that is compared with constants, and what that leaves of it; None for any other operation."""
    if len(node.arguments) != 2:
        return None
    one, other = node.arguments
    name, operator = node.name, node.name
    if isinstance(other, Variable) and isinstance(one, Literal) and name in (*_ORDERS, *_EQUAL, *_UNEQUAL):
        one, other, operator = other, one, _ORDERS.get(name, name)
    if not (
        isinstance(one, Variable) and isinstance(other, Literal) and one.rooted and one.default is None and one.name
    ):
        return None
    if operator in _ORDERS:
        if isinstance(other.value, bool) or not isinstance(other.value, int | float):
            return None
        if negated:
            return None  # what cannot be compared does not compare either way: nothing is left out
        bound = other.value
        return one.name, lambda domain: domain.compared(operator, bound)
    constants = _constants(operator, other.value)
    if constants is None:
        return None
    wanted = (operator in _UNEQUAL) is negated
    return one.name, (lambda domain: domain.one_of(constants)) if wanted else (lambda domain: domain.none_of(constants))


def _constants(operator: str, value: object) -> list[Constant] | None:
    if operator in (*_EQUAL, *_UNEQUAL) and isinstance(value, str | int | float | bool):
        return [value]
    if operator == "in" and isinstance(value, list):
        items = cast("list[object]", value)
        constants = [item for item in items if isinstance(item, str | int | float | bool)]
        return constants if len(constants) == len(items) else None
    return None
