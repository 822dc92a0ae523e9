"""The whole demo, played short: a real centre, real tills, a real cut and a real SIGKILL."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

import pytest

from nearwise_server.demo import DemoSettings, run_demo
from nearwise_server.demo.journey import read_journey

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def few_households(tmp_path: Path) -> Path:
    """The examples folder with every tenth household only."""
    folder = tmp_path / "examples"
    shutil.copytree(EXAMPLES, folder)
    baskets = folder / "complete_journey" / "baskets.csv.gz"
    header, *rows = gzip.decompress(baskets.read_bytes()).decode().splitlines(keepends=True)
    kept = [row for row in rows if row.split(",")[1].endswith("7")]
    baskets.write_bytes(gzip.compress("".join([header, *kept]).encode()))
    return folder


def test_a_short_demo_loses_nothing_and_passes_its_check(
    few_households: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "demo"
    settings = DemoSettings(folder=folder, examples=few_households, port=0, seconds=2, tills=7, check=True, json=True)
    code = run_demo(settings)
    printed = capsys.readouterr().out
    assert code == 0, printed
    report = json.loads(printed.splitlines()[-1])
    assert report == json.loads((folder / "report.json").read_text())
    assert report["baskets"] == len(read_journey(few_households / "complete_journey").visits) > 300
    assert report["decisions"]["count"] >= 3 * report["baskets"]
    assert report["decisions"]["blank"] == 0
    assert report["decisions"]["while_offline"] > 0
    assert report["events"]["sent"] > 2 * report["baskets"]
    assert (report["events"]["missing"], report["events"]["duplicated"]) == (0, 0)
    assert set(report["bundle"]["per_till"].values()) == {2}
    assert report["bundle"]["delta_bytes"] < report["bundle"]["whole_bytes"]
    ledger = (folder / "tills" / report["killed_till"] / "ledger.tsv").read_text()
    assert [line.split("\t")[2:] for line in ledger.splitlines() if line.startswith("start\t")] == [
        ["1", "server"],
        ["1", "generation"],
    ]
