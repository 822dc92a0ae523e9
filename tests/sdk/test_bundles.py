"""Generations: the newest good one, damaged ones set aside, three kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nearwise.bundles import Generations
from nearwise.testing.rule_sets import packed_bundle, signer
from nearwise_rules import Accepted, BundleLimits, Json, Trust, open_bundle

TRUST = Trust(keys={signer().key_id: signer().public_key})
RuleSet = Callable[..., dict[str, Json]]


@pytest.fixture
def packed(rule_set: RuleSet) -> Callable[[int], bytes]:
    return lambda version: packed_bundle(rule_set(f"{version} % off"), version=version)


def generations(folder: Path) -> Generations:
    return Generations(str(folder), TRUST, BundleLimits())


def keep(folder: Path, packed: bytes) -> None:
    generations(folder).keep(open_bundle(packed, TRUST), packed)


def version_of(found: Generations) -> int:
    bundle = next(found.good(), None)
    return 0 if bundle is None else bundle.manifest.version


def test_the_newest_generation_is_found_and_three_are_kept(tmp_path: Path, packed: Callable[[int], bytes]) -> None:
    for version in (1, 2, 9, 10, 11):
        keep(tmp_path, packed(version))
    assert version_of(generations(tmp_path)) == 11
    assert len(list(tmp_path.glob("*.bundle"))) == 3


@pytest.mark.parametrize("damage", ["cut", "empty", "flipped", "foreign"])
def test_a_damaged_generation_is_set_aside_and_the_next_one_decides(
    tmp_path: Path, packed: Callable[[int], bytes], damage: str
) -> None:
    for version in (1, 2):
        keep(tmp_path, packed(version))
    newest = max(tmp_path.glob("*.bundle"))
    content = newest.read_bytes()
    flipped = content[:-20] + bytes([content[-20] ^ 1]) + content[-19:]
    newest.write_bytes({"cut": content[:-5], "empty": b"", "flipped": flipped, "foreign": b"<html></html>"}[damage])
    found = generations(tmp_path)
    assert version_of(found) == 1
    assert newest.name in found.damaged[0]
    assert (tmp_path / "damaged" / newest.name).exists()
    assert version_of(generations(tmp_path)) == 1


def test_a_generation_signed_by_somebody_else_is_not_used(tmp_path: Path, packed: Callable[[int], bytes]) -> None:
    keep(tmp_path, packed(1))
    other = Generations(str(tmp_path), Trust(keys={"00" * 8: bytes(32)}), BundleLimits())
    assert next(other.good(), None) is None
    assert "unknown_key" in other.damaged[0]


def test_a_generation_torn_at_any_byte_never_decides(tmp_path: Path, packed: Callable[[int], bytes]) -> None:
    content = packed(7)
    for cut in range(0, len(content), 7):
        (tmp_path / "0000000007-aaaa.bundle").write_bytes(content[:cut])
        assert next(generations(tmp_path).good(), None) is None


def test_what_was_accepted_is_remembered_and_a_damaged_memory_is_none(tmp_path: Path) -> None:
    accepted = Accepted(41, "ab" * 32, 1_795_000_000.25)
    assert generations(tmp_path).accepted() is None
    generations(tmp_path).remember(accepted)
    assert generations(tmp_path).accepted() == accepted
    for content in (b"", b"[]", b'{"version": "x"}', b"\xff"):
        (tmp_path / "accepted.json").write_bytes(content)
        assert generations(tmp_path).accepted() is None


def test_an_empty_or_missing_folder_has_no_generation(tmp_path: Path) -> None:
    assert next(generations(tmp_path / "nothing").good(), None) is None
