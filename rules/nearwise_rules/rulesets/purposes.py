"""Purposes in documents: names of the eight that a subject can consent to."""

from __future__ import annotations

from nearwise_rules.consent import PURPOSES
from nearwise_rules.rulesets.parts import Part, did_you_mean


def check_purposes(part: Part) -> None:
    """Report names that are no purposes."""
    for name in part.texts():
        if name.value not in PURPOSES:
            name.problem("unknown_purpose", f"unknown purpose '{name.value}'{did_you_mean(str(name.value), PURPOSES)}")
