"""Spans of time in documents: windows and durations, reported when they are none."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from nearwise_rules.rulesets.parts import Part
from nearwise_rules.windows import Window, parse_duration, parse_window

T = TypeVar("T")


def check_window(part: Part) -> Window | None:
    """The window that a text names; None, and reported, when it names none."""
    return _parsed(part, parse_window, "bad_window")


def check_duration(part: Part) -> float | None:
    """The seconds of a duration; None, and reported, when it is none."""
    return _parsed(part, parse_duration, "bad_duration")


def _parsed(part: Part, parse: Callable[[str], T], code: str) -> T | None:
    text = None if part.absent else part.text()
    if text is None:
        return None
    try:
        return parse(text)
    except ValueError as error:
        part.problem(code, str(error))
        return None
