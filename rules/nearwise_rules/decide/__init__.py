"""Deciding: a bundle, a question, a clock -> a decision. What a device seldom needs is imported with its first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nearwise_rules.decide.decision import Decision, ErrorCode, Outcome, Reason
from nearwise_rules.decide.release import Release

if TYPE_CHECKING:
    from nearwise_rules.decide.cases import CaseFailure, failure_of, run_cases
    from nearwise_rules.decide.explanation import Explanation, RuleExplanation, explain

_LATER = {
    "CaseFailure": "cases",
    "Explanation": "explanation",
    "RuleExplanation": "explanation",
    "explain": "explanation",
    "failure_of": "cases",
    "run_cases": "cases",
}

__all__ = [
    "CaseFailure",
    "Decision",
    "ErrorCode",
    "Explanation",
    "Outcome",
    "Reason",
    "Release",
    "RuleExplanation",
    "explain",
    "failure_of",
    "run_cases",
]


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
    globals()[name] = value
    return value
