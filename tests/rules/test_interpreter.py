import pytest

from nearwise_rules import BudgetExceeded, EvaluationError, Limits, Run, interpret, parse

from .rule_cases import RuleCase, rule_cases, same

MEANINGS = ("reading", "comparison", "arithmetic", "control", "lists", "texts")


@pytest.mark.parametrize("case", rule_cases(*MEANINGS), ids=lambda case: case.name)
def test_every_rule_means_what_its_case_says(case: RuleCase) -> None:
    run = Run(limits=case.limits)
    expression = parse(case.rule, dialect=case.dialect, types=case.types)
    if "error" in case.fields:
        with pytest.raises(EvaluationError) as caught:
            interpret(expression, case.data, run)
        assert caught.value.type == case.fields["error"]
    else:
        value = interpret(expression, case.data, run)
        assert same(value, case.fields["result"]), value
    if "diagnostics" in case.fields:
        assert [[noted.code, noted.place] for noted in run.diagnostics] == case.fields["diagnostics"]


def test_a_reduce_that_doubles_a_text_is_stopped_within_the_default_limits() -> None:
    doubled = {"cat": [{"var": "accumulator"}, {"var": "accumulator"}]}
    rule = parse({"reduce": [list(range(23)), doubled, "aa"]})
    with pytest.raises(BudgetExceeded):
        interpret(rule, {})


def test_an_evaluation_spends_nothing_when_there_is_no_loop() -> None:
    run = Run(limits=Limits(operations=0, output_bytes=0))
    rule = parse({"and": [{">": [{"var": "a"}, 1]}, {"in": [{"var": "b"}, ["x", "y"]]}, {"!": {"missing": ["a"]}}]})
    assert interpret(rule, {"a": 2, "b": "y"}, run) is True
    assert run.operations_left == 0


def test_a_rule_of_64_levels_fits_a_stack_that_is_already_deep() -> None:
    deep: object = {"var": "a"}
    for _ in range(62):
        deep = {"if": [True, deep]}
    rule = parse(deep)

    def from_below(frames: int) -> object:
        return interpret(rule, {"a": 1}) if frames == 0 else from_below(frames - 1)

    assert from_below(500) == 1


def test_a_full_stack_is_a_spent_budget() -> None:
    deep: object = {"var": "a"}
    for _ in range(62):
        deep = {"if": [True, deep]}
    rule = parse(deep)

    def until_full() -> object:
        try:
            return until_full()
        except RecursionError:
            return interpret(rule, {"a": 1})

    with pytest.raises(BudgetExceeded):
        until_full()


def test_values_that_a_loop_nests_a_thousand_deep_are_refused_not_recursed_into() -> None:
    nested = {"reduce": [{"var": "l"}, [{"var": "accumulator"}], 0]}
    with pytest.raises(EvaluationError):
        interpret(parse({"===": [nested, nested]}), {"l": [0] * 1000})


def test_log_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert interpret(parse({"log": "personal"}), {}) == "personal"
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["__class__", "items.__class__", "append", "__class__.__mro__", "items.append"])
def test_no_name_reaches_an_attribute_of_a_python_object(name: str) -> None:
    assert interpret(parse({"var": name}), {"items": [1]}) is None
    assert interpret(parse({"val": name.split(".")}), {"items": [1]}) is None
