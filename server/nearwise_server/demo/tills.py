"""One till of the demo, seen from outside: its process, its files, how far it has come, when it had no network."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nearwise_server.demo.journey import Visit
from nearwise_server.demo.ledgers import Ledger, read_ledger
from nearwise_server.demo.processes import Child


@dataclass(frozen=True, slots=True)
class TillPost:
    """What a till is given: the program, the centre's address and a key, and how long the replay takes."""

    program: Path
    url: str
    key: str
    seconds: float


class Till:
    """A till that can be opened, told to begin, killed, opened again, and closed."""

    def __init__(self, name: str, folder: Path, visits: Sequence[Visit]) -> None:
        self.name = name
        self.visits = len(visits)
        self.log = folder / "till.log"
        self.child = Child(name, self.log)
        self._folder = folder
        self._ledger = folder / "ledger.tsv"
        self._read_to = 0
        self._seen = {"start": 0, "basket": 0, "done": 0}
        self._cut_at: float | None = None
        self._offline: list[tuple[float, float]] = []
        folder.mkdir(parents=True)
        (folder / "journal.jsonl").write_text("".join(f"{visit.line()}\n" for visit in visits))

    def open(self, post: TillPost) -> None:
        """Start the process."""
        paths = {"storage": "storage", "journal": "journal.jsonl", "ledger": "ledger.tsv"}
        given = {"url": post.url, "device": self.name, "seconds": str(post.seconds)} | {
            name: str(self._folder / path) for name, path in paths.items()
        }
        arguments = [str(post.program), *(text for name, value in given.items() for text in (f"--{name}", value))]
        self.child.start(arguments, os.environ | {"NEARWISE_KEY": post.key})

    def look(self) -> None:
        """Read on in the ledger."""
        try:
            with self._ledger.open("rb") as stream:
                stream.seek(self._read_to)
                fresh = stream.read()
        except OSError:
            return
        whole = fresh[: fresh.rfind(b"\n") + 1]
        self._read_to += len(whole)
        for line in whole.splitlines():
            word = line.split(b"\t", 1)[0].decode()
            if word in self._seen:
                self._seen[word] += 1

    @property
    def lives(self) -> int:
        """How often it has become ready to decide."""
        return self._seen["start"]

    @property
    def reported(self) -> int:
        """How many events it has reported, by its own books."""
        return self._seen["done"]

    @property
    def rung_up(self) -> int:
        """How many visits it has finished."""
        return self._seen["basket"]

    def note_cut(self) -> None:
        """Its network has just gone."""
        self._cut_at = time.time()

    def note_restored(self) -> None:
        """Its network is about to come back."""
        if self._cut_at is not None:
            self._offline.append((self._cut_at, time.time()))
            self._cut_at = None

    @property
    def offline(self) -> tuple[tuple[float, float], ...]:
        """The spans (Unix seconds) without a network."""
        return tuple(self._offline)

    def ledger(self) -> Ledger:
        """All that it wrote down.

        Raises:
            DemoFailed: the ledger cannot be read.
        """
        return read_ledger(self._ledger)
