"""Cells of multivariate experiments: a level for each factor, and the name by which a cell is known.

The name is `banner=off,layout=compact`: factors are sorted, so that it stays when somebody sorts a file anew.
"""

from __future__ import annotations

from collections.abc import Mapping

SEPARATORS = "=,"
"""What no name of a factor or level holds."""


def cell_name(cell: Mapping[str, str]) -> str:
    """The name of a cell."""
    return ",".join([f"{factor}={level}" for factor, level in sorted(cell.items())])


def cell_of(name: str) -> dict[str, str]:
    """The levels by factor that a name stands for.

    Raises:
        ValueError: not the name of a cell.
    """
    return dict([_level(part) for part in name.split(",")])


def _level(part: str) -> tuple[str, str]:
    factor, equals, level = part.partition("=")
    if not equals:
        raise ValueError(f"'{part}' is not factor=level")
    return factor, level
