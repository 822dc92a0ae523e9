"""Factors, levels and cells of a multivariate experiment: what is wrong with them, and the share of each cell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product
from math import prod
from typing import cast

from nearwise_rules.decide.cells import SEPARATORS, cell_name
from nearwise_rules.documents import JsonObject
from nearwise_rules.rulesets.flags import check_percent
from nearwise_rules.rulesets.parts import Part, did_you_mean
from nearwise_rules.rulesets.splits import WHOLE, basis_points

MAX_CELLS = 1_000


def cells_of(experiment: JsonObject) -> dict[str, int]:
    """The cells of a multivariate experiment, each with its share: all of them, or equally those of its design."""
    factors = cast("Mapping[str, Mapping[str, float]]", experiment["factors"])
    design = cast("list[Mapping[str, str]] | None", experiment.get("design"))
    if design is not None:
        names = [cell_name(cell) for cell in design]
        return dict(zip(names, apportioned([1] * len(names)), strict=True))
    cells = [dict(zip(factors, levels, strict=True)) for levels in product(*factors.values())]
    weights = [prod(basis_points(factors[factor][level]) for factor, level in cell.items()) for cell in cells]
    return dict(zip([cell_name(cell) for cell in cells], apportioned(weights), strict=True))


def apportioned(weights: Iterable[int]) -> list[int]:
    """Basis points in proportion to weights, 10,000 together: what rounding leaves goes to the largest remainders."""
    parts = list(weights)
    total = sum(parts)
    points = [weight * WHOLE // total for weight in parts]
    left = WHOLE - sum(points)
    by_remainder = sorted(range(len(parts)), key=lambda place: -(parts[place] * WHOLE % total))
    for place in by_remainder[:left]:
        points[place] += 1
    return points


def check_factors(part: Part) -> Mapping[str, int] | None:
    """The cells by name; None when there are no factors, empty when something is wrong with them."""
    factors, design = part.get("factors"), part.get("design")
    if factors.absent:
        if not design.absent:
            design.problem("missing_field", "a design is of factors, and this experiment has none", of_key=True)
        return None
    names = factors.members()
    if not names and isinstance(factors.value, dict):
        factors.problem("no_factors", "a multivariate experiment has at least one factor")
    good = [_check_levels(name, factor) for name, factor in names.items()]
    if not good or not all(good):
        return {}
    if not design.absent and not _check_design(design, names):
        return {}
    document = cast("JsonObject", part.value)
    cells = 1
    for factor in names.values():
        cells *= len(factor.members())
    if design.absent and cells > MAX_CELLS:
        factors.problem("too_many_cells", f"{cells} cells, more than {MAX_CELLS}: list the ones you need in 'design'")
        return {}
    return cells_of(document)


def _check_levels(name: str, factor: Part) -> bool:
    levels = factor.members()
    good = bool(levels)
    for text, part in ((name, factor), *levels.items()):
        if not text or any(letter in SEPARATORS for letter in text):
            part.problem("bad_name", f"'{text}' cannot name a factor or a level: no '=' and no ','", of_key=True)
            good = False
    points = [check_percent(level) for level in levels.values()]
    if not levels:
        factor.problem("no_levels", f"factor '{name}' has no levels")
    if None in points:
        return False
    total = sum(each or 0 for each in points)
    if good and total != WHOLE:
        factor.problem("factor_sum", f"the levels of '{name}' make {total / 100:g} percent, not 100", of_key=True)
    return good and total == WHOLE


def _check_design(design: Part, factors: Mapping[str, Part]) -> bool:
    seen: set[str] = set()
    cells = design.items()
    good = 0 < len(cells) <= MAX_CELLS
    if isinstance(design.value, list) and not good:
        design.problem("design_size", f"a design lists 1 to {MAX_CELLS} cells")
    for cell in cells:
        name = check_cell(cell, factors)
        if name is None:
            good = False
        elif name in seen:
            cell.problem("duplicate_cell", f"the cell {name} is already in this design")
            good = False
        seen.add(name or "")
    return good


def check_cell(cell: Part, factors: Mapping[str, Part]) -> str | None:
    """The name of a cell; None, and reported, when it is none of these factors."""
    levels, good = cell.members(), isinstance(cell.value, dict)
    for name, level in levels.items():
        if name not in factors:
            level.problem("unknown_factor", f"unknown factor '{name}'{did_you_mean(name, factors)}", of_key=True)
            good = False
            continue
        text, known = level.text(), factors[name].members()
        if text is not None and text not in known:
            level.problem("unknown_level", f"unknown level '{text}' of factor '{name}'{did_you_mean(text, known)}")
        good = good and text in known
    missing = [name for name in factors if name not in levels]
    if missing and isinstance(cell.value, dict):
        cell.problem("missing_factor", f"a cell has a level of every factor, and '{missing[0]}' is missing")
    named = {name: str(level.value) for name, level in levels.items()}
    return cell_name(named) if good and not missing else None
