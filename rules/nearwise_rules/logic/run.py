"""What one evaluation is given (time, zone, subject, look-ups), what it may spend, and what it notes on the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from nearwise_rules.errors import BudgetExceeded
from nearwise_rules.records import Record

from .bucketing import Bucketing
from .dialects import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from .tree import Expression

TYPE_MISMATCH: Final = "TYPE_MISMATCH"
NAN: Final = "NaN"
INVALID_ARGUMENTS: Final = "Invalid Arguments"
BUDGET_EXCEEDED: Final = "BUDGET_EXCEEDED"
UNKNOWN_SEGMENT: Final = "UNKNOWN_SEGMENT"

SEGMENT_NESTING: Final = 4
"""How many segments may stand inside each other: with 64 levels of nesting each, this fits the Python stack."""


class Diagnostic(Record):
    """Something an evaluation met that its author should know. `place` is an attribute's name or a JSON pointer."""

    __slots__ = ("code", "message", "place")
    code: str
    place: str
    message: str

    def __init__(self, code: str, place: str, message: str) -> None:
        self._fix(code=code, place=place, message=message)


class Scope:
    """The data that names refer to: the context at the root, the element inside a loop, the error inside `try`.

    `val` climbs by levels, two for each scope: the data of a scope, then its frame, which holds the loop's `index`.
    """

    __slots__ = ("data", "index", "outer")

    def __init__(self, data: object, outer: Scope | None = None, index: int | None = None) -> None:
        self.data = data
        self.outer = outer
        self.index = index


def _no_segment(_key: str) -> Expression | None:
    return None


def _no_flag(_key: str) -> str | None:
    return None


def _no_audience(_key: str, _looked_up: str | None) -> bool | None:
    return None


def _no_score(_key: str, _data: object) -> float | None:
    return None


class Run:
    """The mutable environment of one evaluation: never shared between threads, never kept.

    `now` is Unix seconds or None when unknown; `zone` an IANA name, for instants written without one. `in_audience`
    answers for an audience's key and the text to look up (None: the subject); None when there is no such audience.
    """

    __slots__ = (
        "bucketing",
        "bytes_left",
        "diagnostics",
        "flag_key",
        "in_audience",
        "lookup_flag",
        "lookup_segment",
        "nesting_left",
        "now",
        "operations_left",
        "score",
        "subject",
        "zone",
    )

    def __init__(
        self,
        *,
        now: float | None = None,
        zone: str = "UTC",
        flag_key: str = "",
        subject: str = "",
        bucketing: Bucketing = Bucketing.MURMUR3,
        lookup_segment: Callable[[str], Expression | None] = _no_segment,
        lookup_flag: Callable[[str], str | None] = _no_flag,
        score: Callable[[str, object], float | None] = _no_score,
        in_audience: Callable[[str, str | None], bool | None] = _no_audience,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self.now = now
        self.zone = zone
        self.flag_key = flag_key
        self.subject = subject
        self.bucketing = bucketing
        self.lookup_segment = lookup_segment
        self.lookup_flag = lookup_flag
        self.score = score
        self.in_audience = in_audience
        self.diagnostics: list[Diagnostic] = []
        self.operations_left = limits.operations
        self.bytes_left = limits.output_bytes
        self.nesting_left = SEGMENT_NESTING

    def note(self, code: str, place: str, message: str) -> None:
        """Add a diagnostic, once for each code and place."""
        diagnostic = Diagnostic(code, place, message)
        if diagnostic not in self.diagnostics:
            self.diagnostics.append(diagnostic)

    def spend(self, operations: int) -> None:
        """Take `operations` from the budget. Raises: BudgetExceeded, which `try` does not catch."""
        self.operations_left -= operations
        if self.operations_left < 0:
            raise BudgetExceeded("the rule used up its operations")

    def produce(self, size: int) -> None:
        """Take `size` bytes (of text) or slots (of a list, 8 each) from the budget. Raises: BudgetExceeded."""
        self.bytes_left -= size
        if self.bytes_left < 0:
            raise BudgetExceeded("the rule built more output than it may")
