"""Deciding: a bundle, a question, a clock -> a decision."""

from nearwise_rules.decide.decision import Decision, ErrorCode, Outcome, Reason
from nearwise_rules.decide.release import Release

__all__ = ["Decision", "ErrorCode", "Outcome", "Reason", "Release"]
