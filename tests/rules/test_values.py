from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from types import MappingProxyType
from typing import NamedTuple

import pytest

from nearwise_rules import Dialect, EvaluationError, Run, interpret, parse


class Tier(Enum):
    GOLD = "gold"
    SILVER = "silver"


class Size(IntEnum):
    SMALL = 1


class Text(str):
    __slots__ = ()

    def __str__(self) -> str:
        raise AssertionError("a rule must not call this")


class Pair(NamedTuple):
    first: int
    second: int


class Lazy(Mapping[str, object]):
    """A context of the caller's own making, one of whose values cannot be had."""

    def __getitem__(self, key: str) -> object:
        if key == "broken":
            raise RuntimeError("no such device")
        return {"a": 1}[key]

    def __iter__(self) -> Iterator[str]:
        return iter(("a", "broken"))

    def __len__(self) -> int:
        return 2


def value(rule: object, data: object, dialect: Dialect = Dialect.SAFE, zone: str = "UTC") -> object:
    return interpret(parse(rule, dialect=dialect), data, Run(zone=zone))


def var(name: str) -> dict[str, object]:
    return {"var": name}


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize(
    ("given", "rule"),
    [
        (Decimal("12.40"), {"==": [var("v"), 12.4]}),
        (Decimal("20"), {">=": [var("v"), 20]}),
        (Decimal("20"), {"in": [var("v"), [20]]}),
        (Tier.GOLD, {"==": [var("v"), "gold"]}),
        (Size.SMALL, {"===": [var("v"), 1]}),
        (Text("x"), {"==": [var("v"), "x"]}),
        (Text("x"), {"==": [{"cat": [var("v"), "y"]}, "xy"]}),
        (("a", "b"), {"in": ["b", var("v")]}),
        ((1, 2), {"==": [{"reduce": [var("v"), {"+": [var("current"), var("accumulator")]}, 0]}, 3]}),
        (Pair(1, 2), {"==": [var("v.1"), 2]}),
        ([Tier.GOLD, Tier.SILVER], {"in": ["silver", var("v")]}),
        ([Decimal("1.5")], {"some": [var("v"), {"==": [var(""), 1.5]}]}),
        (MappingProxyType({"k": 1}), {"==": [var("v.k"), 1]}),
        (Lazy(), {"==": [var("v.a"), 1]}),
        (date(2026, 3, 1), {"==": [var("v"), "2026-03-01"]}),
        (date(2026, 3, 1), {"<": [var("v"), "2026-04"]}),
        ({}, {"!!": [var("v")]}),
    ],
)
def test_values_beside_json_are_read_by_rule(given: object, rule: object, dialect: Dialect) -> None:
    assert value(rule, {"v": given}, dialect) is True


def test_the_context_may_be_any_mapping() -> None:
    assert value({"==": [var("a"), 1]}, MappingProxyType({"a": 1})) is True
    assert value({"==": [var("a"), 1]}, Lazy()) is True


def test_instants_compare_with_instants_and_iso_text() -> None:
    warsaw = timezone(timedelta(hours=1))
    data = {"a": datetime(2026, 1, 1, 0, 30, tzinfo=warsaw), "b": datetime(2025, 12, 31, 23, 30, tzinfo=UTC)}
    assert value({"==": [var("a"), var("b")]}, data) is True
    assert value({"<": [var("a"), "2026-01-01T00:00:00Z"]}, data) is True
    with pytest.raises(EvaluationError):
        value({"<": [var("a"), "soon"]}, data)


def test_an_instant_without_a_zone_is_in_the_zone_of_the_run() -> None:
    data = {"a": datetime(2026, 7, 1, 12, 0)}
    rule = {"==": [var("a"), "2026-07-01T10:00:00Z"]}
    assert value(rule, data, zone="Europe/Warsaw") is True
    assert value(rule, data, zone="UTC") is False


def test_the_hour_that_daylight_saving_repeats_is_two_instants() -> None:
    from zoneinfo import ZoneInfo

    first = datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Warsaw"))
    assert value({"<": [var("a"), var("b")]}, {"a": first, "b": first.replace(fold=1)}) is True


def test_jsonlogic_sees_an_instant_as_json_writes_it() -> None:
    given = datetime(2026, 1, 1, 1, 0, tzinfo=timezone(timedelta(hours=1)))
    assert value(var("a"), {"a": given}, Dialect.JSONLOGIC) == "2026-01-01T00:00:00.000Z"


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("odd", [object(), b"bytes", {1}, 1j, Decimal("sNaN"), lambda: 1, int])
def test_an_odd_value_breaks_only_what_reads_it(odd: object, dialect: Dialect) -> None:
    run = Run()
    data = {"odd": odd, "fine": 1}
    assert interpret(parse({"==": [var("fine"), 1]}, dialect=dialect), data, run) is True
    assert run.diagnostics == []
    assert interpret(parse(var("odd"), dialect=dialect), data, run) is None
    assert [(noted.code, noted.place) for noted in run.diagnostics] == [("TYPE_MISMATCH", "odd")]


def test_an_odd_value_in_a_list_is_no_member() -> None:
    assert value({"in": ["a", var("l")]}, {"l": [object(), "a"]}) is True
    assert value({"in": ["b", var("l")]}, {"l": [object(), "a"]}) is False


def test_a_mapping_that_fails_breaks_only_the_read() -> None:
    assert value({"try": [var("broken"), "none"]}, Lazy()) == "none"
    with pytest.raises(EvaluationError, match="RuntimeError"):
        value(var("broken"), Lazy())


def test_a_diagnostic_is_noted_once() -> None:
    run = Run()
    rule = {"some": [[1, 2, 3], {"==": [{"val": [[2], "odd"]}, 1]}]}
    interpret(parse(rule), {"odd": object()}, run)
    assert len(run.diagnostics) == 1


@pytest.mark.parametrize("number", [float("inf"), float("-inf"), float("nan"), 2**70, -(2**70)])
@pytest.mark.parametrize("dialect", Dialect)
def test_extreme_numbers_break_nothing(number: float, dialect: Dialect) -> None:
    for rule in ({"<": [var("v"), 1]}, {"cat": [var("v")]}, {"!!": [var("v")]}, {"in": [var("v"), [1]]}):
        interpret(parse(rule, dialect=dialect), {"v": number})
    arithmetic = parse({"try": [{"*": [var("v"), var("v")]}, "no number"]}, dialect=dialect)
    interpret(arithmetic, {"v": number})
