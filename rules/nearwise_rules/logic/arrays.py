"""The operators on lists: map filter reduce all some none merge in length, in both dialects.

Safe: a null list is empty, and satisfies none of `all`, `some`, `none`; any other kind is an error of type
"Invalid Arguments". Every loop spends its rounds times its weight from the budget before it starts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, cast

from nearwise_rules.errors import EvaluationError

from .comparison import kind_of, same
from .javascript import strictly_equal, text
from .operators import Kind, Operator
from .run import INVALID_ARGUMENTS, Run, Scope
from .values import UNDEFINED, is_list, plain, truthy

if TYPE_CHECKING:
    from .tree import Node, Operation

Evaluate = Callable[[object, Scope], object]
Source = Callable[[Run, Scope, Evaluate, "Operation"], Sequence[object] | None]

_SLOT: Final = 8


def _safe_source(run: Run, scope: Scope, evaluate: Evaluate, operation: Operation) -> Sequence[object] | None:
    value = evaluate(operation.arguments[0], scope)
    if value is None:
        return None
    if not is_list(value):
        raise EvaluationError(INVALID_ARGUMENTS, f"{operation.name} needs a list, not a {kind_of(value)}")
    return _charged(run, cast("Sequence[object]", value), operation)


def _js_source(run: Run, scope: Scope, evaluate: Evaluate, operation: Operation) -> Sequence[object] | None:
    value = evaluate(operation.arguments[0], scope) if operation.arguments else UNDEFINED
    return _charged(run, cast("Sequence[object]", value), operation) if is_list(value) else None


def _charged(run: Run, items: Sequence[object], operation: Operation) -> Sequence[object]:
    run.spend(len(items) * operation.weight)
    return items


def _body(operation: Operation) -> Node | None:
    return operation.arguments[1] if len(operation.arguments) > 1 else None


def _mapping(source: Source) -> Callable[..., object]:
    def transform(run: Run, scope: Scope, evaluate: Evaluate, operation: Operation) -> object:
        items = source(run, scope, evaluate, operation)
        body = _body(operation)
        if items is None:
            return []
        run.produce(len(items) * _SLOT)
        if body is None:
            return [None] * len(items)
        return [_listed(evaluate(body, Scope(item, scope, index))) for index, item in enumerate(items)]

    return transform


def _listed(value: object) -> object:
    return None if value is UNDEFINED else value


def _filtering(source: Source) -> Callable[..., object]:
    def select(run: Run, scope: Scope, evaluate: Evaluate, operation: Operation) -> object:
        items = source(run, scope, evaluate, operation)
        body = _body(operation)
        if items is None or body is None:
            return []
        run.produce(len(items) * _SLOT)
        return [item for index, item in enumerate(items) if truthy(evaluate(body, Scope(item, scope, index)))]

    return select


def _reducing(source: Source, *, from_first: bool) -> Callable[..., object]:
    def accumulate(run: Run, scope: Scope, evaluate: Evaluate, operation: Operation) -> object:
        items = source(run, scope, evaluate, operation)
        arguments = operation.arguments
        value = evaluate(arguments[2], scope) if len(arguments) > 2 else None
        if not items:
            return value
        start = 1 if from_first and len(arguments) < 3 else 0
        if start:
            value = items[0]
        body = _body(operation)
        for index in range(start, len(items)):
            data = {"current": items[index], "accumulator": value}
            value = UNDEFINED if body is None else evaluate(body, Scope(data, scope, index))
        return value

    return accumulate


def _quantified(source: Source, *, stop_at: bool, nothing: bool, found: bool, unknown: bool) -> Callable[..., object]:
    """A quantifier that answers `found` at the first element whose truth is `stop_at`, else the opposite;
    `nothing` for an empty list and `unknown` for none at all."""

    def quantify(run: Run, scope: Scope, evaluate: Evaluate, operation: Operation) -> object:
        items = source(run, scope, evaluate, operation)
        if not items:
            return unknown if items is None else nothing
        body = _body(operation)
        for index, item in enumerate(items):
            if (body is not None and truthy(evaluate(body, Scope(item, scope, index)))) is stop_at:
                return found
        return not found

    return quantify


def merge(run: Run, *values: object) -> object:
    """One list of all members: lists are opened one level, other values are members themselves."""
    merged: list[object] = []
    for value in values:
        if is_list(value):
            merged.extend(cast("Sequence[object]", value))
        else:
            merged.append(_listed(value))
    run.produce(len(merged) * _SLOT)
    return merged


def contains(run: Run, needle: object, haystack: object) -> bool:
    """Safe `in`: a member of a list by kind and value, or a part of a text; null is in nothing."""
    if needle is None or haystack is None:
        return False
    if isinstance(haystack, str) and isinstance(needle, str):
        run.spend(len(haystack) >> 10)
        return needle in haystack
    if not is_list(haystack):
        raise EvaluationError(INVALID_ARGUMENTS, f"a {kind_of(needle)} cannot be in a {kind_of(haystack)}")
    items = cast("Sequence[object]", haystack)
    run.spend(len(items) >> 2)
    return any(same(run, item, needle) for item in items)


def js_contains(run: Run, needle: object = UNDEFINED, haystack: object = UNDEFINED, *_more: object) -> bool:
    """json-logic-js `in`: Array.prototype.indexOf or String.prototype.indexOf."""
    if isinstance(haystack, str):
        run.spend(len(haystack) >> 10)
        return haystack != "" and text(run, needle) in haystack
    if not is_list(haystack):
        return False
    items = cast("Sequence[object]", haystack)
    run.spend(len(items) >> 3)
    return any(strictly_equal(plain(item, run, ""), needle) for item in items)


def length(_run: Run, value: object) -> object:
    """How many members a list or characters a text has; null of null."""
    if value is None:
        return None
    if isinstance(value, str) or is_list(value):
        return len(cast("Sequence[object]", value))
    raise EvaluationError(INVALID_ARGUMENTS, f"a {kind_of(value)} has no length")


_BODY: Final = range(1, 2)


def _loop(name: str, safe: Callable[..., object], jsonlogic: Callable[..., object], most: int = 2) -> Operator:
    return Operator(
        name=name,
        safe=safe,
        jsonlogic=jsonlogic,
        kind=Kind.LAZY,
        least=2,
        most=most,
        loose=True,
        listed=True,
        inner=_BODY,
        loops=True,
    )


def _quantifier(name: str, *, stop_at: bool, nothing: bool, found: bool) -> Operator:
    return _loop(
        name,
        _quantified(_safe_source, stop_at=stop_at, nothing=nothing, found=found, unknown=False),
        _quantified(_js_source, stop_at=stop_at, nothing=nothing, found=found, unknown=nothing),
    )


OPERATORS: Final = (
    _loop("map", _mapping(_safe_source), _mapping(_js_source)),
    _loop("filter", _filtering(_safe_source), _filtering(_js_source)),
    _loop("reduce", _reducing(_safe_source, from_first=True), _reducing(_js_source, from_first=False), most=3),
    _quantifier("all", stop_at=False, nothing=False, found=False),
    _quantifier("some", stop_at=True, nothing=False, found=True),
    _quantifier("none", stop_at=True, nothing=True, found=False),
    Operator(name="merge", safe=merge, loose=True),
    Operator(name="in", safe=contains, jsonlogic=js_contains, least=2, most=2, loose=True),
    Operator(name="length", safe=length, least=1, most=1),
)
