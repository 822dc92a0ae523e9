"""Every python block of the README and of the pages in docs/ runs, page by page, top to bottom.

Where a page is about one rule set, its files are checked and what it prints is what the command prints.
"""

import re
import shlex
from pathlib import Path

import pytest

from nearwise_server.cli import main

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(page: Path) -> list[str]:
    text = page.read_text(encoding="utf-8")
    return ["\n" * text[: match.start(1)].count("\n") + match.group(1) for match in BLOCK.finditer(text)]


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)], ids=lambda page: str(page.relative_to(ROOT)))
def test_the_code_of_a_page_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NEARWISE_REPOSITORY", str(ROOT))
    names: dict[str, object] = {"__name__": "__docs__"}
    for block in blocks(page):
        exec(compile(block, str(page), "exec"), names)


FILE = re.compile(r"^```yaml\n# (\S+\.yaml)\n(.*?)^```", re.MULTILINE | re.DOTALL)
DECIDED = re.compile(r"^```console\n\$ nearwise (decide kiosk [^\n]*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def test_the_rule_set_of_a_page_is_right_and_decides_as_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (ROOT / "docs" / "placements.md").read_text(encoding="utf-8")
    for file, content in FILE.findall(text):
        path = tmp_path / "kiosk" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as written:
            written.write(content)
    monkeypatch.chdir(tmp_path)
    ((command, printed),) = DECIDED.findall(text)
    for arguments in (["check", "kiosk"], shlex.split(command)):
        capsys.readouterr()
        monkeypatch.setattr("sys.argv", ["nearwise", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 0, capsys.readouterr()
    assert capsys.readouterr().out == printed


def test_every_relative_link_of_a_page_leads_somewhere() -> None:
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in PAGES
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert broken == []
