"""The pages about the server name every setting and every operation."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from nearwise_server.app import Centre, list_operations, make_rooms
from nearwise_server.settings import Settings

DOCS = Path(__file__).parents[2] / "docs"


def test_every_setting_is_documented() -> None:
    rows = [line for line in (DOCS / "server.md").read_text().splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert {field.name for field in fields(Settings)} <= named


def test_every_operation_is_documented(centre: Centre) -> None:
    page = (DOCS / "http-api.md").read_text()
    missing = [op for op in list_operations(*make_rooms(centre)) if f"`{op.method} {op.path}`" not in page]
    assert missing == []
