"""What an operator is: one row of the table in `table.py`. The families define the rows."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from nearwise_rules.records import Record


class Kind(Enum):
    """How an operator's function is called."""

    EAGER = "eager"
    """`function(run, *values)`: all arguments are evaluated first."""

    SCOPED = "scoped"
    """`function(run, scope, *values)`: the same, and it reads data that no argument names."""

    LAZY = "lazy"
    """`function(run, scope, evaluate, operation)`: it calls `evaluate(argument, scope)` for the members of
    `operation.arguments` that it wants; loops spend `operation.weight` operations for each round. The arguments may
    be anything that `evaluate` knows."""


class Operator(Record):
    """One operator in both dialects.

    `safe` and `jsonlogic` are its functions (`jsonlogic=None`: the same one). `least` and `most` count arguments; with
    `loose`, the jsonlogic dialect takes any number as json-logic-js does, and absent ones are UNDEFINED.
    `chain` (always lazy) replaces `safe` for more than two arguments: `{"<": [1, x, 10]}`.
    `listed`: the safe dialect wants the arguments in a list. `spreads`: there, a single argument without a list whose
    value is a list stands for all arguments. `inner`: the arguments evaluated in a scope of their own;
    `loops`: once for each member of a list.
    `refers`: the first argument is the literal key of a "segment", "flag", "model" or "audience".
    """

    __slots__ = (
        "chain",
        "inner",
        "jsonlogic",
        "kind",
        "least",
        "listed",
        "loops",
        "loose",
        "most",
        "name",
        "refers",
        "safe",
        "spreads",
    )
    name: str
    safe: Callable[..., object]
    jsonlogic: Callable[..., object] | None
    kind: Kind
    least: int
    most: int | None
    loose: bool
    chain: Callable[..., object] | None
    listed: bool
    spreads: bool
    inner: range
    loops: bool
    refers: str | None

    def __init__(
        self,
        *,
        name: str,
        safe: Callable[..., object],
        jsonlogic: Callable[..., object] | None = None,
        kind: Kind = Kind.EAGER,
        least: int = 0,
        most: int | None = None,
        loose: bool = False,
        chain: Callable[..., object] | None = None,
        listed: bool = False,
        spreads: bool = False,
        inner: range = range(0),
        loops: bool = False,
        refers: str | None = None,
    ) -> None:
        self._fix(
            name=name,
            safe=safe,
            jsonlogic=jsonlogic,
            kind=kind,
            least=least,
            most=most,
            loose=loose,
            chain=chain,
            listed=listed,
            spreads=spreads,
            inner=inner,
            loops=loops,
            refers=refers,
        )
