"""Patterns answer as Python's `re` where both know the syntax, refuse the rest with its place, and never run away."""

from __future__ import annotations

import contextlib
import re
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearwise_rules.errors import BudgetExceeded, DocumentError, EvaluationError
from nearwise_rules.logic import Run
from nearwise_rules.logic.patterns import pattern_of
from nearwise_rules.logic.shapes import shape_of
from nearwise_rules.logic.text import like, matches

atoms = st.sampled_from(
    [
        *"abc1 _",
        ".",
        "\\d",
        "\\w",
        "\\s",
        "\\D",
        "\\W",
        "\\S",
        "[abc]",
        "[^a]",
        "[a-c1-3]",
        "[\\d_]",
        "[^\\W]",
        "\\.",
        "\\x61",
    ]
)
places = st.sampled_from(["^", "\\b", "\\B", "\\A"])
repeats = st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "{0,2}", "{1,}", "*?", "+?"])
patterns = st.recursive(
    st.one_of(atoms, atoms, atoms, places),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"(?:{'|'.join(parts)})"),
        st.tuples(inner, repeats).map(lambda pair: f"(?:{pair[0]}){pair[1]}"),
        inner.map(lambda part: f"({part})"),
    ),
    max_leaves=8,
)
subjects = st.text(alphabet="abcx1 .A\n_é", min_size=1, max_size=9)  # on "", `re` before 3.14 lets \B fail


@given(patterns, st.lists(subjects, min_size=1, max_size=6), st.sampled_from(["", "(?i)", "(?s)", "(?m)", "(?ms)"]))
def test_any_pattern_finds_what_re_finds(pattern: str, texts: list[str], flags: str) -> None:
    compiled = pattern_of(flags + pattern)
    expected = re.compile(flags + pattern, re.ASCII)
    assert [compiled.search(text) for text in texts] == [bool(expected.search(text)) for text in texts]


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("", "", True),
        ("^PL-\\d{4}$", "PL-1234", True),
        ("^PL-\\d{4}$", "PL-12345", False),
        ("^PL$", "PL\n", False),
        ("(?m)^b$", "a\nb\nc", True),
        ("a.c", "a\nc", False),
        ("(?s)a.c", "a\nc", True),
        ("(?i)łódź", "ŁÓDŹ", True),
        ("(?i:a)b", "Ab", True),
        ("(?i:a)b", "AB", False),
        ("a(?i)b|c", "C", True),
        ("[^a]", "A", True),
        ("(?i)[^a]", "A", False),
        ("\\x{1F600}", "\U0001f600", True),
        ("[]a]+", "]", True),
        ("[a-]", "-", True),
        ("a{0}b", "b", True),
        ("\\d", "٣", False),
        ("(a*)*b", "aaab", True),
        ("\\z", "abc", True),
        ("(?:^|\\b)*a", "ba", True),
    ],
)
def test_the_meaning_of_the_syntax(pattern: str, text: str, found: bool) -> None:
    assert pattern_of(pattern).search(text) is found


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("a)b", "closes no group, at character 2"),
        ("(ab", "not closed, at character 4"),
        ("a**", "cannot repeat"),
        ("*a", "nothing stands before \\*"),
        ("a{2", "write \\{2\\}"),
        ("a{3,2}", "counts upwards"),
        ("a{1001}", "at most 1000"),
        ("[a", "class .* is not closed"),
        ("[b-a]", "upwards"),
        ("[[:alpha:]]", "alpha"),
        ("(?=a)", "groups here are"),
        ("(?P<n>a)", "groups here are"),
        ("(a)\\1", "is not known here"),
        ("\\pL", "is not known here"),
        ("a\\", "is not known here"),
        ("\\x{110000}", "no such character"),
        ("(a{500}){500}", "too large"),
        ("(((){1000}){1000}){1000}", "too large"),
        ("(" * 40 + "a" + ")" * 40, "deep"),
        ("a" * 1_001, "1000 characters"),
    ],
)
def test_what_is_not_known_is_refused_with_its_place(pattern: str, message: str) -> None:
    with pytest.raises(DocumentError, match=message):
        pattern_of(pattern)


@given(st.text(alphabet="ab\\()[]{}*+?|^$.,-:ixw019", max_size=30))
def test_any_text_is_a_pattern_or_refused(text: str) -> None:
    with contextlib.suppress(DocumentError):
        assert pattern_of(text).search("ab0") in (True, False)


@pytest.mark.parametrize(
    "pattern", ["(?:a|a)*b", "(a*)*b", "(a+)+$b", "^(?:(?:a?){50}a{50})$b", "(?:a|c)*a(?:a|c){12}b"]
)
def test_a_hostile_pattern_takes_few_steps(pattern: str) -> None:
    compiled = pattern_of(pattern)
    assert compiled.search("ac" * 1_000 + "a" * 2_000) is False
    assert compiled.cost("a" * 100) <= 1 + 100 * 500 // 4


def test_what_a_pattern_remembers_is_bounded() -> None:
    compiled = pattern_of("(?:.|a)*a(?:.|b){40}c")
    texts = ["".join(chr(32 + (seed * step * step + step) % 5_000) for step in range(1, 300)) for seed in range(60)]
    for text in texts[:20]:
        compiled.search(text + "a")
    tracemalloc.start()
    for text in texts[20:]:
        compiled.search(text + "a")
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grown < 4_000_000


def test_a_search_is_charged_to_the_evaluation() -> None:
    run = Run()
    with pytest.raises(BudgetExceeded):
        matches(run, "a" * 1_000_000, "^(?:b|a)+c")
    assert matches(Run(), "coffee-10", "^coffee-\\d+$")


def test_null_matches_nothing_and_other_kinds_are_misuse() -> None:
    assert matches(Run(), None, "a") is False
    assert matches(Run(), "a", None) is False
    with pytest.raises(EvaluationError, match="needs text"):
        matches(Run(), 5, "a")
    with pytest.raises(EvaluationError, match="not closed"):
        matches(Run(), "a", "(")


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("coffee", "coffee", True),
        ("coffee", "coffee beans", False),
        ("coffee%", "coffee beans", True),
        ("%beans", "coffee beans", True),
        ("%fee b%", "coffee beans", True),
        ("c%s", "coffee beans", True),
        ("c_ffee", "coffee", True),
        ("c_ffee", "cffee", False),
        ("%", "", True),
        ("_", "", False),
        ("", "", True),
        ("", "a", False),
        ("100\\%", "100%", True),
        ("100\\%", "1000", False),
        ("a%b%c", "a--b\n--c", True),
        ("Coffee", "coffee", False),
        ("\\\\%", "\\x", True),
    ],
)
def test_like_is_the_one_of_sql(pattern: str, text: str, fits: bool) -> None:
    assert like(Run(), text, pattern) is fits


@given(st.text(alphabet="ab%_", max_size=6), st.text(alphabet="ab%_\n", max_size=6))
def test_like_answers_as_its_regular_expression(pattern: str, text: str) -> None:
    expected = re.escape(pattern).replace("%", ".*").replace("_", ".")
    assert like(Run(), text, pattern) is bool(re.fullmatch(expected, text, re.DOTALL))


def test_a_shape_that_ends_in_a_backslash_is_refused() -> None:
    with pytest.raises(DocumentError, match="backslash"):
        shape_of("a\\")
    with pytest.raises(EvaluationError, match="backslash"):
        like(Run(), "a", "a\\")
