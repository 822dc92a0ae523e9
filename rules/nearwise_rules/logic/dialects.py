"""The two dialects of rule logic and the named limits under which a rule is read and run."""

from __future__ import annotations

from enum import Enum

from nearwise_rules.records import Record


class Dialect(str, Enum):  # noqa: UP042 (its text is written into bundles)
    """How operators treat values of unlike kinds. The operators themselves are the same in both."""

    JSONLOGIC = "jsonlogic"
    """As json-logic-js 2.0.5 does: JavaScript's coercions, any number of arguments."""

    SAFE = "safe"
    """No coercion; a missing or null operand never satisfies a comparison; misuse is a named error."""


class Limits(Record):
    """What a rule may cost: `depth` and `nodes` of its tree, `text_bytes` of its JSON text (all checked by parse);
    `operations` and `output_bytes` that one evaluation may spend (counted where a rule loops or builds values)."""

    __slots__ = ("depth", "nodes", "operations", "output_bytes", "problems", "text_bytes")
    depth: int
    nodes: int
    text_bytes: int
    problems: int
    operations: int
    output_bytes: int

    def __init__(
        self,
        *,
        depth: int = 64,
        nodes: int = 10_000,
        text_bytes: int = 1_048_576,
        problems: int = 100,
        operations: int = 100_000,
        output_bytes: int = 1_048_576,
    ) -> None:
        self._fix(
            depth=depth,
            nodes=nodes,
            text_bytes=text_bytes,
            problems=problems,
            operations=operations,
            output_bytes=output_bytes,
        )


DEFAULT_LIMITS = Limits()
