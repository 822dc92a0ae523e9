import pytest

from nearwise_rules import Run, interpret, parse, trace
from nearwise_rules.logic.recording import STEPS_KEPT, Step
from nearwise_rules.logic.tree import Variable

from .rule_cases import RuleCase, rule_cases, same


def outline(step: Step) -> tuple[str, object, list[object]]:
    return step.pointer, step.value, [outline(inner) for inner in step.steps]


def test_a_trace_holds_what_was_evaluated_and_nothing_else() -> None:
    recorded = trace(parse({"and": [{"<": [{"var": "a"}, 5]}, False, {"var": "b"}]}), {"a": 1})
    first: tuple[str, object, list[object]] = ("/and/0", True, [("/and/0/</0", 1, []), ("/and/0/</1", 5, [])])
    assert outline(recorded.root) == ("", False, [first, ("/and/1", False, [])])
    assert recorded.complete


def test_a_loop_has_a_step_for_every_round() -> None:
    recorded = trace(parse({"map": [{"var": "l"}, {"*": [{"var": ""}, 2]}]}), {"l": [1, 2]})
    assert [step.value for step in recorded.root.steps] == [[1, 2], 2, 4]


def test_an_error_stands_at_every_node_that_it_passed() -> None:
    recorded = trace(parse({"and": [{"+": [{"var": "a"}, 1]}]}), {"a": "x"})
    assert recorded.root.error is recorded.root.steps[0].error
    assert recorded.root.error is not None
    assert recorded.root.error.type == "NaN"
    assert not recorded.root.holds


def test_an_error_that_try_caught_stays_in_the_trace() -> None:
    recorded = trace(parse({"try": [{"throw": "x"}, 1]}), {})
    assert [step.error is None for step in recorded.root.steps] == [False, True]
    assert (recorded.root.value, recorded.root.error) == (1, None)


def test_diagnostics_come_with_the_trace() -> None:
    recorded = trace(parse({"var": "age"}, types={"age": "integer"}), {"age": "old"})
    assert [noted.place for noted in recorded.diagnostics] == ["age"]


def test_a_long_evaluation_is_recorded_up_to_a_limit() -> None:
    recorded = trace(parse({"map": [{"var": "l"}, {"+": [{"var": ""}, 1]}]}), {"l": list(range(5_000))})
    assert not recorded.complete
    assert recorded.root.value == list(range(1, 5_001))
    assert len(recorded.root.steps) <= STEPS_KEPT


def test_steps_know_their_nodes() -> None:
    recorded = trace(parse({"!": {"var": "a.b"}}), {"a": {"b": 1}})
    node = recorded.root.steps[0].node
    assert isinstance(node, Variable)
    assert (node.name, recorded.root.of(node)) == ("a.b", recorded.root.steps[0])


@pytest.mark.parametrize("case", rule_cases("reading", "control", "lists"), ids=lambda case: case.name)
def test_recording_changes_no_answer(case: RuleCase) -> None:
    expression = parse(case.rule, dialect=case.dialect, types=case.types)
    recorded = trace(expression, case.data, Run(limits=case.limits))
    if recorded.root.error is not None:
        assert recorded.root.error.type == case.fields["error"]
    else:
        assert same(recorded.root.value, interpret(expression, case.data, Run(limits=case.limits)))
