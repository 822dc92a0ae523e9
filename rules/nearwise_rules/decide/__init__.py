"""Deciding: a bundle, a question, a clock -> a decision."""

from nearwise_rules.decide.cases import CaseFailure, run_cases
from nearwise_rules.decide.decision import Decision, ErrorCode, Outcome, Reason
from nearwise_rules.decide.release import Release

__all__ = ["CaseFailure", "Decision", "ErrorCode", "Outcome", "Reason", "Release", "run_cases"]
