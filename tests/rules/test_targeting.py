"""The targeting operators on lists, networks, segments and other flags."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

import pytest

from nearwise_rules.errors import BudgetExceeded, DocumentError, EvaluationError
from nearwise_rules.logic import Expression, Run, compile_expression, interpret, parse

SEGMENTS: Mapping[str, Expression] = {
    "adults": parse({">=": [{"var": "age"}, 18]}),
    "members": parse({"and": [{"segment": "adults"}, {"var": "member"}]}),
    "circle": parse({"or": [{"segment": "circle"}, True]}),
    "numbers": parse({"+": [{"var": "age"}, 1]}),
}
FLAGS = {"layout": "new"}


class Category(str, Enum):  # noqa: UP042  (the older way, which users write)
    """Categories as an application declares them."""

    COFFEE = "COFFEE"


def answer(rule: object, data: Mapping[str, object]) -> object:
    """What a rule gives, interpreted and compiled alike."""
    expression = parse(rule)
    runs = [Run(lookup_segment=SEGMENTS.get, lookup_flag=FLAGS.get) for _ in range(2)]
    found = interpret(expression, data, runs[0])
    assert compile_expression(expression)(data, runs[1]) == found
    assert runs[0].diagnostics == runs[1].diagnostics
    return found


@pytest.mark.parametrize(
    ("items", "any_of", "all_of", "none_of"),
    [
        (["COFFEE", "TEA", "MILK"], True, True, False),
        (["COFFEE"], True, False, False),
        (["MILK", None, 5], False, False, True),
        ([], False, False, True),
        (("TEA",), True, False, False),
        ([Category.COFFEE], True, False, False),
        (None, False, False, False),
    ],
)
def test_lists_have_any_all_or_none_of_some_values(items: object, any_of: bool, all_of: bool, none_of: bool) -> None:
    for types in (None, {"items": "list"}):
        for name, expected in (("any_of", any_of), ("all_of", all_of), ("none_of", none_of)):
            expression = parse({name: [{"var": "items"}, ["COFFEE", "TEA"]]}, types=types)
            assert interpret(expression, {"items": items}) is expected
            assert compile_expression(expression)({"items": items}, None) is expected


def test_members_compare_without_coercion() -> None:
    assert answer({"any_of": [{"var": "x"}, [1]]}, {"x": [True, "1"]}) is False
    assert answer({"any_of": [{"var": "x"}, [1]]}, {"x": [1.0]}) is True
    assert answer({"any_of": [{"var": "x"}, [True]]}, {"x": [1]}) is False


@pytest.mark.parametrize("items", ["COFFEE", 5, {"a": 1}, [["COFFEE"]], [{"a": 1}]])
def test_what_is_no_list_of_single_values_is_misuse(items: object) -> None:
    with pytest.raises(EvaluationError):
        answer({"any_of": [{"var": "x"}, ["COFFEE"]]}, {"x": items})


@pytest.mark.parametrize(
    ("address", "networks", "inside"),
    [
        ("10.1.2.3", "10.0.0.0/8", True),
        ("11.1.2.3", "10.0.0.0/8", False),
        ("11.1.2.3", ["10.0.0.0/8", "11.0.0.0/8"], True),
        ("192.168.7.4", "192.168.7.4", True),
        ("::ffff:10.1.2.3", "10.0.0.0/8", True),
        ("2001:db8::7", "2001:db8::/32", True),
        ("10.1.2.3", "2001:db8::/32", False),
        (None, "10.0.0.0/8", False),
    ],
)
def test_addresses_lie_in_networks(address: object, networks: object, inside: bool) -> None:
    assert answer({"cidr": [{"var": "ip"}, networks]}, {"ip": address}) is inside


@pytest.mark.parametrize(
    ("address", "networks"),
    [("no address", "10.0.0.0/8"), (5, "10.0.0.0/8"), ("10.1.2.3", "10.1.0.0/8"), ("10.1.2.3", 8), ("10.1.2.3", [8])],
)
def test_what_is_no_address_or_network_is_misuse(address: object, networks: object) -> None:
    with pytest.raises(EvaluationError):
        answer({"cidr": [{"var": "ip"}, networks]}, {"ip": address})


def test_lower_makes_comparing_without_case_possible() -> None:
    assert answer({"==": [{"lower": [{"var": "city"}]}, "łódź"]}, {"city": "ŁÓDŹ"}) is True
    assert answer({"lower": [{"var": "city"}]}, {}) is None
    with pytest.raises(EvaluationError):
        answer({"lower": [{"var": "city"}]}, {"city": 5})


def test_a_segment_is_a_condition_with_a_name() -> None:
    assert answer({"segment": "adults"}, {"age": 18}) is True
    assert answer({"segment": "adults"}, {}) is False
    assert answer({"and": [{"segment": "members"}, {"<": [{"var": "age"}, 70]}]}, {"age": 40, "member": True}) is True
    assert answer({"segment": "numbers"}, {"age": -1}) is False


def test_a_segment_reads_the_context_even_inside_a_loop() -> None:
    assert answer({"some": [{"var": "items"}, {"segment": "adults"}]}, {"age": 20, "items": [{"age": 1}]}) is True


def test_an_unknown_segment_does_not_hold_and_is_noted() -> None:
    run = Run(lookup_segment=SEGMENTS.get)
    assert interpret(parse({"segment": "nobody"}), {}, run) is False
    assert [diagnostic.code for diagnostic in run.diagnostics] == ["UNKNOWN_SEGMENT"]


def test_a_circle_of_segments_ends() -> None:
    with pytest.raises(BudgetExceeded):
        answer({"segment": "circle"}, {})


def test_segments_within_segments_cannot_multiply_their_cost() -> None:
    many = [{"segment": "leaf"}] * 300
    segments = {"leaf": parse({"or": [{"var": "x"}] * 300}), "middle": parse({"or": many})}
    run = Run(lookup_segment=segments.get)
    with pytest.raises(BudgetExceeded):
        interpret(parse({"or": [{"segment": "middle"}] * 300}), {}, run)


def test_a_segment_that_was_replaced_is_read_anew() -> None:
    compiled = compile_expression(parse({"segment": "x"}))
    for wanted in (1, 2):
        segments = {"x": parse({"==": [{"var": "a"}, wanted]})}
        assert compiled({"a": wanted}, Run(lookup_segment=segments.get)) is True


def test_a_flag_gives_its_variant_or_says_whether_it_is_the_wanted_one() -> None:
    assert answer({"flag": "layout"}, {}) == "new"
    assert answer({"flag": ["layout", "new"]}, {}) is True
    assert answer({"flag": ["layout", ["old", "older"]]}, {}) is False
    assert answer({"flag": "unknown"}, {}) is None
    assert answer({"flag": ["unknown", ["old"]]}, {}) is False


@pytest.mark.parametrize("name", ["segment", "flag"])
def test_references_are_known_when_parsed(name: str) -> None:
    expression = parse({"or": [{name: "one"}, {name: "two"}]})
    assert (expression.segments if name == "segment" else expression.flags) == ("one", "two")
    with pytest.raises(DocumentError):
        parse({name: {"var": "x"}})
