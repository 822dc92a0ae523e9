"""Recorded decisions on the command line: fetched from a centre, repeated, held against a draft."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from nearwise import Client, Settings
from nearwise_rules import Question, Recording, Release, Surroundings, inspect_bundle, record
from nearwise_server.errors import ChildEnded
from nearwise_server.replaying import Piece, Repeat, all_repeated, crew, pieces_of, run_pieces
from tests.server.conftest import Nearwise, replace

SETTINGS = """\
name: shop
recording: { percent: 100 }
consent: { granted: [analyse] }
"""
ATTRIBUTES = "basket.total: { type: number }\nvisits: { type: integer }\n"
OFFER = """\
content: {{ title: {key} }}
tags: [t]
value: {value}
"""
SLOT = """\
candidates: { tags: [t] }
fallback: [thanks]
policies: { by_value: { score: { value: true } } }
"""
FLAG = """\
type: boolean
variants: { on: true, off: false }
default: off
rules:
  - name: big
    when: { ">": [{ var: basket.total }, 20] }
    serve: on
"""


@pytest.fixture
def folder(shop: Path) -> Path:
    """A rule set that asks for recordings: a placement, two offers and a flag."""
    for path in (*shop.glob("flags/*"), *shop.glob("cases/*"), shop / "segments.yaml"):
        path.unlink()
    files = {
        "nearwise.yaml": SETTINGS,
        "attributes.yaml": ATTRIBUTES,
        "placements/slot.yaml": SLOT,
        "flags/layout.yaml": FLAG,
        "offers/thanks.yaml": "content: { title: Thanks }\n",
        "offers/a.yaml": OFFER.format(key="a", value=2),
        "offers/b.yaml": OFFER.format(key="b", value='{ min: [1, { "+": [1, { var: basket.total }] }] }'),
    }
    for name, text in files.items():
        (shop / name).parent.mkdir(exist_ok=True)
        (shop / name).write_text(text)
    return shop


@pytest.fixture
def records(nearwise: Nearwise, folder: Path) -> Path:
    """Decisions of the rule set on 12 subjects, and its bundle file beside them."""
    assert nearwise("build", "shop", "--output", "shop.bundle").code == 0
    release = Release(inspect_bundle(Path("shop.bundle").read_bytes()), surround=lambda _subject: Surroundings())
    lines: list[str] = []
    for number in range(12):
        for key in ("slot", "layout"):
            question = Question({"basket": {"total": number * 4}}, f"h-{number}", 1_795_420_800.0 + number)
            made = record(release, question, release.ask(key, question))
            lines.append(json.dumps(made.to_members()))
    Path("records.jsonl").write_text("\n".join(lines) + "\n")
    return Path("records.jsonl")


def edited(path: Path, change: Callable[[dict[str, Any]], None], line: int = 0) -> None:
    """Change one line of a file of recordings."""
    lines = path.read_text().splitlines()
    members = json.loads(lines[line])
    change(members)
    lines[line] = json.dumps(members)
    path.write_text("\n".join(lines) + "\n")


def test_decisions_that_come_out_the_same(nearwise: Nearwise, records: Path) -> None:
    ended = nearwise("replay", "records.jsonl", "--bundle", "shop.bundle")
    assert (ended.code, ended.out, ended.err) == (0, "24 of 24 decisions came out the same\n", "")
    told = json.loads(nearwise("replay", "records.jsonl", "--bundle", "shop.bundle", "--json").out)
    assert told == {"same": 24, "different": 0, "damaged": 0, "elsewhere": [], "mismatches": []}


def test_the_first_that_differ_are_told_field_by_field(nearwise: Nearwise, records: Path) -> None:
    def spoil(members: dict[str, Any]) -> None:
        members["answer"]["items"][0][1] = 2.0000000000000004

    edited(records, spoil)
    ended = nearwise("replay", "records.jsonl", "--bundle", "shop.bundle")
    assert ended.code == 1
    assert ended.out.splitlines() == [
        "23 of 24 decisions came out the same, 1 did not",
        "slot  h-0  2026-11-23 08:00:00 UTC  bundle 1",
        '  items       [["a", 2.0000000000000004, false]] -> [["a", 2.0, false]]',
    ]
    mismatch = json.loads(nearwise("replay", "records.jsonl", "--bundle", "shop.bundle", "--json").out)["mismatches"]
    assert mismatch[0]["differences"] == {"items": [[["a", 2.0000000000000004, False]], [["a", 2.0, False]]]}
    assert nearwise("replay", "records.jsonl", "--bundle", "shop.bundle", "--shown", "0").out.count("\n") == 1


def test_decisions_of_other_bundles_and_damaged_lines_are_counted(nearwise: Nearwise, records: Path) -> None:
    edited(records, lambda members: members.update(root="ab" * 32, bundle=7))
    records.write_text(records.read_text() + "{}\nnot json\n\n[1]\n")
    ended = nearwise("replay", "records.jsonl", "--bundle", "shop.bundle")
    assert ended.code == 0
    assert ended.out.splitlines() == [
        "23 of 23 decisions came out the same",
        "  1 decision of bundle 7 (root abababababab): not at hand",
        "  3 lines held no recorded decision",
    ]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("replay", "records.jsonl"), "no bundle: name the files that decided"),
        (("replay", "records.jsonl", "--bundle", "no.bundle"), "no.bundle: No such file"),
        (("replay", "records.jsonl", "--bundle", "records.jsonl"), "malformed"),
        (("replay", "no.jsonl", "--bundle", "shop.bundle"), "no.jsonl: No such file"),
        (("replay", "shop.bundle", "--bundle", "shop.bundle"), "none of these decisions could be repeated"),
        (("replay",), "no key"),
        (("simulate", "shop", "no.jsonl"), "no.jsonl: No such file"),
        (("simulate", "shop", "shop.bundle"), "holds no recorded decision"),
        (("simulate", "shop", "records.jsonl", "--bundle", "records.jsonl"), "malformed"),
    ],
)
def test_what_cannot_be_tried_is_told_in_a_line(
    nearwise: Nearwise, records: Path, arguments: tuple[str, ...], told: str
) -> None:
    ended = nearwise(*arguments)
    assert ended.code == 2
    assert told in ended.err
    assert ended.err.count("\n") == 1


def test_what_a_draft_would_change(nearwise: Nearwise, records: Path, folder: Path) -> None:
    replace(folder / "offers/a.yaml", "value: 2", 'value: 2\neligible: { ">": [{ var: basket.total }, 10] }')
    replace(folder / "flags/layout.yaml", "20]", "30]")
    ended = nearwise("simulate", "shop", "records.jsonl")
    assert (ended.code, ended.err) == (0, "")
    lines = [line.split() for line in ended.out.splitlines()]
    assert ended.out.startswith("24 decisions: 5 would be answered otherwise (20.8 %), 0 newly blank\n")
    assert ["a", "12", "9", "-3"] in lines
    assert ["b", "0", "3", "+3"] in lines
    assert ["off", "6", "8", "+2"] in lines
    assert "  for instance h-0 at 2026-11-23 08:00:00 UTC: a -> b" in ended.out
    assert "eligible: `basket.total` is 0, needs > 10" in ended.out
    assert "not recorded" not in ended.out


def test_what_a_draft_reads_and_no_recording_has_is_told(nearwise: Nearwise, records: Path, folder: Path) -> None:
    replace(folder / "offers/a.yaml", "value: 2", 'value: 2\neligible: { ">": [{ var: visits }, 10] }')
    told = "  the draft reads visits, which was not recorded"
    assert told in nearwise("simulate", "shop", "records.jsonl").out.splitlines()
    assert told in nearwise("simulate", "shop", "records.jsonl", "--bundle", "shop.bundle").out.splitlines()


def test_the_same_as_json(nearwise: Nearwise, records: Path, folder: Path) -> None:
    replace(folder / "offers/a.yaml", "value: 2", "value: 2\ncaps: [{ limit: 1 }]\nenabled: false")
    replace(folder / "offers/b.yaml", "tags: [t]", 'tags: [t]\neligible: { ">": [{ var: visits }, 1] }')
    replace(folder / "placements/slot.yaml", "fallback: [thanks]", "blank: true")
    ended = nearwise("simulate", "shop", "records.jsonl", "--bundle", "shop.bundle", "--json", "--examples", "2")
    told = json.loads(ended.out)
    slot = told["keys"]["slot"]
    assert (told["decisions"], told["changed"], told["newly_blank"]) == (24, 12, 12)
    assert (slot["offers"], slot["blank"], slot["bound"]) == ({"a": [12, 0]}, [0, 12], [0, 0])
    assert slot["not_recorded"] == ["visits", "history of exposure"]
    assert [(example["before"], example["after"]) for example in slot["examples"]] == [(["a"], [])] * 2
    assert told["keys"]["layout"]["variants"] == {"off": [6, 6], "on": [6, 6]}


def test_a_draft_with_problems_is_not_simulated(nearwise: Nearwise, records: Path, folder: Path) -> None:
    replace(folder / "placements/slot.yaml", "tags: [t]", "tags: [u]")
    ended = nearwise("simulate", "shop", "records.jsonl")
    assert ended.code == 1
    assert "no offer has the tag 'u'" in ended.out


def test_a_draft_that_fails_golden_cases_is_simulated_and_they_are_told(
    nearwise: Nearwise, records: Path, folder: Path
) -> None:
    case = "- { name: a wins, placement: slot, context: { basket: { total: 50 } }, expect: { items: [b] } }\n"
    (folder / "cases/slot.yaml").write_text(case)
    ended = nearwise("simulate", "shop", "records.jsonl")
    assert (ended.code, ended.out.splitlines()[0][:12]) == (0, "24 decisions")
    assert """'a wins' expected items ["b"], got ["a"]""" in ended.err


def test_a_removed_key_is_told(nearwise: Nearwise, records: Path, folder: Path) -> None:
    (folder / "flags/layout.yaml").unlink()
    assert "the draft has none of that key" in nearwise("simulate", "shop", "records.jsonl").out


def test_decisions_from_devices_by_way_of_the_centre(
    nearwise: Nearwise, folder: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = {scope: nearwise("keys", "create", scope).out.strip() for scope in ("publish", "device", "read")}
    monkeypatch.setenv("NEARWISE_URL", url)
    assert nearwise("publish", "shop", "--key", keys["publish"]).code == 0
    with Client(url, key=keys["device"], settings=Settings(device="till-1")) as client:
        assert client.ready(10)
        for number in range(5):
            decisions = client.context(f"h-{number}", basket={"total": 25}).decide_many(["slot", "layout"])
            decisions[0].shown()
        assert client.flush() == 0
    ended = nearwise("fetch-records", "--key", keys["read"])
    assert (ended.code, ended.out) == (0, "records.jsonl   10 decisions\n")
    lines = Path("records.jsonl").read_text().splitlines()
    assert len({Recording.from_members(json.loads(line)).root for line in lines}) == 1
    same = "10 of 10 decisions came out the same\n"
    assert nearwise("replay", "--key", keys["read"]).out == same
    assert nearwise("replay", "records.jsonl", "--key", keys["read"]).out == same
    edited(Path("records.jsonl"), lambda members: members.update(root="ab" * 32))
    assert "1 decision of bundle 1 (root abab" in nearwise("replay", "records.jsonl", "--key", keys["read"]).out


def test_several_processes_find_what_one_finds(records: Path) -> None:
    content, path = Path("shop.bundle").read_bytes(), "records.jsonl"
    edited(records, lambda members: members["answer"].update(rule="another"), line=17)
    pieces = pieces_of(path, 500)
    assert len(pieces) > crew.FEW_PIECES
    assert (pieces[0].start, pieces[-1].end) == (0, records.stat().st_size)
    assert all(earlier.end == later.start for earlier, later in pairwise(pieces))
    job = Repeat(path, (content,), 3)
    alone, together = (all_repeated(run_pieces(job, pieces, processes), 3) for processes in (1, 2))
    assert alone == together
    assert (alone.same, alone.different) == (23, 1)


class Ends:
    """A job that ends the process that does it."""

    def ready(self) -> Callable[[Piece], None]:
        return end


def end(_piece: Piece) -> None:
    raise SystemExit(3)


def test_a_process_that_ends_early_is_told() -> None:
    with pytest.raises(ChildEnded):
        list(run_pieces(Ends(), [Piece(0, 1)] * (crew.FEW_PIECES + 1), 2))
