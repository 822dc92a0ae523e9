"""What this device remembers of its subjects: in memory for deciding, in one SQLite file that may be lost."""

from nearwise.history.figures import HistoryFigures, HistoryLimits
from nearwise.history.rebuilding import Waiting, catch_up, rebuild
from nearwise.history.store import HistoryStore

__all__ = ["HistoryFigures", "HistoryLimits", "HistoryStore", "Waiting", "catch_up", "rebuild"]
