"""Hypothesis strategies for rules and contexts: mostly sensible ones, with every kind of odd value among them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from types import MappingProxyType

from hypothesis import strategies as st

TYPES = {
    "country": "string",
    "app.version": "version",
    "age": "integer",
    "basket.total": "number",
    "member.gold": "boolean",
    "basket.tags": "list",
    "seen": "datetime",
    "member": "object",
}
NAMES = (*TYPES, "plan", "a.b.c")
TEXTS = ("", "PL", "DE", "1.2.3", "v2.0", "10", "abc", "Ab", "2026-11-22T10:00:00Z", "10.1.2.3", "é", "\U0001f600")


class Tier(str, Enum):  # noqa: UP042  (the older way, which users write)
    """An Enum that is a text."""

    GOLD = "PL"


class Level(Enum):
    """An Enum of numbers."""

    LOW = 1


class Row:
    """No Mapping, but it answers `[]`, as the rows of databases do."""

    def __getitem__(self, name: str) -> object:
        if name == "flag":
            raise RuntimeError("no such column")
        return {"total": 30, "gold": True, "version": "1.2.3", "b": {"c": 1}}[name]

    def __repr__(self) -> str:
        return "Row()"


texts = st.sampled_from(TEXTS)
numbers = st.one_of(
    st.integers(-3, 80), st.sampled_from([0.5, 1.0, 18.0, -0.0, 1e300, 2**53 + 1, 2**60, float("nan"), float("inf")])
)
scalars = st.one_of(texts, numbers, st.booleans(), st.none())
odd = st.sampled_from(
    [
        Tier.GOLD,
        Level.LOW,
        Decimal("18"),
        Decimal("1.5"),
        datetime(2026, 11, 22, 10, tzinfo=UTC),
        datetime(2026, 11, 22, 10),
        date(2026, 11, 22),
        b"bytes",
        Row(),
        Row(),
        dict,
        object,
        (1, "PL"),
        MappingProxyType({"total": 5, "tags": ["abc"]}),
        {"x", "y"},
    ]
)
containers = st.one_of(st.lists(scalars, max_size=4), st.dictionaries(st.sampled_from("abc"), scalars))
values = st.one_of(scalars, scalars, containers, odd)
contexts = st.fixed_dictionaries(
    {},
    optional={
        "country": st.one_of(texts, texts, values),
        "plan": values,
        "age": st.one_of(numbers, numbers, values),
        "seen": values,
        "member": st.one_of(st.fixed_dictionaries({}, optional={"gold": st.one_of(st.booleans(), values)}), values),
        "app": st.one_of(st.fixed_dictionaries({}, optional={"version": st.one_of(texts, values)}), st.none()),
        "a": st.one_of(st.just({"b": {"c": 1}}), st.just({"b": None}), st.just({"b": ["c"]}), values),
        "basket": st.one_of(
            st.fixed_dictionaries(
                {},
                optional={
                    "total": st.one_of(numbers, values),
                    "tags": st.one_of(st.lists(texts, max_size=3), values),
                },
            ),
            st.none(),
            values,
        ),
    },
)
literals = st.one_of(texts, st.integers(-3, 80), st.sampled_from([0.5, 18.0, 2**60]), st.booleans(), st.none())
reads = st.one_of(
    st.sampled_from(NAMES).map(lambda name: {"var": name}),
    st.sampled_from(NAMES).map(lambda name: {"var": name}),
    st.tuples(st.sampled_from(NAMES), literals).map(lambda pair: {"var": list(pair)}),
    st.sampled_from(NAMES).map(lambda name: {"val": name.split(".")}),
)
operands = st.one_of(reads, reads, literals)


def _call(name: str, *arguments: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.tuples(*arguments).map(lambda given: {name: list(given)})


def _leaves() -> st.SearchStrategy[object]:
    lists = st.one_of(st.lists(texts, min_size=1, max_size=6), st.lists(literals, max_size=5))
    comparison = st.sampled_from(["==", "!=", "===", "!==", "<", "<=", ">", ">="])
    names = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3)
    versions = st.sampled_from(["=", "!=", "<", "<=", ">", ">=", "^", "~", "?"])
    return st.one_of(
        comparison.flatmap(lambda name: _call(name, operands, operands)),
        comparison.flatmap(lambda name: _call(name, operands, operands)),
        st.sampled_from(["<", "<=", "=="]).flatmap(lambda name: _call(name, operands, operands, operands)),
        _call("in", operands, st.one_of(lists, operands)),
        names.map(lambda given: {"missing": given}),
        names.map(lambda given: {"!": [{"missing": given}]}),
        _call("exists", st.sampled_from(["country", "age", "nothing"])),
        _call("sem_ver", operands, versions, operands),
        st.sampled_from(["starts_with", "ends_with"]).flatmap(lambda name: _call(name, operands, operands)),
        _call("matches", reads, st.sampled_from(["^P", "b+c$", "(a|b)*", "\\d+"])),
        _call("like", reads, st.sampled_from(["P%", "%b%", "_b%c", "abc"])),
        st.sampled_from(["any_of", "all_of", "none_of"]).flatmap(lambda name: _call(name, operands, lists)),
        _call("cidr", operands, st.just("10.0.0.0/8")),
        _call("before", operands, operands),
        _call("segment", st.sampled_from(["regulars", "circle", "throws", "unknown"])),
        _call("flag", st.just("other"), st.sampled_from(["on", "off"])),
        _call("audience", st.sampled_from(["vip", "unknown"])),
        _call("audience", st.sampled_from(["vip", "unknown"]), operands),
        _call("fractional", st.just(["a", 50]), st.just(["b", 50])),
        operands,
    )


def _nodes(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    several = st.lists(inner, min_size=1, max_size=4)
    return st.one_of(
        several.map(lambda given: {"and": given}),
        several.map(lambda given: {"and": given}),
        several.map(lambda given: {"or": given}),
        inner.map(lambda given: {"!": [given]}),
        inner.map(lambda given: {"!!": [given]}),
        st.lists(inner, min_size=2, max_size=5).map(lambda given: {"if": given}),
        st.tuples(inner, inner).map(lambda given: {"==": list(given)}),
        st.tuples(inner, inner).map(lambda given: {"??": list(given)}),
        st.tuples(inner, inner).map(lambda given: {"try": list(given)}),
        several.map(lambda given: {"+": given}),
        several.map(lambda given: {"cat": given}),
        st.tuples(reads, inner).map(lambda given: {"some": list(given)}),
        st.tuples(reads, inner).map(lambda given: {"map": list(given)}),
        inner.map(lambda given: {"lower": [given]}),
        st.just({"throw": "mine"}),
        several,
    )


rules = st.recursive(_leaves(), _nodes, max_leaves=12)
