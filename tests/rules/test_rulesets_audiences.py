"""Audiences of a rule set: where their keys can be, what is wrong with them, and the filters they become."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from nearwise_rules import Assembled, AudienceFilter, Json, assemble, build_filter, is_rule_set_file

FLAG: Json = {
    "type": "boolean",
    "variants": {"on": True, "off": False},
    "default": "off",
    "rules": [{"when": {"audience": "vip"}, "serve": "on"}],
}


def assembled(files: Mapping[str, Json]) -> Assembled:
    """A rule set with these files of audiences, and a flag that asks for the audience vip."""
    named = {f"audiences/{file}": document for file, document in files.items()}
    return assemble({"nearwise.yaml": {"name": "shop"}, "flags/lounge.yaml": FLAG, **named})


def vip(files: Mapping[str, Json]) -> AudienceFilter:
    made = assembled(files)
    assert made.problems == ()
    (body,) = [entry.body for entry in made.entries if entry.kind == "audience"]
    return AudienceFilter.from_bytes(body)


def told(files: Mapping[str, Json]) -> list[tuple[str, str, str]]:
    return [(problem.file, problem.pointer, problem.code) for problem in assembled(files).problems]


KEYS = [f"h-{number}" for number in range(1_500)]
A_FILTER = build_filter(["a"]).to_text()
LIST = "# customers\n" + "\n".join(KEYS)


@pytest.mark.parametrize(
    "files",
    [
        {"vip.txt": LIST},
        {"vip.yaml": {"keys": [*KEYS]}},
        {"vip.txt": LIST, "vip.yaml": {"description": "who bought much"}},
        {"vip.filter": build_filter(KEYS).to_text()},
        {"vip.filter": build_filter(KEYS).to_text(), "vip.json": {"description": "who bought much"}},
    ],
)
def test_the_keys_of_an_audience_may_be_in_any_of_three_places(files: Mapping[str, Json]) -> None:
    assert vip(files).to_bytes() == build_filter(KEYS).to_bytes()


def test_known_subjects_exceptions_and_purposes_stand_beside_the_list() -> None:
    document: Json = {"known": "sub/all.txt", "except": ["h-7"], "purposes": ["personalise", "profile"]}
    everyone = [*KEYS, *(f"stranger-{number}" for number in range(3_000))]
    made = vip({"vip.txt": LIST, "vip.yaml": document, "sub/all.txt": "\n".join(everyone)})
    assert made.purposes == 8 | 4
    assert made.exceptions > 0
    assert [key for key in everyone if made.holds(key)] == [key for key in KEYS if key != "h-7"]


def test_purposes_are_those_of_the_document_also_for_a_built_filter() -> None:
    built = build_filter(KEYS, purposes=1).to_text()
    assert vip({"vip.filter": built, "vip.yaml": {"purposes": ["share"]}}).purposes == 128
    assert vip({"vip.filter": built}).purposes == 0


def test_what_was_repeated_is_counted() -> None:
    made = assembled({"vip.txt": "h-1\nh-2\nh-1\nh-1\nh-9\nh-9", "vip.yaml": {"except": ["h-9"]}})
    assert [(built.key, built.filter.keys, built.repeated) for built in made.audiences] == [("vip", 2, 2)]


def test_a_list_that_is_named_as_known_is_no_audience() -> None:
    made = assembled({"vip.txt": "h-1", "vip.yaml": {"known": "all.txt"}, "all.txt": "h-1\nh-2"})
    assert [entry.key for entry in made.entries if entry.kind == "audience"] == ["vip"]


def test_an_audience_that_no_rule_asks_for_is_fine() -> None:
    assert told({"vip.txt": "h-1", "testers.yaml": {"keys": ["h-2"]}}) == []


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"vip.yaml": {"description": "nobody"}}, ("vip.yaml", "", "missing_list")),
        ({"vip.yaml": {"keys": ["a"]}, "vip.txt": "a"}, ("vip.yaml", "", "several_lists")),
        ({"vip.txt": "a", "vip.filter": A_FILTER}, ("vip.filter", "", "several_lists")),
        ({"vip.yaml": {"keys": []}}, ("vip.yaml", "/keys", "empty_audience")),
        ({"vip.txt": "# nobody\n"}, ("vip.txt", "", "empty_audience")),
        ({"vip.yaml": {"keys": ["a", ""]}}, ("vip.yaml", "/keys/1", "empty_key")),
        ({"vip.yaml": {"keys": ["a", "x" * 1_025]}}, ("vip.yaml", "/keys/1", "key_too_long")),
        ({"vip.txt": "a\n" + "x" * 1_025}, ("vip.txt", "/1", "key_too_long")),
        ({"vip.yaml": {"keys": ["a", 5]}}, ("vip.yaml", "/keys/1", "shape")),
        ({"vip.yaml": {"keys": "a"}}, ("vip.yaml", "/keys", "shape")),
        ({"vip.txt": "a", "vip.yaml": {"except": "a"}}, ("vip.yaml", "/except", "shape")),
        ({"vip.txt": "a", "vip.yaml": {"exept": ["a"]}}, ("vip.yaml", "/exept", "unknown_field")),
        ({"vip.txt": "a", "vip.yaml": {"purposes": ["spam"]}}, ("vip.yaml", "/purposes/0", "unknown_purpose")),
        ({"vip.txt": "a", "vip.yaml": {"purposes": "store"}}, ("vip.yaml", "/purposes", "shape")),
        ({"vip.txt": "a", "vip.yaml": {"known": "all.txt"}}, ("vip.yaml", "/known", "missing_file")),
        ({"vip.txt": "a", "vip.yaml": {"known": "../../etc/passwd"}}, ("vip.yaml", "/known", "missing_file")),
        ({"vip.txt": "a", "vip.yaml": {"known": ["all.txt"]}}, ("vip.yaml", "/known", "shape")),
        ({"vip.txt": "a", "vip.yaml": {"known": "all.txt"}, "all.txt": "a\nb\udcff"}, ("all.txt", "/1", "encoding")),
        ({"vip.filter": "no filter!"}, ("vip.filter", "", "bad_filter")),
        ({"vip.filter": "AAAA"}, ("vip.filter", "", "bad_filter")),
        ({"vip.filter": 5}, ("vip.filter", "", "shape")),
        ({"vip.filter": A_FILTER, "vip.yaml": {"except": ["a"]}}, ("vip.yaml", "/except", "built_already")),
        ({"vip.filter": A_FILTER, "vip.yaml": {"known": "b.txt"}}, ("vip.yaml", "/known", "built_already")),
        ({"vip.txt": "a", "more/b.txt": "b"}, ("more/b.txt", "", "unknown_file")),
        ({"vip.txt": "a", "v i p.txt": "b"}, ("v i p.txt", "", "bad_name")),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_audience_is_told_at_its_place(
    files: Mapping[str, Json], problem: tuple[str, str, str]
) -> None:
    file, pointer, code = problem
    assert told(files) == [(f"audiences/{file}", pointer, code)]


def test_an_unknown_audience_is_told_with_the_nearest_name() -> None:
    (problem,) = assembled({"vips.txt": "h-1"}).problems
    assert (problem.file, problem.pointer) == ("flags/lounge.yaml", "/rules/0/when/audience")
    assert problem.message == "unknown audience 'vip' (did you mean 'vips'?)"


def test_progress_is_told_for_each_audience() -> None:
    told: list[tuple[str, float]] = []
    files: dict[str, Json] = {
        "nearwise.yaml": {"name": "shop"},
        "audiences/vip.txt": "\n".join(map(str, range(70_000))),
    }
    assemble(files, progress=lambda key, part: told.append((key, part)))
    assert {key for key, _ in told} == {"vip"}
    assert 0.9 < told[-1][1] <= 1


def test_texts_belong_to_a_rule_set_only_as_audiences() -> None:
    paths = [
        "audiences/a.txt",
        "audiences/b/all.txt",
        "audiences/a.filter",
        "a.txt",
        "flags/a.filter",
        "audiences/.a.txt",
    ]
    assert [path for path in paths if is_rule_set_file(path)] == paths[:3]
