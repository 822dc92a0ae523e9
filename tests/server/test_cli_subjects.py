"""The commands about subjects against a running centre."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import cast

import httpx
import pytest

from nearwise_rules import erasure_digest, subject_token
from tests.server.conftest import Ended, Nearwise

KEY = b"a secret of one tenant"


def key_of(nearwise: Nearwise, scope: str) -> str:
    return nearwise("keys", "create", scope, "--data", "centre").out.strip()


def put(nearwise: Nearwise, url: str, file: str) -> Ended:
    return nearwise("traits", "put", file, "--url", url, "--key", key_of(nearwise, "traits"))


def traits_of(nearwise: Nearwise, url: str, subject: str) -> dict[str, object]:
    headers = {"Authorization": f"Bearer {key_of(nearwise, 'read')}"}
    return cast("dict[str, object]", httpx.get(f"{url}/v1/traits/{subject}", headers=headers).json()["traits"])


def test_traits_come_from_a_csv_file_with_a_column_for_each(nearwise: Nearwise, url: str) -> None:
    Path("traits.csv").write_text(
        "subject.tier,subject,visits,weight,vip,tags\ngold,s_1,12,2.5,true,\"['a', 'b']\"\n\n,s_2,'007',,,\n",
        encoding="utf-8-sig",
    )
    assert put(nearwise, url, "traits.csv") == Ended(0, "traits of 2 subjects written\n", "")
    assert traits_of(nearwise, url, "s_1") == {
        "subject.tier": "gold",
        "visits": 12,
        "weight": 2.5,
        "vip": True,
        "tags": ["a", "b"],
    }
    assert traits_of(nearwise, url, "s_2") == {"visits": "007"}


def test_traits_come_from_lines_of_json_in_portions(nearwise: Nearwise, url: str) -> None:
    lines = [json.dumps({"subject": f"s_{number}", "traits": {"n": number}}) for number in range(1_201)]
    Path("traits.jsonl").write_text("\n".join(lines))
    assert put(nearwise, url, "traits.jsonl").out == "traits of 1,201 subjects written\n"
    assert [traits_of(nearwise, url, f"s_{number}")["n"] for number in (0, 600, 1_200)] == [0, 600, 1_200]


def test_problems_are_told_with_the_lines_of_the_file(nearwise: Nearwise, url: str) -> None:
    good = [json.dumps({"subject": f"s_{number}", "traits": {}}) for number in range(600)]
    Path("traits.jsonl").write_text("\n".join([*good[:550], "", '{"subject": "s"}', *good[550:], '{"a": 1}']))
    assert put(nearwise, url, "traits.jsonl") == Ended(
        1,
        "traits.jsonl:552:1  a line is an object of 'subject' and 'traits'\n"
        "traits.jsonl:603:1  a line is an object of 'subject' and 'traits'\n"
        "2 problems in 1 file\n",
        "",
    )
    assert traits_of(nearwise, url, "s_0") == {}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.txt", "", "t.txt: a file of traits ends in .csv, .jsonl or .ndjson"),
        ("t.csv", "", "t.csv:1  the first line names the columns, each once, one of them 'subject'"),
        ("t.csv", "subject,a,a\n", "t.csv:1  the first line names the columns, each once, one of them 'subject'"),
        ("t.csv", "subject,a\ns,1\ns,1,2\n", "t.csv:3  3 cells, and there are 2 columns"),
        ("t.csv", 'subject,a\ns,"1"2\n', "t.csv: ',' expected after '\"'"),
        ("t.csv", "subject,a\ns,\xe9\n", "t.csv is not UTF-8 text"),
        ("t.jsonl", "\n{\n", "t.jsonl:2  not JSON"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line(
    nearwise: Nearwise, url: str, name: str, content: str, message: str
) -> None:
    Path(name).write_bytes(content.encode("latin-1"))
    ended = put(nearwise, url, name)
    assert (ended.code != 0, ended.out, ended.err) == (True, "", f"nearwise: {message}\n")


def test_traits_of_no_file_and_with_no_key(nearwise: Nearwise, url: str) -> None:
    assert put(nearwise, url, "no.csv") == Ended(2, "", "nearwise: no.csv: No such file or directory\n")
    Path("t.csv").write_text("subject\n")
    assert "nearwise keys create traits" in nearwise("traits", "put", "t.csv", "--url", url).err


def test_who_asked_by_letter_is_erased(nearwise: Nearwise, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("t.csv").write_text("subject,a\ns_1,1\ns_2,1\ns_3,1\ns_4,1\n")
    put(nearwise, url, "t.csv")
    monkeypatch.setattr("sys.stdin", io.StringIO("s_2\n\n s_3\n"))
    ended = nearwise("erase", "s_1", "-", "--url", url, "--key", key_of(nearwise, "erase"))
    assert (ended.code, ended.err) == (0, "")
    ids = [line.split() for line in ended.out.splitlines()]
    assert [(len(id_), status) for id_, status in ids] == [(32, "waiting")] * 3
    headers = {"Authorization": f"Bearer {key_of(nearwise, 'read')}"}
    left = [httpx.get(f"{url}/v1/traits/s_{number}", headers=headers).status_code for number in (1, 2, 3, 4)]
    assert left == [404, 404, 404, 200]
    listed = httpx.get(f"{url}/v1/erasures", headers=headers).json()["erasures"]
    assert [(each["id"], each["traits"], each["device"]) for each in listed] == [(id_, 1, None) for id_, _ in ids]


def test_erasing_needs_its_own_key_and_names_nobody_in_its_failures(nearwise: Nearwise, url: str) -> None:
    refused = nearwise("erase", "s_secret", "--url", url, "--key", key_of(nearwise, "read"))
    assert refused == Ended(1, "", f"nearwise: {url} refused (403): this needs a key with scope erase\n")
    assert "nearwise keys create erase" in nearwise("erase", "s_secret", "--url", url).err


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_with_the_subject_key_ids_become_the_tokens_of_devices(nearwise: Nearwise, url: str, suffix: str) -> None:
    Path("key").write_bytes(KEY + b"\n")
    Path("t.csv").write_text("subject,a\nh-1042,1\n")
    Path("t.jsonl").write_text('{"subject": "h-1042", "traits": {"a": 1}}\n')
    token, keyed = subject_token("h-1042", KEY), ("--url", url, "--subject-key", "key")
    written = nearwise("traits", "put", f"t.{suffix}", "--key", key_of(nearwise, "traits"), *keyed)
    assert (written.out, written.err) == ("traits of 1 subject written\n", "")
    assert traits_of(nearwise, url, token) == {"a": 1}
    assert nearwise("erase", "h-1042", "--key", key_of(nearwise, "erase"), *keyed).code == 0
    headers = {"Authorization": f"Bearer {key_of(nearwise, 'read')}"}
    (receipt,) = httpx.get(f"{url}/v1/erasures", headers=headers).json()["erasures"]
    assert (receipt["digest"], receipt["traits"]) == (erasure_digest(token), 1)


def test_a_subject_key_that_cannot_be_used_is_one_line(nearwise: Nearwise, url: str) -> None:
    keyed = ("--url", url, "--key", key_of(nearwise, "erase"), "--subject-key", "key")
    assert nearwise("erase", "h-1042", *keyed) == Ended(2, "", "nearwise: key: No such file or directory\n")
    Path("key").write_bytes(b"short")
    assert nearwise("erase", "h-1042", *keyed).err == "nearwise: key: a key of 5 bytes; at least 16 are needed\n"
