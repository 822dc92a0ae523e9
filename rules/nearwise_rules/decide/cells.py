"""Cells of multivariate experiments: a level for each factor, and the name by which a cell is known.

The name is `layout=compact,banner=off`, in the order in which the factors are declared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

SEPARATORS = "=,"
"""What no name of a factor or level holds."""


def cell_name(cell: Mapping[str, str], factors: Iterable[str]) -> str:
    """The name of a cell that has a level for each of `factors`.

    Raises:
        KeyError: a factor has no level.
    """
    return ",".join([f"{factor}={cell[factor]}" for factor in factors])


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
