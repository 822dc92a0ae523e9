"""Segments as documents: a condition each."""

from __future__ import annotations

from nearwise_rules.documents import Segment
from nearwise_rules.rulesets.conditions import references
from nearwise_rules.rulesets.drafts import Draft
from nearwise_rules.rulesets.parts import Part, field_names


def check_segment(key: str, part: Part, draft: Draft) -> None:
    """Report everything wrong with one segment."""
    part.known_fields(field_names(Segment))
    if "when" not in part.members():
        part.problem("missing_field", "a segment needs 'when'")
        return
    expression = draft.conditions.check(part.get("when"))
    if expression is not None:
        draft.references.add(("segment", key), part.get("when"), references(expression))
