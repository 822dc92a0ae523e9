"""Tokens on the command line are those that devices make."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from nearwise_rules import subject_token
from nearwise_server import cli

KEY = b"a secret of one tenant"


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> object:
    monkeypatch.setattr("sys.argv", ["nearwise", "subject", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code or 0


def test_each_id_has_its_token_on_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "key").write_bytes(KEY + b"\n")
    monkeypatch.setattr("sys.stdin", io.StringIO("h-1043\n\nh-1044\n"))
    token = subject_token("h-1045", KEY)
    assert run(monkeypatch, "h-1042", "-", token, "--key-file", str(tmp_path / "key")) == 0
    expected = [subject_token(each, KEY) for each in ("h-1042", "h-1043", "h-1044")]
    assert capsys.readouterr().out.splitlines() == [*expected, token]


@pytest.mark.parametrize(
    ("content", "told"),
    [(None, "key: No such file or directory"), (b"short", "key: a key of 5 bytes; at least 16 are needed")],
)
def test_a_key_that_cannot_be_used_is_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    content: bytes | None,
    told: str,
) -> None:
    if content is not None:
        (tmp_path / "key").write_bytes(content)
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, "h-1042", "--key-file", "key") == 2
    assert capsys.readouterr() == ("", f"nearwise: {told}\n")
