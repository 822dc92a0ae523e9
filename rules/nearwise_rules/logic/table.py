"""The one table of operators: every family's rows by name. `preserve` is not in it: parse reads it as a literal."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from . import (
    access,
    arithmetic,
    arrays,
    comparison,
    control,
    dates,
    lists,
    networks,
    references,
    strings,
    targeting,
    text,
    versions,
)
from .operators import Operator

FAMILIES: Final = (
    access.OPERATORS,
    comparison.OPERATORS,
    control.OPERATORS,
    arithmetic.OPERATORS,
    strings.OPERATORS,
    arrays.OPERATORS,
    dates.OPERATORS,
    lists.OPERATORS,
    networks.OPERATORS,
    references.OPERATORS,
    targeting.OPERATORS,
    text.OPERATORS,
    versions.OPERATORS,
)

TABLE: Final[Mapping[str, Operator]] = MappingProxyType({row.name: row for family in FAMILIES for row in family})
