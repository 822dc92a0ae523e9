"""Deciding: a bundle, a question, a clock -> a decision. What a device seldom needs is imported with its first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nearwise_rules.decide.decision import Decision, ErrorCode, Outcome, Participation, Reason, decision_id
from nearwise_rules.decide.items import Item
from nearwise_rules.decide.question import Question
from nearwise_rules.decide.release import Release
from nearwise_rules.decide.surroundings import (
    ANONYMOUS,
    DEVICE,
    Signal,
    Surround,
    Surroundings,
    nothing_known,
    owner_of,
    place_of,
)
from nearwise_rules.decide.terms import Terms
from nearwise_rules.later import imported_later

if TYPE_CHECKING:
    from nearwise_rules.decide.cases import CaseFailure, failure_of, run_cases
    from nearwise_rules.decide.explanation import CandidateExplanation, Explanation, RuleExplanation, explain

_LATER = {
    "CandidateExplanation": ".explanation",
    "CaseFailure": ".cases",
    "Explanation": ".explanation",
    "RuleExplanation": ".explanation",
    "explain": ".explanation",
    "failure_of": ".cases",
    "run_cases": ".cases",
}

__all__ = [
    "ANONYMOUS",
    "DEVICE",
    "CandidateExplanation",
    "CaseFailure",
    "Decision",
    "ErrorCode",
    "Explanation",
    "Item",
    "Outcome",
    "Participation",
    "Question",
    "Reason",
    "Release",
    "RuleExplanation",
    "Signal",
    "Surround",
    "Surroundings",
    "Terms",
    "decision_id",
    "explain",
    "failure_of",
    "nothing_known",
    "owner_of",
    "place_of",
    "run_cases",
]

if not TYPE_CHECKING:  # so that type checkers refuse names that are not there
    __getattr__ = imported_later(__name__, _LATER)
