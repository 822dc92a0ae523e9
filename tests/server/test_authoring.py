"""Building a rule set from its texts: every problem with its place, good sets as entries."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, ValidationError

from nearwise_server.authoring import Built, build_rule_set
from nearwise_server.authoring.structure import KINDS, MAX_SHAPE_PROBLEMS, check_structure, json_schema, kind_of_file

NOW = 1_795_000_000.0

GOOD = {
    "nearwise.yaml": "name: shop\nzone: Europe/Warsaw\n",
    "attributes.yaml": """\
basket.total: {type: number, unit: EUR, range: [0, 10000]}
basket.categories: {type: list, of: string}
tier: {type: string, values: [none, silver, gold]}
app: {type: version}
member_since: {type: datetime}
member: {type: boolean}
""",
    "segments.yaml": "regulars:\n  when: { in: [{ var: tier }, [silver, gold]] }\n",
    "events.yaml": '"*": { purposes: [measure] }\npurchase: { purposes: [measure, profile], retention: 90d }\n',
    "flags/banner.yaml": """\
type: string
variants: { none: "", coffee: Take a coffee, thanks: Thank you }
default: none
rules:
  - name: big
    when: { ">=": [{ var: basket.total }, 20] }
    split: { coffee: 50, none: 50 }
  - name: regulars
    when: { segment: regulars }
    serve: thanks
""",
    "cases/banner.yaml": """\
- name: a regular
  flag: banner
  context: { basket: { total: 5 }, tier: gold }
  expect: { variant: thanks, value: Thank you, reason: TARGETING_MATCH }
""",
}

MORE = {
    "events.yaml": "purchase: { purposes: [measure], retention: 90d }\n",
    "caps.yaml": "coffee: { tag: coffee, limit: 3, window: week }\n",
    "offers/coffee.yaml": "content: { title: { en: Coffee, pl: Kawa } }\ntags: [coffee]\nvalue: 0.8\n",
    "placements/receipt.yaml": "blank: true\ncandidates: { tags: [coffee] }\npolicies: { listed: { order: listed } }\n",
    "audiences/vip.yaml": "keys: [h-1, h-2]\nexcept: [h-3]\nknown: all.txt\npurposes: [personalise]\n",
    "layers.yaml": "ranking: { description: How slots rank }\n",
    "experiments/receipt-ranking.yaml": "layer: ranking\nshare: 20\n",
    "triggers/cart-left.yaml": "'on': cart_updated\nunless: [purchase, { event: left }]\nwait: 30m\n",
    "models/affinity.yaml": "kind: linear\nfeatures: { basket.total: { weight: 0.1 } }\n",
}
"""A file of each further kind."""


def build(**changed: str) -> Built:
    """The good rule set, with some files exchanged (`/` and `.yaml` left out of their names)."""
    files = {f"{name.replace('__', '/')}.yaml": text for name, text in changed.items()}
    return build_rule_set({**GOOD, **files}, now=NOW)


def when(text: str) -> str:
    """A flag with one rule."""
    return f"type: boolean\nvariants: {{on: true, off: false}}\ndefault: off\nrules:\n  - when: {text}\n    serve: on\n"


def told(built: Built) -> list[str]:
    return [str(problem) for problem in built.problems]


def condition(text: str) -> list[str]:
    """What is said about one condition, without its place."""
    built = build_rule_set({**GOOD, "flags/x.yaml": when(text)}, now=NOW)
    assert {(problem.file, problem.line) for problem in built.problems} <= {("flags/x.yaml", 5)}
    return [problem.message for problem in built.problems]


def test_a_good_rule_set_has_no_problems_and_all_its_entries() -> None:
    built = build_rule_set(GOOD, now=NOW)
    assert built.problems == ()
    assert built.settings.zone == "Europe/Warsaw"
    assert [entry.kind for entry in built.entries] == [
        *["attribute"] * 6,
        "case",
        "event",
        "event",
        "flag",
        "segment",
        "settings",
    ]


def test_json_files_build_the_same_entries_as_yaml_files() -> None:
    as_json = {file.replace(".yaml", ".json"): json.dumps(yaml.safe_load(text)) for file, text in GOOD.items()}
    assert build_rule_set(as_json, now=NOW).entries == build_rule_set(GOOD, now=NOW).entries


def test_all_problems_of_all_files_come_at_once_with_their_places() -> None:
    built = build(
        nearwise="name: shop\nzone: Europe/Warsw\n",
        segments="regulars:\n  when: { in: [{ var: tir }, [silver, gold]] }\n",
        flags__banner=GOOD["flags/banner.yaml"].replace("serve: thanks", "serve: thank").replace(">=", "starts_wiht"),
        cases__banner="- {name: x, flag: bannr, expect: {variant: none}}\n- [",
        things__coffee="title: x\n",
    )
    *found, last = told(built)
    assert last.startswith("things/coffee.yaml:1:1  'things/' is not known to this version")
    assert found == [
        "cases/banner.yaml:3:1  did not find expected node content while parsing a flow node that began on line 3",
        "flags/banner.yaml:6:13  unknown operator 'starts_wiht', did you mean 'starts_with'?",
        "flags/banner.yaml:10:12  unknown variant 'thank' (did you mean 'thanks'?)",
        "nearwise.yaml:2:7  unknown time zone 'Europe/Warsw' (did you mean 'Europe/Warsaw'?)",
        "segments.yaml:2:23  unknown attribute 'tir' (did you mean 'tier'?)",
    ]


def test_a_place_in_json_is_as_exact() -> None:
    text = '{"type": "string",\n "variants": {"a": 1},\n "default": "b"}'
    built = build_rule_set({"nearwise.json": '{"name": "x"}', "flags/f.json": text}, now=NOW)
    assert told(built) == [
        "flags/f.json:2:20  variant 'a' is not a string, which is the type of this flag",
        "flags/f.json:3:13  unknown variant 'b' (known: a)",
    ]


def test_shapes_are_checked_strictly_and_each_place_is_told_once() -> None:
    flag = """\
