"""What a device remembers of a subject: counts, sums, times and sticky assignments, as values without I/O."""

from nearwise_rules.history.assignments import Assignment
from nearwise_rules.history.keys import series_key
from nearwise_rules.history.ledger import History, Ledger, LedgerLimits
from nearwise_rules.history.measures import Measure, compile_measure
from nearwise_rules.history.plan import HistoryPlan, Need
from nearwise_rules.history.series import Series

__all__ = [
    "Assignment",
    "History",
    "HistoryPlan",
    "Ledger",
    "LedgerLimits",
    "Measure",
    "Need",
    "Series",
    "compile_measure",
    "series_key",
]
