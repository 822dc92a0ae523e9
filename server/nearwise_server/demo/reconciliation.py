"""The tills' own books against what the centre holds: is anything missing, is anything there twice?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from nearwise_rules import Json
from nearwise_server.demo.ledgers import Ledger

REPORTED_TYPES = ("exposure", "track")


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One event as the centre holds it: who sent it under which number, and what it says."""

    device: str
    epoch: str
    sequence: int
    type: str
    subject: str | None
    content: Mapping[str, Json]

    @property
    def name(self) -> str | None:
        """What a till's ledger calls this event; None for events that the SDK reports by itself."""
        if self.type == "exposure":
            named = self.content.get("id")
        else:
            properties = self.content.get("properties")
            named = properties.get("step") if isinstance(properties, dict) else None
        return named if isinstance(named, str) else None


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of the events of one or more tills.

    sent: reporting calls that returned. stored: events at the centre that a till reported. missing: sent, not stored.
    twice: stored more than once. interrupted: calls that `kill -9` cut off; each of them may be stored or not.
    """

    sent: int
    stored: int
    missing: int
    twice: int
    interrupted: int

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.sent + other.sent,
            self.stored + other.stored,
            self.missing + other.missing,
            self.twice + other.twice,
            self.interrupted + other.interrupted,
        )


def tally(ledger: Ledger, stored: Iterable[StoredEvent], gaps: int = 0) -> Tally:
    """Count one till. `gaps`: sequence numbers that the centre itself says it has not got from this till."""
    reported = [event for event in stored if event.type in REPORTED_TYPES]
    names = Counter(event.name for event in reported)
    numbers = Counter((event.epoch, event.sequence) for event in reported)
    missing = sum((ledger.reported - Counter({name: n for name, n in names.items() if name})).values())
    repeated_names = sum(n - 1 for n in names.values())
    repeated_numbers = sum(n - 1 for n in numbers.values())
    return Tally(
        sent=ledger.reported.total(),
        stored=len(reported),
        missing=max(missing, gaps),
        twice=max(repeated_names, repeated_numbers),
        interrupted=len(ledger.begun) - ledger.reported.total(),
    )
