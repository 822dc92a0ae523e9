"""A rule set while it is checked: what its parts are held against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from json import loads
from typing import TYPE_CHECKING, TypeAlias, cast

from nearwise_rules.documents import JsonObject
from nearwise_rules.rulesets.conditions import Conditions
from nearwise_rules.rulesets.files import Sources
from nearwise_rules.rulesets.references import References
from nearwise_rules.rulesets.trials import Trial

if TYPE_CHECKING:
    from nearwise_rules.bundle import Bundle


Demand: TypeAlias = "Mapping[str, Mapping[str, int]]"
"""Offer -> device -> how often."""


@dataclass(frozen=True, slots=True)
class Draft:
    """The settings, every part by kind and key, the conditions parsed so far, and who mentions whom.

    `trials` are the rules that name an experiment, by its key. `previous` is the bundle that this one follows, where
    subjects may be kept; `now` the time (Unix seconds) that dates are held against, None: they are not.
    `demand` is what each device used of each offer with a budget.
    """

    settings: JsonObject
    sources: Sources
    conditions: Conditions
    references: References
    trials: Mapping[str, tuple[Trial, ...]] = field(default_factory=dict[str, "tuple[Trial, ...]"])
    previous: Bundle | None = None
    now: float | None = None
    demand: Demand = field(default_factory=dict[str, "Mapping[str, int]"])

    @property
    def zone(self) -> str:
        """The zone of the settings."""
        return str(self.settings.get("zone", "UTC"))

    def last(self, kind: str, key: str) -> JsonObject:
        """The document of an entry as the bundle before has it; empty when it has none."""
        body = None if self.previous is None else self.previous.entry(kind, key)
        return cast("JsonObject", loads(body)) if body is not None else {}
