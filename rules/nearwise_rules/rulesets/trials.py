"""Rules that name an experiment: what they may say, and what the shares of the experiment are by them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple, cast

from nearwise_rules.documents import Json, JsonObject
from nearwise_rules.rulesets.files import Sources
from nearwise_rules.rulesets.parts import Part, did_you_mean
from nearwise_rules.rulesets.splits import WHOLE, basis_points

RULED = ("flag", "placement")
"""The kinds of documents that have rules."""


class Trial(NamedTuple):
    """A rule that names an experiment, and what it splits (variant -> basis points; empty when it does not)."""

    rule: Part
    shares: Mapping[str, int]


def trials_of(sources: Sources) -> dict[str, tuple[Trial, ...]]:
    """The rules that name each experiment, in the order of the files."""
    found: dict[str, tuple[Trial, ...]] = {}
    for kind in RULED:
        for document in sources[kind].values():
            rules = document.get("rules")
            for rule in rules.items() if isinstance(rules.value, list) else ():
                key = rule.get("experiment").value
                if isinstance(key, str):
                    found[key] = (*found.get(key, ()), Trial(rule, shares_of(rule.get("split").value)))
    return found


def shares_of(split: Json) -> dict[str, int]:
    """The shares of a split in basis points; empty when it is none that can be laid out."""
    try:
        shares = {name: basis_points(cast("float", share)) for name, share in cast("JsonObject", split or {}).items()}
    except (AttributeError, TypeError, ValueError):
        return {}
    return shares if sum(shares.values()) <= WHOLE else {}


def check_trial(rule: Part, variants: Collection[str], experiments: Mapping[str, Part]) -> bool:
    """Check the experiment of a rule; whether a declared one decides what it serves.

    A rule set without declared experiments may name them as it likes: labels for its splits.
    """
    named, factor = rule.get("experiment"), rule.get("factor")
    key = None if named.absent else named.text()
    if key is None:
        if not factor.absent:
            rule.problem("missing_field", "a rule with 'factor' needs 'experiment'")
        return False
    if not experiments and factor.absent:
        return False
    if key not in experiments:
        guess = did_you_mean(key, experiments)
        message = f"unknown experiment '{key}'{guess}: where experiments/ has a file, each needs one"
        named.problem("unknown_experiment", message)
        return True
    if not rule.get("serve").absent:
        named.problem("serves_one", f"a rule of experiment '{key}' has 'split' or 'factor', not 'serve'", of_key=True)
    _check_by(rule, experiments[key])
    _check_factor(rule, variants, key, experiments[key])
    return True


def _check_by(rule: Part, experiment: Part) -> None:
    by, whole = rule.get("by"), experiment.get("by").value or "subject"
    if not by.absent and by.value != whole:
        by.problem("other_by", f"the experiment buckets by '{whole}', and so do its rules")


def _check_factor(rule: Part, variants: Collection[str], key: str, experiment: Part) -> None:
    factors, factor = experiment.get("factors").value, rule.get("factor")
    if not isinstance(factors, dict):
        if not factor.absent:
            factor.problem("unknown_factor", f"experiment '{key}' has no factors: its rules split", of_key=True)
        return
    if factor.absent:
        if not rule.get("split").absent:
            message = f"experiment '{key}' has factors: name one by 'factor' in place of 'split'"
            rule.get("split").problem("split_of_factors", message, of_key=True)
        return
    name = factor.text()
    levels = factors.get(name or "")
    if name is not None and name not in factors:
        factor.problem("unknown_factor", f"unknown factor '{name}' of experiment '{key}'{did_you_mean(name, factors)}")
    for level in levels if isinstance(levels, dict) else ():
        if level not in variants:
            message = f"factor '{name}' has the level '{level}', which is no variant here"
            factor.problem("unknown_variant", f"{message}{did_you_mean(level, variants)}")
