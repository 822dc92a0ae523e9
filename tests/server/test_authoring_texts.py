"""Reading YAML and JSON with places: nothing guessed, nothing executed, nothing unbounded."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearwise_server.authoring.located import LocatedProblem, Source, TextLimits
from nearwise_server.authoring.texts import read_source

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=20,
)

FLAG = """\
type: string
variants:
  on: yes          # two words that YAML 1.1 takes for true
  off: "no"
default: off
rules:
  - when: { ">=": [{ var: basket.total }, 20] }
    serve: on
"""


def read(text: str, file: str = "flags/a.yaml", limits: TextLimits | None = None) -> Source:
    source, problems = read_source(file, text, limits)
    assert source is not None
    assert problems == []
    return source


def problems_of(text: str, file: str = "a.yaml", limits: TextLimits | None = None) -> list[LocatedProblem]:
    return read_source(file, text, limits)[1]


def test_words_that_yaml_1_1_would_change_stay_what_was_written() -> None:
    text = "[no, on, off, y, 06:00, 2026-11-23, 1_000, 0o17, 0x1F, 017, .5, 1e3, ~, null, True, '7', !!str 7, '']"
    assert read(text).document == [
        *("no", "on", "off", "y", "06:00", "2026-11-23", "1_000", 15, 31, 17, 0.5, 1000.0, None, None, True),
        *("7", "7", ""),
    ]


def test_every_value_and_key_knows_its_line_and_column() -> None:
    source = read(FLAG)
    assert source.document == {
        "type": "string",
        "variants": {"on": "yes", "off": "no"},
        "default": "off",
        "rules": [{"when": {">=": [{"var": "basket.total"}, 20]}, "serve": "on"}],
    }
    assert source.place("/variants/off") == (4, 8)
    assert source.place("/variants/off", of_key=True) == (4, 3)
    assert source.place("/rules/0/when/>=/0/var") == (7, 27)
    assert source.place("/rules/0/when/>=/1") == (7, 43)
    assert source.place("/rules/0/split/nothing/here") == (7, 5), "a value that is absent: the one that should hold it"


def test_pointers_escape_slash_and_tilde() -> None:
    source = read('{"a/b": {"c~d": 1}}', "x.json")
    assert source.place("/a~1b/c~0d") == (1, 17)


@given(JSON_VALUES)
def test_json_reads_as_the_standard_library_reads_it(value: object) -> None:
    for text in (json.dumps(value), json.dumps(value, indent=1, ensure_ascii=False)):
        assert read(text, "x.json").document == json.loads(text)


@given(JSON_VALUES)
def test_the_yaml_reader_agrees_on_json_written_in_block_style(value: object) -> None:
    text = json.dumps(value, indent=1, ensure_ascii=True)
    source, problems = read_source("x.yaml", text)
    if source is not None and not problems:
        assert source.document == json.loads(text)
    else:
        assert "\\u" in text or any(ord(letter) < 32 for letter in text), "only escapes may be refused by YAML"


def test_places_in_json_count_lines_and_columns() -> None:
    source = read('{\n  "a": [1,\n    {"b": true}]\n}', "x.json")
    assert source.place("/a/1/b") == (3, 11)
    assert source.place("/a/1/b", of_key=True) == (3, 6)


@pytest.mark.parametrize(
    ("file", "text", "line", "column"),
    [
        ("a.yaml", "a: [1, 2", 2, 1),
        ("a.yaml", "a: 1\n b: 2", 2, 3),
        ("a.yaml", "a: 'open", 1, 9),
        ("a.yaml", "a: *nobody", 1, 4),
        ("a.yaml", "a: &x [*x]", 1, 8),
        ("a.yaml", "a: 1\n---\nb: 2", 2, 1),
        ("a.yaml", "? [a, b]\n: 1", 1, 3),
        ("a.yaml", "a: \x07", 1, 1),
        ("a.json", '{"a": 1,}', 1, 9),
        ("a.json", '{"a": NaN}', 1, 7),
        ("a.json", '{"a": 1e999}', 1, 7),
        ("a.json", '{"a": 01}', 1, 8),
        ("a.json", "{'a': 1}", 1, 2),
        ("a.json", '{"a" 1}', 1, 6),
        ("a.json", '{"a": 1} 2', 1, 10),
        ("a.json", '{"a": "\\x"}', 1, 8),
        ("a.json", "[", 1, 2),
    ],
)
def test_a_text_that_cannot_be_read_names_the_place(file: str, text: str, line: int, column: int) -> None:
    source, problems = read_source(file, text)
    assert source is None
    assert [(problem.line, problem.column) for problem in problems] == [(line, column)]


def test_a_repeated_key_is_a_problem_in_both_notations() -> None:
    for file, text in (("a.yaml", "a: 1\nb: 2\na: 3"), ("a.json", '{"a": 1, "b": 2,\n"a": 3}')):
        (problem,) = problems_of(text, file)
        assert (problem.code, problem.line) == ("duplicate_key", 3 if file == "a.yaml" else 2)
        assert "first on line 1" in problem.message


def test_tags_and_numbers_that_are_not_finite_are_problems() -> None:
    problems = problems_of("a: !!python/object/apply:os.system [echo]\nb: .nan\nc: -.inf\nd: !secret x")
    assert [problem.code for problem in problems] == ["tag", "not_finite", "not_finite", "tag"]


def test_half_a_surrogate_pair_is_a_problem_however_it_is_written() -> None:
    for file, text in (("a.json", '["\\ud800"]'), ("a.json", '{"\\udc00": 1}'), ("a.yaml", "a: \ud800")):
        assert [problem.code for problem in problems_of(text, file)] == ["encoding"]
    assert problems_of('a: "\\ud800"')[0].line == 1


def test_an_alias_stands_for_its_value_and_points_at_the_original() -> None:
    source = read("a: &regular {var: tier}\nb: *regular")
    assert source.document == {"a": {"var": "tier"}, "b": {"var": "tier"}}
    assert source.place("/b/var") == (1, 19)


def test_aliases_that_multiply_are_stopped() -> None:
    bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
    )
    assert [problem.code for problem in problems_of(bomb)] == ["too_large"]


@pytest.mark.parametrize("file", ["deep.yaml", "deep.json"])
@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":'])
def test_deep_nesting_is_a_problem_and_not_a_crash(file: str, opening: str) -> None:
    (problem,) = problems_of(opening * 50_000, file)
    assert problem.code == "too_large"
    assert "200 levels" in problem.message


def test_size_is_bounded_in_bytes_and_in_values() -> None:
    limits = TextLimits(file_bytes=100, values=10)
    assert [problem.code for problem in problems_of("é" * 60, limits=limits)] == ["too_large"]
    assert [problem.code for problem in problems_of("[1,1,1,1,1,1,1,1,1,1]", limits=limits)] == ["too_large"]
    assert problems_of("[1,1,1,1,1,1,1,1,1]", limits=limits) == []


def test_a_tab_is_told_in_words_of_people() -> None:
    (problem,) = problems_of("a:\n  b: '1'\n\tc: 2\n")
    assert (problem.line, problem.code) == (3, "syntax")
    assert problem.message.startswith("nothing begins with a tab")


def test_an_empty_file_is_a_problem() -> None:
    assert [problem.code for problem in problems_of("# nothing yet\n")] == ["empty"]
    assert [problem.code for problem in problems_of("", "a.json")] == ["syntax"]


@given(st.text(alphabet="{}[]:,&*!|>'\"-# \n\ta0.~é\\\x00\ud800", max_size=60))
def test_no_text_makes_a_reader_raise(text: str) -> None:
    for file in ("x.yaml", "x.json"):
        source, problems = read_source(file, text)
        assert source is not None or problems
