"""What can be chosen about the demo, and where its parts lie."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from nearwise_server.demo.errors import DemoImpossible

NEEDS_EXAMPLES = (
    "nearwise demo needs the repository's examples folder: run it in a clone, or name it with --data FOLDER"
)


@dataclass(frozen=True, kw_only=True)
class DemoSettings:
    """How the demo is played.

    folder: where everything it makes goes; made anew by each run. examples: the repository's examples folder; None
    looks for it. seconds: length of the replay. port: of the centre; 0 takes any free one, None 8700 if it is free.
    """

    folder: Path = field(default_factory=lambda: Path("nearwise-demo"))
    examples: Path | None = None
    check: bool = False
    json: bool = False
    keep: bool = False
    seconds: float = 12.0
    port: int | None = None
    tills: int = 8

    def __post_init__(self) -> None:
        if not 1 <= self.seconds <= 3600:
            raise DemoImpossible("the replay takes 1 to 3600 seconds")
        if self.port is not None and not 0 <= self.port <= 65_535:
            raise DemoImpossible(f"port {self.port} is not within 0 and 65535")
        if not 7 <= self.tills <= 64:
            raise DemoImpossible("the demo is played with 7 to 64 tills")


@dataclass(frozen=True, slots=True)
class Examples:
    """The parts of the examples folder that the demo uses."""

    data: Path
    rules: Path
    change: Path
    till: Path


def find_examples(named: Path | None) -> Examples:
    """The examples folder: as named, else the clone's that this package runs from, else the working directory's.

    Raises:
        DemoImpossible: none of them has what the demo needs.
    """
    clone = Path(__file__).resolve().parents[3] / "examples"
    for folder in [named] if named else [clone, Path("examples")]:
        found = Examples(folder / "complete_journey", folder / "shop", folder / "shop-next", folder / "till.py")
        if found.data.is_dir() and found.rules.is_dir() and found.change.is_dir() and found.till.is_file():
            return found
    if named:
        raise DemoImpossible(
            f"{named} is not the repository's examples folder: it needs complete_journey, shop, shop-next, till.py"
        )
    raise DemoImpossible(NEEDS_EXAMPLES)
