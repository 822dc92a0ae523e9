"""The rows of the table: what is measured, the figure, the floor beside it, and what was to be reached."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `reached` is None where there is nothing to reach: a peer, a figure for comparison."""

    what: str
    who: str
    figure: str
    floor: str = ""
    ratio: float | None = None
    reach: str = ""
    reached: bool | None = None

    def cells(self) -> tuple[str, ...]:
        """The cells as text."""
        verdict = "" if self.reached is None else "yes" if self.reached else "NO"
        ratio = "" if self.ratio is None else f"{self.ratio:.2f} x"
        return (self.what, self.who, self.figure, self.floor, ratio, self.reach, verdict)


_HEAD = ("what", "who", "figure", "floor", "ratio", "reach", "reached")


def table(rows: Iterable[Row]) -> str:
    """A Markdown table, aligned so that it reads in a terminal too."""
    lines = [_HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEAD))]
    texts = [_line(line, widths) for line in lines]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([texts[0], rule, *texts[1:]])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [
        cell.ljust(width) if column in (0, 1, 5) else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "| " + " | ".join(padded) + " |"
