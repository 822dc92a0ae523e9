"""A rule set while it is checked: what its parts are held against."""

from __future__ import annotations

from dataclasses import dataclass

from nearwise_rules.documents import JsonObject
from nearwise_rules.rulesets.conditions import Conditions
from nearwise_rules.rulesets.files import Sources
from nearwise_rules.rulesets.references import References


@dataclass(frozen=True, slots=True)
class Draft:
    """The settings, every part by kind and key, the conditions parsed so far, and who mentions whom."""

    settings: JsonObject
    sources: Sources
    conditions: Conditions
    references: References
