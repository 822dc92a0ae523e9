"""Events on their way home: kept on disk in order, sealed into batches, settled when the server says stored."""

from .batches import NO_EVENT, Batch, BatchLimits, Figures, LogLimits
from .sealing import Outbox, memory_outbox, open_outbox

__all__ = ["NO_EVENT", "Batch", "BatchLimits", "Figures", "LogLimits", "Outbox", "memory_outbox", "open_outbox"]
