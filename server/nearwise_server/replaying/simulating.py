"""Holding a draft rule set against recorded decisions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from nearwise_rules import Bundle, Entry, Release, Simulation, Tally, inspect_bundle, merge_tallies
from nearwise_server.authoring import provisional_bundle
from nearwise_server.replaying.records import Piece, recordings_in


@dataclass(slots=True)
class Simulated:
    """What a draft would change, by flag and placement; `damaged` counts lines that hold no decision."""

    damaged: int = 0
    tallies: dict[str, Tally] = field(default_factory=dict[str, Tally])

    @property
    def decisions(self) -> int:
        """How many decisions the draft was held against."""
        return sum(tally.decisions for tally in self.tallies.values())


@dataclass(frozen=True, slots=True)
class Simulate:
    """Hold a draft, as entries built at Unix seconds `built`, against the decisions in a file.

    What was before is what is recorded; with the bundle file `current`, what that would answer.
    """

    path: str
    draft: tuple[Entry, ...]
    built: float
    current: bytes | None = None

    @property
    def draft_release(self) -> Release:
        """The draft, ready to decide."""
        return Release(provisional_bundle(self.draft, self.built))

    @property
    def current_bundle(self) -> Bundle | None:
        """The bundle that it is compared with.

        Raises:
            BundleRefused: the file is no bundle.
        """
        return None if self.current is None else inspect_bundle(self.current)

    def ready(self) -> Callable[[Piece], Simulated]:
        """The work on one piece. Raises BundleRefused as `current_bundle` does."""
        draft, bundle = self.draft_release, self.current_bundle
        current = None if bundle is None else Release(bundle)

        def work(piece: Piece) -> Simulated:
            simulation, damaged = Simulation(draft, current), 0
            for recording in recordings_in(self.path, piece):
                if recording is None:
                    damaged += 1
                else:
                    simulation.add(recording)
            return Simulated(damaged, simulation.tallies)

        return work


def all_simulated(parts: Iterable[Simulated]) -> Simulated:
    """What all pieces of a file gave together."""
    found = list(parts)
    return Simulated(sum(part.damaged for part in found), merge_tallies(part.tallies for part in found))
