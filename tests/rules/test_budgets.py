"""Whatever an operator walks over, builds or looks up inside a loop is paid for, so that no rule runs long."""

import pytest

from nearwise_rules import BudgetExceeded, Dialect, EvaluationError, Run, interpret, parse
from nearwise_rules.logic.pattern_syntax import Characters, read_pattern
from nearwise_rules.logic.rendering import value_in_words
from nearwise_rules.logic.versions import version_of

INDEX = {"val": [[1], "index"]}
ROUNDS = 9_000


def each(body: object) -> object:
    return {"map": [{"var": "rounds"}, {"try": [body, 0]}]}


def outer(name: str) -> object:
    return {"val": [[2], name]}


EVERYWHERE: dict[str, tuple[object, dict[str, object]]] = {
    "parts of a name": (each({"var": outer("long")}), {"long": "a." * 5_000}),
    "networks": (
        each({"cidr": ["1.2.3.4", outer("nets")]}),
        {"nets": [f"10.{n >> 8}.{n & 255}.0/24" for n in range(500)]},
    ),
    "members that are all the same": (each({"any_of": [outer("same"), ["x"]]}), {"same": ["a"] * 3_000}),
    "patterns made anew": (each({"matches": ["", {"cat": ["(?:a|b){160}", INDEX]}]}), {}),
    "patterns refused": (each({"matches": ["", {"cat": ["a{400}", INDEX, "b{400}"]}]}), {}),
    "zones": (each({"hour": [0, {"cat": ["Nowhere/", INDEX]}]}), {}),
    "versions": (each({"sem_ver": [outer("long"), "=", "1.0.0"]}), {"long": "1.0.0-" + "1a" * 500}),
}


@pytest.mark.parametrize("name", EVERYWHERE)
def test_what_a_loop_asks_for_is_paid(name: str) -> None:
    rule, data = EVERYWHERE[name]
    with pytest.raises(BudgetExceeded):
        interpret(parse(rule), {"rounds": [0] * ROUNDS, **data}, Run())


def test_text_is_paid_for_before_it_is_built() -> None:
    data = {"x": "y" * 1_000_000}
    for dialect in Dialect:
        with pytest.raises(BudgetExceeded, match="output"):
            interpret(parse({"cat": [{"var": "x"}] * 2_000}, dialect=dialect), data, Run())


def test_the_text_of_a_list_is_paid_for_in_javascript_too() -> None:
    rule = parse({"==": [{"var": "x"}, "z"]}, dialect=Dialect.JSONLOGIC)
    with pytest.raises(BudgetExceeded, match="output"):
        interpret(rule, {"x": ["y" * 1_000_000] * 100}, Run())


def test_digits_are_read_once_in_javascript() -> None:
    equal, added = (parse({name: [{"var": "x"}, 1]}, dialect=Dialect.JSONLOGIC) for name in ("==", "+"))
    assert interpret(equal, {"x": "1" * 500_000 + "x"}, Run()) is False
    with pytest.raises(BudgetExceeded):
        interpret(added, {"x": "1" * 2_000_000}, Run())


def test_the_ranges_of_a_class_are_sorted_and_apart() -> None:
    read = read_pattern("[c-ea-cxb]")
    assert isinstance(read, Characters)
    assert read.ranges == ((97, 101), (120, 120))


def test_a_number_without_end_is_no_version_and_has_words() -> None:
    assert version_of(10**5_000) is None
    with pytest.raises(EvaluationError, match="needs versions"):
        interpret(parse({"sem_ver": [{"var": "x"}, "=", "1.0.0"]}), {"x": 10**5_000}, Run())
    assert value_in_words(10**5_000) == "Infinity"
    assert value_in_words(2**64) == "18446744073709551616"


@pytest.mark.parametrize("name", ["+", "-", "*", "/", "%"])
def test_an_integer_beyond_all_floats_is_a_named_error(name: str) -> None:
    for operands in ([10**400, 0.5], [0.5, 10**400], [10**400, 10**399]):
        with pytest.raises(EvaluationError) as caught:
            interpret(parse({name: [{"var": "x"}, {"var": "y"}]}), dict(zip("xy", operands, strict=True)), Run())
        assert caught.value.type == "NaN"


def test_an_integer_without_end_of_the_wrong_type_is_missing() -> None:
    run = Run()
    assert interpret(parse({"var": "x"}, types={"x": "string"}), {"x": 10**5_000}, run) is None
    assert [noted.message for noted in run.diagnostics] == ["x should be a string and is a long number"]
