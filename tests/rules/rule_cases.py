"""The language-neutral cases of rule semantics in `cases/`, and how values are compared: strictly, with their kinds."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from nearwise_rules import Dialect, Limits

CASES = Path(__file__).parent / "cases"


@dataclass(frozen=True)
class RuleCase:
    """A rule, its data, and what it gives in one dialect; `fields` is the case as it stands in the file."""

    name: str
    dialect: Dialect
    fields: Mapping[str, object]

    @property
    def rule(self) -> object:
        return self.fields["rule"]

    @property
    def data(self) -> object:
        return self.fields.get("data")

    @property
    def types(self) -> Mapping[str, str]:
        return cast("Mapping[str, str]", self.fields.get("types", {}))

    @property
    def limits(self) -> Limits:
        return Limits(**cast("dict[str, int]", self.fields.get("limits", {})))


def rule_cases(*stems: str) -> list[RuleCase]:
    """The cases of these files, one for each dialect they are about."""
    return [case for stem in stems for case in _cases_of(stem)]


def _cases_of(stem: str) -> list[RuleCase]:
    read = cast("list[dict[str, object]]", json.loads((CASES / f"{stem}.json").read_text("utf-8")))
    return [
        RuleCase(f"{stem}: {fields['description']} ({dialect.value})", dialect, fields)
        for fields in read
        for dialect in _dialects(str(fields.get("dialect", "both")))
    ]


def _dialects(name: str) -> Sequence[Dialect]:
    return tuple(Dialect) if name == "both" else (Dialect(name),)


def same(left: object, right: object) -> bool:
    """Whether two values are of one kind and equal: true is not 1, 1 is 1.0, NaN is NaN."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, (int, float)) and isinstance(right, (int, float)):
        return left == right or (math.isnan(left) and math.isnan(right)) or math.isclose(left, right, abs_tol=1e-10)
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        return _same_lists(cast("Sequence[object]", left), cast("Sequence[object]", right))
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return _same_objects(cast("Mapping[str, object]", left), cast("Mapping[str, object]", right))
    return left == right and isinstance(left, str) is isinstance(right, str)


def _same_lists(left: Sequence[object], right: Sequence[object]) -> bool:
    return len(left) == len(right) and all(same(one, other) for one, other in zip(left, right, strict=True))


def _same_objects(left: Mapping[str, object], right: Mapping[str, object]) -> bool:
    return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
