"""Why a condition held or not, from its trace: which parts decided it, on what values, and what would have to change.

Every writer is given a step and what the condition needs of it (true or false, which `!` turns round).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, cast

from .recording import Step, Trace
from .rendering import members_in_words, node_in_words, shortened, value_in_words
from .tree import Literal, Operation, Variable
from .values import is_list

MOST_FINDINGS: Final = 20
_OPPOSITE: Final = {
    "==": "!=",
    "===": "!==",
    "!=": "==",
    "!==": "===",
    "<": ">=",
    "<=": ">",
    ">": "<=",
    ">=": "<",
}
_MIRRORED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_QUANTITY: Final = {"some": "at least one", "all": "all", "none": "none"}
_IN_WORDS: Final = {"==": "to be", "===": "to be", "!=": "to be other than", "!==": "to be other than"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One part of a condition that decided it. `attribute` is the one it looks at, "" when it is not a single one.

    `good`: the part is as the condition needs it. `message`: "`basket.total` is 12.4, needs >= 20".
    """

    pointer: str
    attribute: str
    good: bool
    message: str


def explain_condition(trace: Trace) -> tuple[Finding, ...]:
    """What decided the condition, at most 20 findings in the order of the rule.

    A condition that held has the parts that made it hold; one that failed has those that would have to change.
    """
    return tuple(_explained(trace.root, True))[:MOST_FINDINGS]


def _explained(step: Step, needed: bool) -> list[Finding]:
    if step.error is not None:
        return _of_error(step)
    node = step.node
    if isinstance(node, Operation) and step.steps:
        return _WRITERS.get(node.name, _of_operation)(step, needed)
    return _of_value(step, needed)


def _found(step: Step, needed: bool, state: str, needs: str) -> list[Finding]:
    good = step.holds is needed
    return [Finding(step.pointer, _attribute(step), good, f"{state}, {'as needed: ' if good else 'needs '}{needs}")]


def _is(step: Step) -> str:
    return f"{node_in_words(step.node)} is {value_in_words(step.value)}"


def _reads(step: Step) -> list[Step]:
    return [inner for inner in step.steps if isinstance(inner.node, Variable)]


def _of_error(step: Step) -> list[Finding]:
    failed = next((inner for inner in reversed(step.steps) if inner.error is step.error), None)
    if failed is not None:
        return _of_error(failed)
    values = [_is(read) for read in _reads(step)]
    message = "; ".join([*values, f"{node_in_words(step.node)} failed: {step.error}"])
    return [Finding(step.pointer, _attribute(step), False, message)]


def _attribute(step: Step) -> str:
    """The attribute that a step reads, "" when it reads none or several."""
    names = {inner.node.name for inner in (step, *step.steps) if isinstance(inner.node, Variable)}
    return names.pop() if len(names) == 1 else ""


def _of_value(step: Step, needed: bool) -> list[Finding]:
    if isinstance(step.node, Literal):
        return [Finding(step.pointer, "", step.holds is needed, f"the rule itself says {value_in_words(step.value)}")]
    if isinstance(step.value, bool):
        return _found(step, needed, _is(step), "true" if needed else "false")
    return _found(step, needed, _is(step), "a value" if needed else "no value (or 0, or an empty one)")


def _of_operation(step: Step, needed: bool) -> list[Finding]:
    reads = [_is(read) for read in _reads(step)]
    if reads and isinstance(step.value, bool):
        wanted = node_in_words(step.node)
        return _found(step, needed, "; ".join(reads), wanted if needed else f"not {wanted}")
    return _found(step, needed, "; ".join([*reads, _is(step)]), "true" if needed else "false")


def _of_all(step: Step, needed: bool) -> list[Finding]:
    deciding = step.steps if step.holds else step.steps[-1:]
    return [finding for inner in deciding for finding in _explained(inner, needed)]


def _of_any(step: Step, needed: bool) -> list[Finding]:
    deciding = step.steps[-1:] if step.holds else step.steps
    return [finding for inner in deciding for finding in _explained(inner, needed)]


def _of_not(step: Step, needed: bool) -> list[Finding]:
    return _explained(step.steps[0], not needed)


