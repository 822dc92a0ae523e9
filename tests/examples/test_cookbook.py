"""The cookbook: every rule set passes `nearwise check`, every program is short, the list names all of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from nearwise_server.authoring import build_rule_set
from nearwise_server.demo.play import read_texts

EXAMPLES = Path(__file__).parents[2] / "examples"
COOKBOOK = sorted(path.parent.name for path in EXAMPLES.glob("*/rules"))


@pytest.mark.parametrize("example", COOKBOOK)
def test_the_rules_pass_check_with_golden_cases(example: str) -> None:
    texts = read_texts(EXAMPLES / example / "rules")
    built = build_rule_set(texts, None)
    assert built.problems == ()
    assert any(path.startswith("cases/") for path in texts)


@pytest.mark.parametrize("example", COOKBOOK)
def test_the_programs_are_short_and_import_public_names_only(example: str) -> None:
    programs = list((EXAMPLES / example).glob("*.py"))
    assert programs
    for path in programs:
        text = path.read_text()
        assert len(text.splitlines()) < 120, path
        modules = re.findall(r"^(?:from|import) (nearwise[\w.]*)", text, re.MULTILINE)
        assert set(modules) <= {"nearwise", "nearwise.testing"}, path


@pytest.mark.parametrize("example", COOKBOOK)
def test_the_list_names_the_example_and_it_has_a_short_readme(example: str) -> None:
    assert f"]({example})" in (EXAMPLES / "README.md").read_text()
    assert len((EXAMPLES / example / "README.md").read_text().splitlines()) <= 50
