"""The public surface of each room is a list (ruff keeps it sorted), and every name on it exists."""

import ast
import inspect
from types import ModuleType
from typing import cast

import pytest

import nearwise
import nearwise_rules


@pytest.mark.parametrize("package", [nearwise, nearwise_rules], ids=["nearwise", "nearwise_rules"])
def test_the_surface_is_a_list_of_names_that_exist(package: ModuleType) -> None:
    names = cast("list[str]", package.__all__)
    assert len(names) == len(set(names))
    assert [name for name in names if not hasattr(package, name)] == []


def test_what_the_rules_show_to_type_checkers_is_what_they_give_at_run_time() -> None:
    tree = ast.parse(inspect.getsource(nearwise_rules))
    shown = [
        (node.module, alias.name) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names
    ]
    public = {name: home for home, name in shown if home and home.startswith("nearwise_rules.")}
    public.pop("imported_later")
    assert sorted(public) == sorted(nearwise_rules.__all__)
    for name, home in public.items():
        module = __import__(home, fromlist=[name])
        assert getattr(nearwise_rules, name) is getattr(module, name)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'decison'"):
        _ = nearwise_rules.decison  # type: ignore[attr-defined]  # pyright: ignore
