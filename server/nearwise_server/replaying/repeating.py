"""Repeating recorded decisions: the same bundle, the same answer, bit for bit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from nearwise_rules import Difference, Recording, Release, differences, is_same, repeat
from nearwise_server.replaying.records import Piece, open_bundles, recordings_in


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A decision that came out otherwise: what was asked, and each field that is not the same."""

    key: str
    subject: object
    at: float
    bundle: int
    differences: tuple[Difference, ...]


@dataclass(slots=True)
class Repeated:
    """How many decisions came out the same, and the first that did not.

    `elsewhere` counts those of bundles that are not at hand, by (version, root); `damaged` lines that hold none.
    """

    same: int = 0
    different: int = 0
    damaged: int = 0
    elsewhere: Counter[tuple[int, str]] = field(default_factory=Counter[tuple[int, str]])
    mismatches: list[Mismatch] = field(default_factory=list[Mismatch])

    @property
    def decisions(self) -> int:
        """How many could be repeated."""
        return self.same + self.different


@dataclass(frozen=True, slots=True)
class Repeat:
    """Repeat the decisions in a file by these bundle files; `shown` mismatches are described."""

    path: str
    bundles: tuple[bytes, ...]
    shown: int

    def ready(self) -> Callable[[Piece], Repeated]:
        """The work on one piece, the bundles opened.

        Raises:
            BundleRefused: one of the files is no bundle.
        """
        releases = {root: Release(bundle) for root, bundle in open_bundles(self.bundles).items()}

        def work(piece: Piece) -> Repeated:
            found = Repeated()
            for recording in recordings_in(self.path, piece):
                if recording is None:
                    found.damaged += 1
                elif (release := releases.get(recording.root)) is None:
                    found.elsewhere[recording.bundle, recording.root] += 1
                else:
                    _repeat(release, recording, found, self.shown)
            return found

        return work


def _repeat(release: Release, recording: Recording, found: Repeated, shown: int) -> None:
    decision = repeat(release, recording)
    if is_same(recording, decision):
        found.same += 1
        return
    found.different += 1
    if len(found.mismatches) < shown:
        told = differences(recording, decision)
        found.mismatches.append(Mismatch(recording.key, recording.subject, recording.at, recording.bundle, told))


def all_repeated(parts: Iterable[Repeated], shown: int) -> Repeated:
    """What all pieces of a file gave together."""
    whole = Repeated()
    for part in parts:
        whole.same += part.same
        whole.different += part.different
        whole.damaged += part.damaged
        whole.elsewhere.update(part.elsewhere)
        whole.mismatches += part.mismatches[: shown - len(whole.mismatches)]
    return whole
