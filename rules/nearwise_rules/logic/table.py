"""The one table of operators. A family is imported with the first of its operators that a rule uses.

`preserve` is not in it: parse reads it as a literal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Final, cast

from .operators import Operator

FAMILIES: Final[Mapping[str, tuple[str, ...]]] = {
    "access": ("var", "val", "exists", "missing", "missing_some"),
    "arithmetic": ("+", "*", "-", "/", "%", "min", "max"),
    "audiences": ("audience",),
    "arrays": ("map", "filter", "reduce", "all", "some", "none", "merge", "in", "length"),
    "comparison": ("==", "!=", "===", "!==", "<", "<=", ">", ">="),
    "control": ("if", "?:", "and", "or", "!", "!!", "??", "try", "throw", "log"),
    "dates": ("now", "before", "after", "date_diff", "hour", "weekday", "date", "time"),
    "lists": ("any_of", "all_of", "none_of"),
    "networks": ("cidr",),
    "scores": ("model",),
    "references": ("segment", "flag"),
    "strings": ("cat", "substr"),
    "targeting": ("fractional",),
    "text": ("starts_with", "ends_with", "lower", "matches", "like"),
    "versions": ("sem_ver",),
}
"""The operators of every module whose `OPERATORS` are rows of the table."""


class _Table(Mapping[str, Operator]):
    def __init__(self) -> None:
        self._home = {name: family for family, names in FAMILIES.items() for name in names}
        self._rows: dict[str, Operator] = {}

    def __getitem__(self, name: str) -> Operator:
        row = self._rows.get(name)
        if row is None:
            family = import_module(f"{__package__}.{self._home[name]}")
            self._rows.update({row.name: row for row in cast("tuple[Operator, ...]", family.OPERATORS)})
            row = self._rows[name]
        return row

    def __iter__(self) -> Iterator[str]:
        return iter(self._home)

    def __len__(self) -> int:
        return len(self._home)


TABLE: Final[Mapping[str, Operator]] = _Table()
