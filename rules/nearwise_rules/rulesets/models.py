"""Models as documents: their features must be declared, their numbers finite."""

from __future__ import annotations

from nearwise_rules.documents import Feature, Model
from nearwise_rules.rulesets.conditions import is_of_candidate
from nearwise_rules.rulesets.drafts import Draft
from nearwise_rules.rulesets.parts import Part, field_names
from nearwise_rules.rulesets.purposes import check_purposes

KINDS = ("linear", "neighbours")
LINKS = ("identity", "logistic")
_LINEAR, _NEIGHBOURS = ("intercept", "features", "link"), ("reads", "match", "neighbours", "most")


def check_model(_key: str, part: Part, draft: Draft) -> None:
    """Report everything wrong with one model."""
    part.known_fields(field_names(Model))
    part.needs(("kind",), "a model")
    kind = part.get("kind").choice(KINDS)
    check_purposes(part.get("purposes"))
    _check_finite(part.get("fallback"))
    for name in _NEIGHBOURS if kind == "linear" else _LINEAR if kind == "neighbours" else ():
        if not part.get(name).absent:
            part.get(name).problem("other_kind", f"a {kind} model has no '{name}'", of_key=True)
    if kind == "linear":
        _check_linear(part, draft)
    elif kind == "neighbours":
        _check_neighbours(part, draft)


def _check_linear(part: Part, draft: Draft) -> None:
    part.get("link").choice(LINKS)
    _check_finite(part.get("intercept"))
    for name, feature in part.get("features").members().items() if not part.get("features").absent else ():
        _check_read(feature, name, draft, of_key=True)
        feature.known_fields(field_names(Feature))
        if feature.get("weight").absent is feature.get("values").absent:
            feature.problem("weight_or_values", "a feature has either 'weight' (a number) or 'values' (a text)")
        for number in ("weight", "mean", "scale", "missing"):
            _check_finite(feature.get(number))
        if feature.get("scale").value == 0:
            feature.get("scale").problem("zero", "a feature cannot be divided by 0")
        for value in feature.get("values").members().values() if not feature.get("values").absent else ():
            _check_finite(value)


def _check_neighbours(part: Part, draft: Draft) -> None:
    part.needs(("reads", "match", "neighbours"), "a neighbours model")
    reads = None if part.get("reads").absent else part.get("reads").text()
    if reads is not None:
        _check_read(part.get("reads"), reads, draft, of_key=False)
    part.get("most").whole(1)
    for others in part.get("neighbours").members().values() if not part.get("neighbours").absent else ():
        for weight in others.members().values():
            _check_finite(weight)


def _check_read(part: Part, name: str, draft: Draft, *, of_key: bool) -> None:
    if not draft.conditions.is_declared(name) and not is_of_candidate(name):
        part.problem("unknown_attribute", draft.conditions.undeclared(name), of_key=of_key)


def _check_finite(part: Part) -> None:
    if not part.absent:
        part.finite()
