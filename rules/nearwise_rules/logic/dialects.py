"""The two dialects of rule logic and the named limits under which a rule is read and run."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Dialect(str, Enum):  # noqa: UP042 (its text is written into bundles)
    """How operators treat values of unlike kinds. The operators themselves are the same in both."""

    JSONLOGIC = "jsonlogic"
    """As json-logic-js 2.0.5 does: JavaScript's coercions, any number of arguments."""

    SAFE = "safe"
    """No coercion; a missing or null operand never satisfies a comparison; misuse is a named error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a rule may cost: `depth` and `nodes` of its tree, `text_bytes` of its JSON text (all checked by parse);
    `operations` and `output_bytes` that one evaluation may spend (counted where a rule loops or builds values)."""

    depth: int = 64
    nodes: int = 10_000
    text_bytes: int = 1_048_576
    problems: int = 100
    operations: int = 100_000
    output_bytes: int = 1_048_576


DEFAULT_LIMITS = Limits()
