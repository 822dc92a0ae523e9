"""History attributes as documents: what they count must be sayable, and fit the type of the attribute."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from nearwise_rules.documents import HistoryMeasure
from nearwise_rules.documents.history import AttributeValue, Unit
from nearwise_rules.documents.offers import Owner
from nearwise_rules.history.measures import VERBS
from nearwise_rules.rulesets.conditions import is_of_candidate
from nearwise_rules.rulesets.drafts import Draft
from nearwise_rules.rulesets.parts import Part, article, field_names
from nearwise_rules.rulesets.spans import check_window

_GIVES: Mapping[str, tuple[str, ...]] = {
    "count": ("integer",),
    "sum": ("number",),
    "first": ("datetime", "number"),
    "last": ("datetime", "number"),
    "since_first": ("number",),
    "since_last": ("number",),
}
"""Which types an attribute of each verb can have."""

_ONLY_WITH: Mapping[str, tuple[str, ...]] = {
    "distinct": ("count",),
    "of": ("sum",),
    "window": ("count", "sum"),
    "unit": ("since_first", "since_last"),
}
"""Fields that mean something with some verbs only."""

_VALUE_TYPES = ("string", "integer", "number", "boolean")


def check_history(_key: str, part: Part, draft: Draft) -> None:
    """Report everything wrong with what an attribute asks of history; one without `history` is the app's own."""
    history = part.get("history")
    if history.absent:
        return
    if part.get("source").value != "history":
        history.problem("history_source", "an attribute with 'history' needs 'source: history'", of_key=True)
    history.known_fields(field_names(HistoryMeasure))
    verb = _check_verb(history)
    if verb is not None:
        _check_type(part.get("type"), verb)
        _check_company(history, verb)
    for name in ("of", "distinct"):
        if not history.get(name).absent:
            history.get(name).text()
    history.get("unit").choice(get_args(Unit))
    history.get("per").choice(get_args(Owner))
    check_window(history.get("window"))
    _check_where(history.get("where"), history.get("distinct"), draft)


def _check_verb(history: Part) -> str | None:
    given = [verb for verb in VERBS if not history.get(verb).absent]
    if len(given) != 1:
        if isinstance(history.value, dict):
            history.problem("history_verb", f"history has exactly one of {', '.join(VERBS)}")
        return None
    event = history.get(given[0])
    if event.text() == "":
        event.problem("history_event", "the name of an event is expected here")
    return given[0]


def _check_type(kind: Part, verb: str) -> None:
    fitting = _GIVES[verb]
    if isinstance(kind.value, str) and kind.value not in fitting:
        wanted = " or ".join(article(name) for name in fitting)
        kind.problem("history_type", f"'{verb}' gives {wanted}, and this is {article(kind.value)}")


def _check_company(history: Part, verb: str) -> None:
    for name, verbs in _ONLY_WITH.items():
        if not history.get(name).absent and verb not in verbs:
            history.get(name).problem("history_field", f"'{name}' goes with {' and '.join(verbs)} only", of_key=True)


def _check_where(where: Part, distinct: Part, draft: Draft) -> None:
    if where.absent:
        return
    for value in where.members().values():
        _check_value(value, draft)
    if isinstance(distinct.value, str) and not where.get(distinct.value).absent:
        distinct.problem("history_field", f"'where' leaves one value of '{distinct.value}' to count")


def _check_value(value: Part, draft: Draft) -> None:
    if isinstance(value.value, str | int | float):
        return
    var = value.get("var")
    if not isinstance(value.value, dict) or not (var.absent or isinstance(var.value, str)):
        value.problem("history_value", "a text, a number, true, false or { var: attribute } is expected here")
        return
    value.known_fields(field_names(AttributeValue))
    value.needs(("var",), "the value of an attribute")
    if isinstance(var.value, str) and not is_of_candidate(var.value):
        _check_variable(var, var.value, draft)


def _check_variable(var: Part, name: str, draft: Draft) -> None:
    if not draft.conditions.is_declared(name):
        var.problem("unknown_attribute", draft.conditions.undeclared(name))
        return
    attribute = draft.sources["attribute"].get(name)
    if attribute is None:
        return
    if not attribute.get("history").absent:
        var.problem("history_of_history", f"'{name}' is read from history itself, which is not known here yet")
    kind = attribute.get("type").value
    if isinstance(kind, str) and kind not in _VALUE_TYPES:
        var.problem("history_value", f"'{name}' is {article(kind)}: a property is compared with one plain value")
