"""Built flags and placements: the ranges of their splits, carried over so that subjects stay where they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import cast

from nearwise_rules.documents import Json, JsonObject
from nearwise_rules.rulesets.drafts import Draft
from nearwise_rules.rulesets.splits import Range, basis_points, lay_out


def built_flag(key: str, document: JsonObject, previous: JsonObject | None, draft: Draft) -> dict[str, Json]:
    """A checked flag or placement with the ranges of its splits.

    `previous` is its last built document when subjects may be kept. The ranges of a declared experiment are in its own
    entry.
    """
    declared = draft.sources["experiment"]
    if previous is not None and _salt(key, previous) != _salt(key, document):
        previous = None
    past = _rules(previous or {})
    rules: list[Json] = []
    for index, rule in enumerate(_rules(document)):
        before = _ranges(_same_rule(rule, index, past))
        rules.append(dict(rule) if rule.get("experiment") in declared else {**rule, **_with_ranges(rule, before)})
    return {**document, "rules": rules} if rules else dict(document)


def built_placement(key: str, document: JsonObject, previous: JsonObject | None, draft: Draft) -> dict[str, Json]:
    """A checked placement as `built_flag` makes it, and its default by name: an entry keeps no order of policies."""
    first = next(iter(cast("JsonObject", document["policies"])))
    return built_flag(key, {**document, "default": document.get("default") or first}, previous, draft)


def _with_ranges(rule: JsonObject, before: Iterable[Range]) -> dict[str, Json]:
    split = rule.get("split")
    if not isinstance(split, dict):
        return {}
    shares = {name: basis_points(cast("float", percent)) for name, percent in split.items()}
    return {"ranges": [list(piece) for piece in lay_out(shares, before)]}


def _same_rule(rule: JsonObject, index: int, past: list[JsonObject]) -> JsonObject:
    """The rule as it was: of the same name; without one, of the same condition, else in the same position."""
    name, by = rule.get("name"), rule.get("by", "subject")
    candidates = [old for old in past if old.get("name") == name and old.get("by", "subject") == by]
    if name:
        return candidates[0] if candidates else {}
    alike = [old for old in candidates if old.get("when", True) == rule.get("when", True)]
    in_place = [old for old in candidates if index < len(past) and old is past[index]]
    found = [*alike, *in_place]
    return found[0] if found else {}


def _ranges(rule: JsonObject) -> Iterator[Range]:
    pieces = rule.get("ranges")
    for piece in pieces if isinstance(pieces, list) else ():
        variant, first, end = cast("tuple[str, int, int]", piece)
        yield Range(variant, first, end)


def _rules(document: JsonObject) -> list[JsonObject]:
    return cast("list[JsonObject]", document.get("rules") or [])


def _salt(key: str, document: JsonObject) -> Json:
    return document.get("salt") or key