type: strng
variants: { a: x }
default: 5
enabled: 'no'
exposures: 3
holdout: true
rules: a
speed: 1
"""
    assert told(build_rule_set({"nearwise.yaml": "name: x\n", "flags/f.yaml": flag}, now=NOW)) == [
        "flags/f.yaml:1:7  'strng' is not known here (did you mean 'string'?)",
        "flags/f.yaml:3:10  a text is expected here",
        "flags/f.yaml:4:10  true or false is expected here",
        "flags/f.yaml:5:12  one of each, summary, none",
        "flags/f.yaml:6:10  a map of fields is expected here",
        "flags/f.yaml:7:8  a list is expected here",
        "flags/f.yaml:8:1  unknown field 'speed'",
    ]


def test_missing_fields_and_files_are_named() -> None:
    assert told(build_rule_set({"flags/a.yaml": "type: boolean\n"}, now=NOW)) == [
        "flags/a.yaml:1:1  a flag needs 'default'",
        "flags/a.yaml:1:1  a flag needs 'variants'",
        "nearwise.yaml  is missing: the folder of a rule set has one, with at least 'name: ...'",
    ]
    assert told(build_rule_set({"nearwise.yaml": "zone: UTC\n"}, now=NOW)) == ["nearwise.yaml:1:1  'name' is missing"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{'==': [{var: tier}, 5]}", "'==' compares 'tier' (string) with 5 (integer)"),
        ("{'<': [1, {var: basket.total}, '9']}", "'<' compares 'basket.total' (number) with \"9\" (string)"),
        ("{'>=': [{var: member}, 1]}", "'>=' compares 'member' (boolean) with 1 (integer)"),
        ("{'==': [{lower: [{var: tier}]}, true]}", "'==' compares the result of 'lower' (string) with true (boolean)"),
        (
            "{'>': [{var: app}, '1.2.0']}",
            "'>' compares 'app' (version) with \"1.2.0\" (string): use 'sem_ver' for versions",
        ),
        ("{'!=': [{var: tier}, null]}", "'!=' with null never holds: use 'exists' or 'missing'"),
        ("{'==': [{var: tier}, glod]}", "'tier' is never \"glod\" (did you mean 'gold'?)"),
        ("{in: [{var: tier}, [gold, silvr]]}", "'tier' is never \"silvr\" (did you mean 'silver'?)"),
        ("{in: [{var: tier}, [1, 2]]}", "'in' looks for 'tier' (string) in [1, 2] (list of integer)"),
        ("{in: [3, {var: basket.categories}]}", "'in' looks for 3 (integer) in 'basket.categories' (list of string)"),
        ("{in: [a, {var: basket.total}]}", "'in' takes a list or a text here, 'basket.total' (number) is none"),
        ("{starts_with: [{var: member}, a]}", "'starts_with' takes a text here, 'member' (boolean) is none"),
        ("{'>': [{'+': [{var: tier}, 1]}, 1]}", "'+' takes a number here, 'tier' (string) is none"),
        ("{some: [{var: tier}, true]}", "'some' takes a list here, 'tier' (string) is none"),
        (
            "{any_of: [{var: basket.categories}, [1]]}",
            "'any_of' looks for 'basket.categories' (list of string) in [1] (list of integer)",
        ),
        ("{'==': [{if: [{var: member}, 1, 2]}, a]}", "'==' compares the result of 'if' (integer) with \"a\" (string)"),
        ("{'>': [{var: now.hour}, '12']}", "'>' compares 'now.hour' (integer) with \"12\" (string)"),
        ("{'>': [{var: basket.total}, 20000]}", "'basket.total' > 20000 never holds: its range is [0, 10000]"),
        ("{'>': [0, {var: basket.total}]}", "'basket.total' < 0 never holds: its range is [0, 10000]"),
        ("{'>=': [{var: basket.total}, 0]}", "'basket.total' >= 0 always holds: its range is [0, 10000]"),
        ("{'==': [{var: basket.total}, -1]}", "'basket.total' is never -1: its range is [0, 10000]"),
        ("{in: [{var: basket.total}, [5, 10001]]}", "'basket.total' is never 10001: its range is [0, 10000]"),
        ("{'<': [10000, {var: basket.total}, 20000]}", "'basket.total' > 10000 never holds: its range is [0, 10000]"),
        ("{var: tier}", "'tier' (string) is no condition: compare it with something"),
        ("{and: [{var: member}, {var: basket.total}]}", "'basket.total' (number) is no condition: compare it"),
        ("{matches: [{var: tier}, '(']}", "'matches': "),
        ("{cidr: [{var: tier}, 10.0.0.0/33]}", "'cidr': "),
        ("{sem_ver: [{var: app}, '=>', 1.0.0]}", "'sem_ver': "),
        ("{sem_ver: [{var: app}, '>=', 1.0.x.y]}", "'sem_ver': "),
        ("{'==': [{hour: [{var: member_since}, Europe/Warsw]}, 8]}", "'hour': unknown time zone 'Europe/Warsw'"),
        ("{'>': [{date_diff: [{now: []}, {var: member_since}, weeks]}, 8]}", "'date_diff': date_diff counts seconds"),
        ("{after: [{now: []}, tomorrow]}", "'after': not a date or time"),
    ],
)
def test_comparisons_of_unlike_types_and_useless_constants_do_not_build(text: str, message: str) -> None:
    (told,) = condition(text)
    assert told.startswith(message)


@pytest.mark.parametrize(
    "text",
    [
        "{'==': [{var: basket.total}, 5]}",
        "{'<': ['08:00', {var: now.time}, '12:00']}",
        "{'>': [{var: member_since}, '2026-01-01']}",
        "{after: [{now: []}, {var: member_since}]}",
        "{sem_ver: [{var: app}, '>=', 1.2.0]}",
        "{'==': [{var: app}, 1.2.0]}",
        "{'>': [{'+': [{var: basket.total}, 1]}, {'*': [2, 3]}]}",
        "{in: [COFFEE, {var: basket.categories}]}",
        "{in: [gold, 'gold or silver']}",
        "{some: [{var: basket.categories}, {'==': [{var: ''}, TEA]}]}",
        "{'==': [{'??': [{var: basket.total}, none]}, none]}",
        "{'>': [{if: [{var: member}, 1, none]}, 0]}",
        "{'==': [{var: tier}, {var: tier}]}",
        "{'!': [{missing: [tier]}]}",
        "{and: [{var: member}, {'!=': [{var: tier}, none]}]}",
        "{'<=': [0, {var: basket.total}, 20]}",
        "{'>=': [{var: basket.total}, 10000]}",
        "{'>': [{var: [basket.total, 20001]}, 20000]}",
        "{var: member}",
        "{'!': {var: tier}}",
    ],
)
def test_what_can_hold_builds(text: str) -> None:
    assert condition(text) == []


def test_the_jsonlogic_dialect_may_compare_unlike_types() -> None:
    settings = "name: x\ndialect: jsonlogic\n"
    assert build(nearwise=settings, flags__x=when("{'==': [{var: tier}, 5]}")).problems == ()


def test_a_golden_case_that_gets_something_else_is_a_problem_at_its_expectation() -> None:
    built = build(cases__banner=GOOD["cases/banner.yaml"].replace("variant: thanks", "variant: coffee"))
    (problem,) = built.problems
    assert (problem.code, problem.where) == ("failed_case", "cases/banner.yaml:4:11")
    assert problem.message.startswith('\'a regular\' expected variant "coffee", got "thanks"')


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("basket: { total: 10001 }", "'basket.total' is never 10001: its range is [0, 10000]"),
        ("basket: { total: lots }", "'basket.total' is a number, and \"lots\" is none"),
        ("tier: glod", "'tier' is never \"glod\" (did you mean 'gold'?)"),
        ("member: 1", "'member' is a boolean, and 1 is none"),
    ],
)
def test_the_context_of_a_golden_case_holds_what_is_declared(given: str, message: str) -> None:
    cases = f"- name: a\n  flag: banner\n  context: {{ {given} }}\n  expect: {{ variant: none }}\n"
    (problem,) = build(cases__banner=cases).problems
    assert (problem.line, problem.message) == (3, message)


def test_a_wrong_type_of_an_attribute_is_told_once_and_not_wherever_it_is_read() -> None:
    for wrong in ("{type: strng, values: [none, silver, gold]}", "{values: [none, silver, gold]}"):
        text = GOOD["attributes.yaml"].replace("{type: string, values: [none, silver, gold]}", wrong)
        (problem,) = build(attributes=text).problems
        assert problem.where.startswith("attributes.yaml:3:")


def test_golden_cases_run_beside_other_problems_but_never_on_what_is_broken() -> None:
    wrong = GOOD["cases/banner.yaml"].replace("variant: thanks", "variant: coffee")
    assert [problem.code for problem in build(cases__banner=wrong, flags__bad="type: string\n").problems] == [
        "failed_case",
        "missing_field",
        "missing_field",
    ]
    broken = GOOD["flags/banner.yaml"].replace("serve: thanks", "serve: x")
    assert [problem.code for problem in build(cases__banner=wrong, flags__banner=broken).problems] == [
        "unknown_variant"
    ]


def test_cases_run_at_their_own_time_or_at_the_given_one() -> None:
    flag = when("{'==': [{var: now.hour}, 8]}")
    cases = """\
