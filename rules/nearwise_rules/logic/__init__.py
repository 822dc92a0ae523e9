"""Rule logic: JSONLogic in two dialects, parsed once, then interpreted, traced or compiled."""

from nearwise_rules.logic.dialects import DEFAULT_LIMITS, Dialect, Limits
from nearwise_rules.logic.interpreter import interpret
from nearwise_rules.logic.parser import parse, parse_text
from nearwise_rules.logic.run import Diagnostic, Run, Scope
from nearwise_rules.logic.tree import Expression, Node

__all__ = [
    "DEFAULT_LIMITS",
    "Diagnostic",
    "Dialect",
    "Expression",
    "Limits",
    "Node",
    "Run",
    "Scope",
    "interpret",
    "parse",
    "parse_text",
]
