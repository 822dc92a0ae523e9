"""Versions compare by semver.org's precedence, as flagd reads them."""

from __future__ import annotations

import pytest
import semver
from hypothesis import given
from hypothesis import strategies as st

from nearwise_rules.errors import EvaluationError
from nearwise_rules.logic import Dialect, interpret, parse
from nearwise_rules.logic.run import Run
from nearwise_rules.logic.versions import MAX_CACHED, flagd_sem_ver, known_versions, sem_ver, version_of

ORDERED = (
    "0.9.9",
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0",
    "1.0.1",
)


def test_the_example_of_the_specification_is_in_order() -> None:
    parsed = [version_of(text) for text in ORDERED]
    assert None not in parsed
    assert parsed == sorted(parsed)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
    assert len(set(parsed)) == len(ORDERED)


@pytest.mark.parametrize(
    ("text", "same"),
    [("v1.2.3", "1.2.3"), ("V1", "1.0.0"), ("1.2", "1.2.0"), ("1-rc.1", "1.0.0-rc.1"), ("1.2.3+build.7", "1.2.3")],
)
def test_short_ways_to_write_a_version(text: str, same: str) -> None:
    assert version_of(text) == version_of(same)


def test_a_number_reads_as_its_text() -> None:
    assert version_of(1.2) == version_of("1.2.0")
    assert version_of(3) == version_of("3")


@pytest.mark.parametrize(
    "value", ["", "v", "abc", "01.2.3", "1.2.3.4", "1.2.3-", "1..2", "1.2.3\n", "٣.1.2", "9" * 5_000, None, True, [1]]
)
def test_anything_else_is_no_version(value: object) -> None:
    assert version_of(value) is None


@given(st.from_regex(r"[0-9v]{0,2}[0-9.]{0,6}[-+a1.]{0,6}", fullmatch=True), st.sampled_from(ORDERED))
def test_any_text_compares_as_the_semver_library_says(text: str, other: str) -> None:
    try:
        expected = semver.Version.parse(text).compare(other)
    except ValueError:
        return
    assert flagd_sem_ver(Run(), text, "<", other) is (expected < 0)
    assert flagd_sem_ver(Run(), text, "=", other) is (expected == 0)


@pytest.mark.parametrize(
    ("left", "comparison", "right", "expected"),
    [
        ("1.2.3", "^", "1.9.0", True),
        ("1.2.3", "^", "2.0.0", False),
        ("1.2.3", "~", "1.2.9", True),
        ("1.2.3", "~", "1.3.0", False),
        ("1.10.0", ">", "1.9.0", True),
        ("1.0.0-rc.1", "<", "1.0.0", True),
        ("1.0.0", "!=", "1.0.0", False),
        ("2", ">=", "2.0", True),
        ("2", "<=", "1.9.9", False),
    ],
)
def test_comparisons(left: str, comparison: str, right: str, expected: bool) -> None:
    assert sem_ver(Run(), left, comparison, right) is expected
    assert flagd_sem_ver(Run(), left, comparison, right) is expected


def test_flagd_answers_null_to_what_it_cannot_compare() -> None:
    assert flagd_sem_ver(Run(), "1.0.0", "=", "abc") is None
    assert flagd_sem_ver(Run(), "1.0.0", "?", "1.0.0") is None
    assert flagd_sem_ver(Run(), None, "=", "1.0.0") is None


@pytest.mark.parametrize(("left", "comparison", "right"), [("abc", "=", "1.0.0"), ("1.0.0", "?", "1.0.0")])
def test_the_safe_dialect_calls_misuse_by_its_name(left: str, comparison: str, right: str) -> None:
    with pytest.raises(EvaluationError, match="sem_ver"):
        sem_ver(Run(), left, comparison, right)


def test_a_missing_version_satisfies_nothing() -> None:
    for comparison in ("=", "!=", "<", ">"):
        rule = {"sem_ver": [{"var": "app.version"}, comparison, "1.0.0"]}
        assert interpret(parse(rule, dialect=Dialect.SAFE), {}) is False


def test_what_is_remembered_of_versions_is_bounded() -> None:
    for number in range(MAX_CACHED + 10):
        version_of(f"1.0.{number}")
    version_of("1.0.0-" + "x" * 1_000)
    assert len(known_versions) <= MAX_CACHED
    assert max(map(len, known_versions)) < 100
