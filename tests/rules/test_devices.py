"""What devices tell of themselves, by name: a name that is almost right is told where it is declared."""

from __future__ import annotations

import pytest

from nearwise_rules import DEVICE_SIGNALS, FileProblem, Json, assemble


def problems(name: str, source: str = "device") -> list[FileProblem]:
    files: dict[str, Json] = {
        "nearwise.yaml": {"name": "x"},
        "attributes.yaml": {name: {"type": "string", "source": source}},
    }
    return list(assemble(files).problems)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("device.modle", "device.model"),
        ("device.os_verson", "device.os_version"),
        ("device.osversion", "device.os_version"),
        ("device.power.percentage", "device.power.percent"),
        ("device.Locale", "device.locale"),
        ("screen.width", "device.screen.width"),
    ],
)
def test_a_name_that_is_almost_one_is_told(name: str, meant: str) -> None:
    [problem] = problems(name)
    assert (problem.code, problem.pointer, problem.of_key) == ("unknown_collector", f"/{name}", True)
    assert f"did you mean '{meant}'?" in problem.message


@pytest.mark.parametrize("name", [*DEVICE_SIGNALS, "device.lane", "device.store", "store.id", "till.printer"])
def test_known_names_and_those_of_the_app_are_no_problem(name: str) -> None:
    assert problems(name) == []


@pytest.mark.parametrize("source", ["signal", "context"])
def test_other_sources_name_as_they_like(source: str) -> None:
    assert problems("device.modle", source) == []


def test_the_names_are_sorted_and_each_is_once() -> None:
    assert list(DEVICE_SIGNALS) == sorted(set(DEVICE_SIGNALS))
