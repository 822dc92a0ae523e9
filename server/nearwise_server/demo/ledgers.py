"""A till's own books: what it did, counted apart from the SDK, in a file that survives `kill -9`.

The till (examples/till.py) appends one line per fact, fields separated by tabs, each line in one O_APPEND write:

    start   <unix time>  <bundle version>  <source>       the till is ready to decide
    decide  <unix time>  <nanoseconds>  <flag>  <bundle version>  <reason>
    begin   <step>  <event>                               about to report
    done    <step>  <event>                               the call has returned: from here on it may not be lost
    basket  <number>                                      the visit is finished
    end     <unix time>  <bundle version>  <events left>

`event` names the event at the centre: an exposure by its decision's id, a tracked event by its property `step`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from nearwise_server.demo.errors import DemoFailed


@dataclass(frozen=True, slots=True)
class Asked:
    """One decision a till asked for. `nanoseconds`: how long the call took; `version` 0: no bundle decided."""

    at: float
    nanoseconds: int
    flag: str
    version: int
    reason: str

    @property
    def blank(self) -> bool:
        """Whether the till got nothing but its own default."""
        return self.version == 0 or self.reason == "ERROR"


@dataclass(frozen=True, slots=True)
class Start:
    """A till's process became ready: when, on which bundle version, from where."""

    at: float
    version: int
    source: str


@dataclass(frozen=True, slots=True)
class Ledger:
    """All that one till wrote down."""

    starts: tuple[Start, ...]
    asked: tuple[Asked, ...]
    begun: tuple[str, ...]
    reported: Counter[str]
    baskets: int
    end_version: int | None


def read_ledger(path: Path) -> Ledger:
    """Read a till's ledger; a last line without its newline (a kill in the middle of a write) is left out.

    Raises:
        DemoFailed: the till has not written what its format says.
    """
    starts: list[Start] = []
    asked: list[Asked] = []
    begun: list[str] = []
    reported: Counter[str] = Counter()
    baskets, end_version = 0, None
    try:
        for line in path.read_text().split("\n")[:-1]:
            match line.split("\t"):
                case ["decide", at, nanoseconds, flag, version, reason]:
                    asked.append(Asked(float(at), int(nanoseconds), flag, int(version), reason))
                case ["begin", _, event]:
                    begun.append(event)
                case ["done", _, event]:
                    reported[event] += 1
                case ["basket", _]:
                    baskets += 1
                case ["start", at, version, source]:
                    starts.append(Start(float(at), int(version), source))
                case ["end", _, version, _]:
                    end_version = int(version)
                case _:
                    raise ValueError(line)
    except (OSError, ValueError) as error:
        raise DemoFailed(f"the ledger {path} cannot be read: {error!r}") from error
    return Ledger(tuple(starts), tuple(asked), tuple(begun), reported, baskets, end_version)
