"""What the tests of the cookbook share: rule sets of the examples as bundle files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from nearwise.testing.rule_sets import packed_bundle, signer
from nearwise_rules import public_key_text

EXAMPLES = Path(__file__).parents[2] / "examples"


class Shipped(NamedTuple):
    """A bundle file, and the key that signed it."""

    path: str
    trust: str


@pytest.fixture
def ship(tmp_path: Path) -> Callable[[str], Shipped]:
    """Builds the rule set of an example into a bundle file."""

    def build(example: str) -> Shipped:
        path = tmp_path / f"{example}.bundle"
        path.write_bytes(packed_bundle(EXAMPLES / example / "rules"))
        return Shipped(str(path), public_key_text(signer().public_key))

    return build
