"""Constants that an operator can make nothing of: a pattern that does not parse, a network that is none, a bad zone.

Each operator is tried once with its constants, and with a sample wherever the rule reads a value.
"""

from __future__ import annotations

from collections.abc import Mapping

from nearwise_rules import EvaluationError, Literal, Operation, Run

_INSTANT = "2026-01-01T00:00:00Z"

_SAMPLES: Mapping[str, tuple[object, ...]] = {
    "matches": ("", ""),
    "like": ("", ""),
    "cidr": ("127.0.0.1", "127.0.0.0/8"),
    "sem_ver": ("1.0.0", ">=", "1.0.0"),
    "before": (_INSTANT, _INSTANT),
    "after": (_INSTANT, _INSTANT),
    "date_diff": (_INSTANT, _INSTANT, "days"),
    "hour": (_INSTANT, "UTC"),
    "weekday": (_INSTANT, "UTC"),
    "date": (_INSTANT, "UTC"),
    "time": (_INSTANT, "UTC"),
}


def constant_fault(node: Operation) -> str | None:
    """What is wrong with an operation's constants; None when nothing is, or nothing can be said."""
    samples = _SAMPLES.get(node.name)
    if samples is None or node.spread or not any(isinstance(argument, Literal) for argument in node.arguments):
        return None
    values = [
        argument.value if isinstance(argument, Literal) else sample
        for argument, sample in zip(node.arguments, samples, strict=False)
    ]
    try:
        node.function(Run(now=0.0), *values)
    except EvaluationError as error:
        return str(error)
    return None
