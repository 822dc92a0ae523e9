"""Rule logic: JSONLogic in two dialects, parsed once, then interpreted, traced or compiled.

What a device does not need at start (the compiler, traces, explanations) is imported with its first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nearwise_rules.later import imported_later
from nearwise_rules.logic.dialects import DEFAULT_LIMITS, Dialect, Limits
from nearwise_rules.logic.interpreter import interpret
from nearwise_rules.logic.parser import parse, parse_text
from nearwise_rules.logic.run import Diagnostic, Run, Scope
from nearwise_rules.logic.tree import Array, Expression, Literal, Node, Operation, Variable

if TYPE_CHECKING:
    from nearwise_rules.logic.compiler import Surprise, compile_conditions, compile_expression
    from nearwise_rules.logic.explanation import Finding, explain_condition
    from nearwise_rules.logic.recording import Step, Trace, trace

_LATER = {
    "Finding": ".explanation",
    "Step": ".recording",
    "Surprise": ".compiler",
    "Trace": ".recording",
    "compile_conditions": ".compiler",
    "compile_expression": ".compiler",
    "explain_condition": ".explanation",
    "trace": ".recording",
}

__all__ = [
    "DEFAULT_LIMITS",
    "Array",
    "Diagnostic",
    "Dialect",
    "Expression",
    "Finding",
    "Limits",
    "Literal",
    "Node",
    "Operation",
    "Run",
    "Scope",
    "Step",
    "Surprise",
    "Trace",
    "Variable",
    "compile_conditions",
    "compile_expression",
    "explain_condition",
    "interpret",
    "parse",
    "parse_text",
    "trace",
]

if not TYPE_CHECKING:  # so that type checkers refuse names that are not there
    __getattr__ = imported_later(__name__, _LATER)
