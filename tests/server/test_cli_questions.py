"""Questions from the command line: their context, and what in it no rule can read."""

from __future__ import annotations

from pathlib import Path

import pytest

from nearwise_server import cli
from nearwise_server.authoring import build_rule_set
from nearwise_server.cli.questions import read_context, undeclared

ATTRIBUTES = "basket.total: {type: number}\ncustomer: {type: object}\n"
FLAG = "type: boolean\nvariants: {on: true, off: false}\ndefault: off\n"
FILES = {"nearwise.yaml": "name: shop\n", "attributes.yaml": ATTRIBUTES, "flags/banner.yaml": FLAG}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["basket.total=3", "customer.tier=gold", "now.hour=8", "subject=x"], []),
        (["basket.totl=3"], ["unknown attribute 'basket.totl' (did you mean 'basket.total'?)"]),
        (["basket.total={a: 1}"], []),
        (["zzz.y=1"], ["unknown attribute 'zzz.y'"]),
    ],
)
def test_names_that_are_not_declared_are_told(given: list[str], told: list[str]) -> None:
    entries = build_rule_set(FILES).entries
    assert list(undeclared(entries, read_context(None, given))) == told


def test_decide_warns_of_an_unknown_attribute_and_still_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr("sys.argv", ["nearwise", "decide", str(tmp_path), "banner", "--set", "basket.totl=3"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    printed = capsys.readouterr()
    assert (ended.value.code or 0, printed.out.splitlines()[0].split()[:3]) == (0, ["banner", "->", "off"])
    assert printed.err == "nearwise: unknown attribute 'basket.totl' (did you mean 'basket.total'?)\n"