def _of_truth(step: Step, needed: bool) -> list[Finding]:
    return _explained(step.steps[0], needed)


def _of_choice(step: Step, needed: bool) -> list[Finding]:
    chosen = step.steps[-1]
    if not isinstance(chosen.node, Literal) or len(step.steps) < 2:
        return _explained(chosen, needed)
    condition = step.steps[-2]
    return _explained(condition, condition.holds is (step.holds is needed))


def _of_comparison(step: Step, needed: bool) -> list[Finding]:
    node = cast("Operation", step.node)
    if len(step.steps) != 2 or len(node.arguments) != 2:
        wanted = node_in_words(node) if needed else f"not {node_in_words(node)}"
        return _found(step, needed, ", ".join([_is(read) for read in _reads(step)]), wanted)
    left, right = step.steps
    operator = node.name if needed else _OPPOSITE[node.name]
    if isinstance(left.node, Literal) and not isinstance(right.node, Literal):
        left, right, operator = right, left, _MIRRORED.get(operator, operator)
    return _found(step, needed, _is(left), f"{_IN_WORDS.get(operator, operator)} {_other_side(right)}")


def _other_side(step: Step) -> str:
    if isinstance(step.node, Literal):
        return value_in_words(step.value)
    return f"{node_in_words(step.node)}, which is {value_in_words(step.value)}"


def _of_membership(step: Step, needed: bool) -> list[Finding]:
    needle, haystack = step.steps[0], step.steps[-1]
    if isinstance(needle.node, Literal) and not isinstance(haystack.node, Literal):
        wanted = f"{'to contain' if needed else 'not to contain'} {value_in_words(needle.value)}"
        return _found(step, needed, _is(haystack), wanted)
    kept = haystack.value
    among = f"part of {_other_side(haystack)}"
    if is_list(kept):
        among = f"one of {members_in_words(cast('Sequence[object]', kept))}"
    return _found(step, needed, _is(needle), f"{'to be' if needed else 'not to be'} {among}")


def _of_audience(step: Step, needed: bool) -> list[Finding]:
    audience = f"audience {shortened(str(step.steps[0].value))}"
    wanted = f"to be {'in' if needed else 'outside'}"
    if len(step.steps) > 1:
        return _found(step, needed, _is(step.steps[1]), f"{wanted} {audience}")
    return _found(step, needed, f"subject is {'' if step.holds else 'not '}in {audience}", f"{wanted} it")


def _of_missing(step: Step, needed: bool) -> list[Finding]:
    def decided(read: Step) -> Finding:
        there = read.value is not None and read.value != ""
        name = cast("Variable", read.node).name
        good = step.holds is needed
        wanted = "missing" if needed else "present"
        state = f"`{name}` is {'present' if there else 'missing'}"
        return Finding(read.pointer, name, good, state if good else f"{state}, needs to be {wanted}")

    absent = [read for read in _reads(step) if read.value is None or read.value == ""]
    return [decided(read) for read in (absent or _reads(step))]


def _of_quantifier(step: Step, needed: bool) -> list[Finding]:
    node = cast("Operation", step.node)
    source, rounds = step.steps[0], step.steps[1:]
    shown = node_in_words(source.node)
    body = node_in_words(node.arguments[1]) if len(node.arguments) > 1 else "nothing"
    needs = f"{'' if needed else 'not '}{_QUANTITY[node.name]}"
    if not rounds:
        state = "empty" if is_list(source.value) else "missing"
        return _found(step, needed, f"{shown} is {state}", f"{needs} of its members to satisfy {body}")
    held = sum(inner.holds for inner in rounds)
    return _found(step, needed, f"{held} of {len(rounds)} members of {shown} satisfy {body}", needs)


_WRITERS: Final[dict[str, Callable[[Step, bool], list[Finding]]]] = {
    "and": _of_all,
    "or": _of_any,
    "!": _of_not,
    "!!": _of_truth,
    "if": _of_choice,
    "?:": _of_choice,
    "in": _of_membership,
    "audience": _of_audience,
    "missing": _of_missing,
    "some": _of_quantifier,
    "all": _of_quantifier,
    "none": _of_quantifier,
    **dict.fromkeys(_OPPOSITE, _of_comparison),
}
