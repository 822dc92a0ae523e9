"""Audiences from the author's folder to a device: checked, built, and published without a key leaving the machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nearwise_rules import Decision, Release, Trust, open_bundle
from nearwise_server.authoring import build_rule_set
from nearwise_server.cli.audiences import build_with_progress, sent_files
from tests.server.conftest import Nearwise, replace

KEYS = [f"card-{number:05d}" for number in range(3_000)]
FLAG = """\
type: boolean
variants: { on: true, off: false }
default: off
rules:
  - when: { audience: vip }
    serve: on
"""
CASE = "- { name: a member, flag: lounge, subject: card-00007, expect: { variant: on } }\n"


@pytest.fixture
def lounge(shop: Path) -> Path:
    """The starter rule set with audiences: one in a list, one in a document."""
    for file, text in {
        "flags/lounge.yaml": FLAG,
        "cases/lounge.yaml": CASE,
        "audiences/vip.txt": "# who bought much\n" + "\n".join([*KEYS, *KEYS[:12]]) + "\n",
        "audiences/vip.yaml": "description: Gäste 🎈\nknown: all.txt\nexcept: [card-00009]\n",
        "audiences/all.txt": "\n".join([*KEYS, *(f"stranger-{number:05d}" for number in range(5_000))]),
        "audiences/testers.yaml": "keys: [anna-secret, bob-secret]\n",
    }.items():
        (shop / file).parent.mkdir(exist_ok=True)
        (shop / file).write_text(text, encoding="utf-8")
    return shop


def test_check_says_what_audiences_are_built_of(nearwise: Nearwise, lounge: Path) -> None:
    ended = nearwise("check", "shop")
    first, testers, vip = ended.out.splitlines()
    assert (ended.code, ended.err) == (0, "")
    assert first.endswith("2 flags, 1 segment, 2 audiences, 2 attributes, 3 golden cases")
    assert testers == "  audience testers   2 keys, 48 bytes, exact"
    assert vip.startswith("  audience vip   2,999 keys (11 repeated), ")
    assert vip.endswith(" bytes, admits 1 unknown subject in 256")
    facts = json.loads(nearwise("check", "shop", "--format", "json").out)["audiences"]
    assert [(each["key"], each["keys"], each["repeated"]) for each in facts] == [("testers", 2, 0), ("vip", 2_999, 11)]


def test_check_tells_lines_of_lists_and_files_that_are_missing(nearwise: Nearwise, lounge: Path) -> None:
    (lounge / "audiences/testers.yaml").write_text("keys: []\n")
    (lounge / "audiences/vip.txt").write_text("card-1\n" + "x" * 1_025 + "\n")
    replace(lounge / "audiences/vip.yaml", "all.txt", "everyone.txt")
    replace(lounge / "flags/lounge.yaml", "vip", "vipp")
    (lounge / "audiences/all.txt").write_bytes(b"card-1\ncard-\xff\n")
    ended = nearwise("check", "shop")
    assert ended.code == 1
    assert ended.out.splitlines() == [
        "audiences/all.txt:2:1       not UTF-8 text",
        "audiences/testers.yaml:1:7  there is no key in this list",
        "audiences/vip.txt:2:1       a key has at most 1,024 characters, and this one has 1,025",
        "audiences/vip.yaml:2:8      there is no audiences/everyone.txt: 'known' names a list beside this file, "
        "such as all.txt",
        "flags/lounge.yaml:5:23      unknown audience 'vipp' (did you mean 'vip'?)",
        "5 problems in 11 files",
    ]


@pytest.mark.parametrize("text", ["keys: [a]\n  b", "keys: {a: 1}\n", "\n"])
def test_a_broken_audience_is_told_once(nearwise: Nearwise, lounge: Path, text: str) -> None:
    (lounge / "audiences/vip.txt").unlink()
    (lounge / "audiences/all.txt").unlink()
    (lounge / "audiences/vip.yaml").write_text(text)
    ended = nearwise("check", "shop")
    assert ended.code == 1
    assert [line.split()[0].split(":")[0] for line in ended.out.splitlines()[:-1]] == ["audiences/vip.yaml"]


def test_decide_asks_audiences(nearwise: Nearwise, lounge: Path) -> None:
    said = nearwise("decide", "shop", "lounge", "--subject", "card-00009", "--explain").out
    assert "subject is not in audience vip, needs to be in it" in said
    assert "lounge  ->  on" in nearwise("decide", "shop", "lounge", "--subject", "card-00010").out


def test_no_key_leaves_the_machine(lounge: Path) -> None:
    files = {
        str(path.relative_to(lounge).as_posix()): path.read_text(encoding="utf-8")
        for path in lounge.rglob("*")
        if path.is_file() and "nearwise/" not in str(path)
    }
    built = build_with_progress(files)
    sent = sent_files(files, built.audiences)
    told = "".join(text for file, text in sent.items() if not file.startswith("cases/"))
    assert not any(secret in told for secret in ("card-0", "stranger", "secret"))
    assert sorted(file for file in sent if file.startswith("audiences/")) == [
        "audiences/testers.filter",
        "audiences/testers.yaml",
        "audiences/vip.filter",
        "audiences/vip.yaml",
    ]
    again = build_rule_set(sent)
    assert again.problems == ()
    assert again.entries == built.entries
    assert "Gäste 🎈" in sent["audiences/vip.yaml"]


def test_a_published_audience_reaches_devices(nearwise: Nearwise, lounge: Path, url: str) -> None:
    key = nearwise("keys", "create", "publish", "--data", "centre").out.strip()
    assert nearwise("publish", "shop", "--url", url, "--key", key).code == 0
    assert nearwise("fetch", "--output", "shop.bundle", "--url", url, "--key", key).code == 0
    device = nearwise("keys", "create", "device", "--data", "centre").out.strip()
    release = Release(open_bundle(Path("shop.bundle").read_bytes(), Trust.pinned(device.split(".")[-1])))
    asked = {who: decided(release, who).variant for who in ("card-00008", "card-00009", "stranger-00001")}
    assert asked == {"card-00008": "on", "card-00009": "off", "stranger-00001": "off"}
    (lounge / "audiences/vip.txt").write_text("")
    refused = nearwise("publish", "shop", "--url", url, "--key", key)
    assert (refused.code, "there is no key in this list" in refused.out) == (1, True)


def decided(release: Release, subject: str) -> Decision:
    return release.decide("lounge", {}, subject, 1_795_000_000.0)