- { name: a, flag: t, at: 2026-11-23T08:10, expect: { variant: on } }
- { name: b, flag: t, expect: { variant: off } }
"""
    assert build(flags__t=flag, cases__t=cases).problems == ()
    (problem,) = build(flags__t=flag, cases__t=cases.replace("08:10", "late")).problems
    assert problem.code == "bad_instant"


def test_a_file_that_is_not_utf_8_is_a_problem_with_its_place() -> None:
    text = b"name: caf\xe9".decode("utf-8", "surrogateescape")
    assert told(build_rule_set({"nearwise.yaml": text}, now=NOW)) == ["nearwise.yaml:1:10  not UTF-8 text"]


def test_the_schema_of_every_kind_of_file_accepts_the_good_files_and_refuses_unknown_fields() -> None:
    kinds = {kind_of_file(file): text for file, text in {**GOOD, **MORE}.items()}
    assert kinds.keys() == set(KINDS)
    for kind, text in kinds.items():
        assert kind is not None
        schema = json_schema(kind)
        Draft202012Validator.check_schema(schema)
        document = yaml.safe_load(text)
        Draft202012Validator(schema).validate(document)  # pyright: ignore[reportUnknownMemberType]
        broken: object = [{**document[0], "zzz": 1}] if isinstance(document, list) else {**document, "zzz": 1}  # pyright: ignore[reportUnknownVariableType]
        with pytest.raises(ValidationError):
            Draft202012Validator(schema).validate(broken)  # pyright: ignore[reportUnknownMemberType]


FILES = st.sampled_from([*GOOD, "flags/b.json", "cases/b.yaml", "offers/x.yaml", "notes.txt"])


@given(st.dictionaries(FILES, st.sampled_from(list(GOOD.values())) | st.text(max_size=40)))
def test_no_texts_make_a_build_raise(files: dict[str, str]) -> None:
    built = build_rule_set(files, now=NOW)
    assert all(problem.message and problem.file for problem in built.problems)


@given(
    st.sampled_from(list(GOOD)),
    st.integers(0, 400),
    st.sampled_from(["", ":", "[", "{", "- ", "\n", "'", "1", "x", "null"]),
)
def test_a_good_rule_set_with_one_slip_never_raises(file: str, at: int, slip: str) -> None:
    text = GOOD[file]
    build_rule_set({**GOOD, file: text[:at] + slip + text[at + 1 :]}, now=NOW)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tier == gold", '"tier == gold" is no condition: it always holds'),
        ("{ and: [{ var: member }, regulars] }", '"regulars" is no condition: it always holds'),
        ("1", "1 is no condition: it always holds"),
        ("", "null is no condition: it never holds"),
        ("[]", "[] is no condition: it never holds"),
        (
            '{ ">=": [basket.total, 20] }',
            "'>=' compares \"basket.total\" (string) with 20 (integer) (did you mean { var: basket.total }?)",
        ),
        ('{ "==": [tier, gold] }', "'==' compares two constants (did you mean { var: tier }?)"),
    ],
)
def test_a_constant_is_no_condition(text: str, message: str) -> None:
    assert condition(text) == [message]


@pytest.mark.parametrize(
    "text", ["true", "{ or: [{ var: member }, false] }", '{ "==": [{ or: [{ var: tier }, x] }, x] }']
)
def test_true_false_and_constants_that_are_values_may_stand(text: str) -> None:
    assert condition(text) == []


def test_nothing_is_unknown_because_of_a_file_that_cannot_be_read() -> None:
    for broken in ("attributes", "segments", "flags__banner"):
        (problem,) = build(**{broken: "a: [\n"}).problems
        assert problem.file == f"{broken.replace('__', '/')}.yaml"


def test_folders_inside_a_folder_are_told() -> None:
    (problem,) = build(flags__sub__x=when("true")).problems
    assert problem.message == "'flags/' has no folders inside: its files lie directly in it"


def test_a_file_of_nothing_but_wrong_shapes_is_told_in_bounded_length() -> None:
    found = list(check_structure("cases/a.yaml", [{"nme": n} for n in range(5_000)]))
    assert len(found) == MAX_SHAPE_PROBLEMS
    assert {problem.file for problem in found} == {"cases/a.yaml"}
