"""The errors of the rules room: what a caller can do about each decides where it stands.

RulesError
├── DocumentError      the author's document is wrong: fix the listed problems
├── BundleRefused      a received bundle may not be used: keep the last good one
├── RecordingRefused   a decision cannot be recorded: it stands, go on without
└── EvaluationError    a rule misused a value: the rule does not match, `try` may catch it
    └── BudgetExceeded a rule cost more than it may: the rule does not match, `try` does not catch it
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple


class Problem(NamedTuple):
    """One thing wrong in a document: a stable code, where (a JSON pointer, RFC 6901) and a sentence."""

    code: str
    pointer: str
    message: str

    def __str__(self) -> str:
        return f"{self.pointer or '/'}: {self.message}"


class RulesError(Exception):
    """Base of every error that nearwise_rules raises on purpose."""


class DocumentError(RulesError):
    """A document has problems; all of them are listed, in document order."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(str(problem) for problem in self.problems))


class Refusal(StrEnum):
    """Why a bundle, a delta or a sealed batch was refused."""

    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    UNSUPPORTED_FORMAT = "unsupported_format"
    BAD_SIGNATURE = "bad_signature"
    UNKNOWN_KEY = "unknown_key"
    WRONG_SCOPE = "wrong_scope"
    WRONG_DIGEST = "wrong_digest"
    WRONG_ROOT = "wrong_root"
    ROLLBACK = "rollback"
    EXPIRED = "expired"
    SDK_TOO_OLD = "sdk_too_old"
    UNKNOWN_BASE = "unknown_base"
    FAILED_CASES = "failed_cases"


class BundleRefused(RulesError):
    """A bundle, delta or batch that may not be used, and why. The bytes are never partly applied."""

    def __init__(self, reason: Refusal, message: str) -> None:
        self.reason = reason
        super().__init__(f"{reason.value}: {message}")


class RecordingRefused(RulesError):
    """A decision that cannot be recorded so that it can be repeated, and why. The decision itself is as good as any."""


class EvaluationError(RulesError):
    """A rule misused a value. `type` is the error's name as data: "NaN", "Invalid Arguments", or what `throw` gave."""

    def __init__(self, type: str, message: str = "", payload: object = None) -> None:  # noqa: A002
        self.type = type
        self.payload = {"type": type} if payload is None else payload
        super().__init__(message or type)


class BudgetExceeded(EvaluationError):
    """A rule used up the operations or the output that one evaluation may spend."""

    def __init__(self, message: str) -> None:
        super().__init__("BUDGET_EXCEEDED", message)
