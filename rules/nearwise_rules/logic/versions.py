"""Versions: parsing and comparing as flagd's `sem_ver` (semver.org 2.0.0, a leading v, partial versions padded).

A version is a tuple that orders by precedence: `(major, minor, patch, release, prerelease identifiers)`, build dropped.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from nearwise_rules.errors import EvaluationError

from .javascript import LONG_TEXT
from .operators import Operator
from .run import INVALID_ARGUMENTS, Run

if TYPE_CHECKING:
    import re

Version = tuple[int, int, int, int, tuple[tuple[int, int, str], ...]]
"""`release` is 1 without a prerelease and 0 with one, so that 1.0.0-rc.1 comes before 1.0.0."""

MAX_CACHED = 4096
MAX_CACHED_CHARACTERS = 64

MAX_BITS = 128
"""Longer numbers are no versions."""

_NOT_SEEN: Version = (-1, 0, 0, 0, ())

known_versions: dict[str, Version | None] = {}
"""Texts seen before, parsed. Bounded; compiled rules look here first. Only `version_of` writes to it."""


def version_of(value: object) -> Version | None:
    """Parse a version; null where the value is none. A number reads as its text: 1.2 is version 1.2.0."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = str(value) if isinstance(value, float) or value.bit_length() <= MAX_BITS else None
    if not isinstance(value, str):
        return None
    known = known_versions.get(value, _NOT_SEEN)
    if known is not _NOT_SEEN:
        return known
    version = _parsed(value)
    if len(value) <= MAX_CACHED_CHARACTERS:
        if len(known_versions) >= MAX_CACHED:
            known_versions.clear()
        known_versions[str(value)] = version
    return version


def _parsed(text: str) -> Version | None:
    if text[:1] in ("v", "V"):
        text = text[1:]
    numbers = text.partition("-")[0].partition("+")[0]
    missing = 2 - numbers.count(".")
    if missing > 0:
        text = numbers + ".0" * missing + text[len(numbers) :]
    match = _grammar().fullmatch(text)
    if match is None:
        return None
    major, minor, patch, prerelease = match.groups()
    try:
        release = int(major), int(minor), int(patch)
    except ValueError:  # more digits than Python converts
        return None
    if prerelease is None:
        return *release, 1, ()
    return *release, 0, tuple(_identifier(part) for part in prerelease.split("."))


@cache
def _grammar() -> re.Pattern[str]:
    import re

    identifier = r"(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)"
    return re.compile(
        r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
        rf"(?:-({identifier}(?:\.{identifier})*))?"
        r"(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?",
        re.ASCII,
    )


def _identifier(text: str) -> tuple[int, int, str]:
    # Numbers come before words, and compare by value: by length, then by digits.
    return (0, len(text), text) if text.isdigit() else (1, 0, text)


COMPARISONS: dict[str, Callable[[Version, Version], bool]] = {
    "=": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
    "^": lambda left, right: left[0] == right[0],
    "~": lambda left, right: left[:2] == right[:2],
}


def sem_ver(run: Run, left: object, comparison: object, right: object) -> bool:
    """Answer `{"sem_ver": [left, comparison, right]}`; null never compares.

    Raises:
        EvaluationError: an operand is no version, or the comparison is not one of those above.
    """
    if left is None or right is None:
        return False
    answer = flagd_sem_ver(run, left, comparison, right)
    if answer is None:
        known = isinstance(comparison, str) and comparison in COMPARISONS
        message = "sem_ver needs versions such as 1.2.3" if known else f"sem_ver compares by {' '.join(COMPARISONS)}"
        raise EvaluationError(INVALID_ARGUMENTS, message)
    return answer


def flagd_sem_ver(run: Run, left: object, comparison: object, right: object) -> bool | None:
    """Answer `{"sem_ver": [left, comparison, right]}`; null where a version or the comparison is none, as flagd."""
    run.spend(sum([len(text) for text in (left, right) if isinstance(text, str)]) >> LONG_TEXT)
    left_version, right_version = version_of(left), version_of(right)
    if left_version is None or right_version is None or not isinstance(comparison, str):
        return None
    compare = COMPARISONS.get(comparison)
    return None if compare is None else compare(left_version, right_version)


OPERATORS = (Operator(name="sem_ver", safe=sem_ver, jsonlogic=flagd_sem_ver, least=3, most=3),)
