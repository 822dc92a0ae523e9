"""The excerpt is what its README says, and the script cuts what it says."""

from __future__ import annotations

import csv
import gzip
import re
import runpy
from collections.abc import Callable
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "examples" / "complete_journey"
SOURCE = {
    "campaign_descriptions.csv": (
        "campaign_id,campaign_type,start_date,end_date\n"
        "9,Type B,2017-05-31,2017-07-02\n18,Type A,2017-10-30,2017-12-24\n2,Type B,2017-12-24,2018-01-07\n"
    ),
    "campaigns.csv": "campaign_id,household_id\n9,1\n18,2\n18,10\n2,2\n",
    "categories.csv": "category,name,lines\n0,SOFT DRINKS,5\n1,CHEESE,4\n2,PAPER,3\n3,NEVER SEEN,1\n",
    "demographics.csv": "household_id,age\n10,65+\n1,35-44\n2,19-24\n",
    "coupon_redemptions.csv": (
        "household_id,coupon_upc,campaign_id,redemption_date\n"
        "2,51,18,2017-11-05\n1,52,9,2017-06-05\n2,53,18,2018-01-05\n10,54,18,2017-11-01\n"
    ),
    "coupon_categories.csv.gz": "coupon_upc,campaign_id,category,products\n51,18,1,9\n52,18,1,3\n53,18,2,1\n54,9,0,1\n",
    "baskets.csv.gz": (
        "basket,household_id,store_id,transaction_timestamp,lines,quantity,sales,retail_disc,coupon_disc,coupon_match\n"
        "7,2,330,2017-11-05 11:00:00,2,2,9.5,0.0,1.0,0.0\n8,10,330,2017-11-05 10:00:00,1,1,1.5,0.0,0.0,0.0\n"
        "9,1,330,2017-11-05 09:00:00,1,1,1.5,0.0,0.0,0.0\n5,2,330,2017-10-01 23:59:59,1,1,1.5,0.0,0.0,0.0\n"
    ),
    "basket_categories.csv.gz": "basket,category,sales\n7,1,2.0\n7,0,7.5\n8,0,1.5\n9,3,1.5\n5,3,1.5\n",
}


@pytest.fixture
def cut() -> Callable[[Path, Path], None]:
    """The cutting function of the script."""
    found: Callable[[Path, Path], None] = runpy.run_path(str(FOLDER / "cut.py"))["cut"]
    return found


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A small source folder."""
    folder = tmp_path / "source"
    folder.mkdir()
    for name, text in SOURCE.items():
        (folder / name).write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return folder


def rows(path: Path) -> list[list[str]]:
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()
    return list(csv.reader(text.splitlines()))


def test_the_cut_keeps_what_belongs_to_the_campaigns_and_weeks(
    cut: Callable[[Path, Path], None], source: Path, tmp_path: Path
) -> None:
    target = tmp_path / "target"
    target.mkdir()
    cut(source, target)
    assert rows(target / "campaigns.csv")[1:] == [["2", "2"], ["18", "2"], ["18", "10"]]
    assert [row[0] for row in rows(target / "campaign_descriptions.csv")[1:]] == ["2", "18"]
    assert [(row[0], row[-1]) for row in rows(target / "baskets.csv.gz")[1:]] == [("8", "0"), ("7", "0 1")]
    assert rows(target / "coupon_categories.csv")[1:] == [["18", "1", "2"], ["18", "2", "1"]]
    assert [row[3] for row in rows(target / "coupon_redemptions.csv")[1:]] == ["54", "51"]
    assert rows(target / "categories.csv")[1:] == [["0", "SOFT DRINKS"], ["1", "CHEESE"], ["2", "PAPER"]]
    assert rows(target / "demographics.csv")[1:] == [["2", "19-24"], ["10", "65+"]]


def test_the_same_source_gives_the_same_bytes(cut: Callable[[Path, Path], None], source: Path, tmp_path: Path) -> None:
    cuts: list[dict[str, bytes]] = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        cut(source, tmp_path / name)
        cuts.append({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()})
    assert cuts[0] == cuts[1]
    assert cuts[0]["baskets.csv.gz"][4:8] == b"\0\0\0\0"


def test_the_readme_states_the_rows_and_columns_of_every_file() -> None:
    table = re.findall(r"^\| `(\S+)` \| ([\d,]+) \| (.+) \|$", (FOLDER / "README.md").read_text(), re.MULTILINE)
    assert {name for name, _, _ in table} == {path.name for path in FOLDER.iterdir() if ".csv" in path.name}
    for name, count, columns in table:
        header, *found = rows(FOLDER / name)
        assert (name, len(found)) == (name, int(count.replace(",", "")))
        assert all(column in columns for column in header), name


def test_the_excerpt_is_small_and_names_no_machine() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir() if path.is_file()) < 400_000
    for path in FOLDER.parent.rglob("*"):
        if path.suffix in (".py", ".md", ".yaml"):
            assert not re.search(r"(?<![\w.])/(work|home|root|tmp|Users)/", path.read_text()), path
