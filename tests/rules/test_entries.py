"""Entries, their digests, and the root hash over them."""

import json
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearwise_rules import DocumentError, Entry, canonical_json, root_hash
from nearwise_rules.bundle import Contents
from nearwise_rules.bundle.entries import is_key, is_kind

VECTORS = Path(__file__).parent / "vectors"
KINDS = st.sampled_from(["flag", "segment", "case-2"])
KEYS = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20)
ENTRIES = st.lists(
    st.builds(Entry, KINDS, KEYS, st.binary(min_size=1, max_size=30)), unique_by=lambda entry: (entry.kind, entry.key)
)


@pytest.mark.parametrize("document", json.loads((VECTORS / "canonical.json").read_text())["documents"])
def test_the_vectors_of_canonical_json_hold(document: dict[str, str]) -> None:
    assert canonical_json(document["value"]) == document["text"].encode()
    assert Entry.of("flag", "a", document["value"]).digest == document["sha256"]


def test_the_vector_of_the_root_hash_holds() -> None:
    vector = json.loads((VECTORS / "root.json").read_text())
    entries = [Entry(row["kind"], row["key"], row["body"].encode()) for row in vector["entries"]]
    assert [entry.digest for entry in entries] == [row["sha256"] for row in vector["entries"]]
    assert sha256(vector["lines"].encode()).hexdigest() == vector["root"]
    assert root_hash((entry.kind, entry.key, entry.digest) for entry in reversed(entries)) == vector["root"]


@given(ENTRIES)
def test_contents_have_the_same_root_in_whatever_order_entries_come(entries: list[Entry]) -> None:
    shuffled = sorted(entries, key=lambda entry: entry.digest)
    contents = Contents.of(shuffled)
    assert contents.root == root_hash((entry.kind, entry.key, entry.digest) for entry in entries)
    assert len(contents) == len(entries)
    assert contents.size_bytes == sum(len(entry.body) for entry in entries)
    for entry in entries:
        number = contents.number(entry.kind, entry.key)
        assert number is not None
        assert contents.body(number) == entry.body
        assert contents.digest(number).hex() == entry.digest


@pytest.mark.parametrize("kind", ["", "Flag", "a b", "é", "x" * 33, "a/b", "a\n"])
def test_kinds_are_short_plain_words(kind: str) -> None:
    assert not is_kind(kind)


@pytest.mark.parametrize("key", ["", "a\nb", "\x00", "\x7f", "\ud800", "é" * 129, "x" * 257])
def test_keys_are_text_without_control_characters(key: str) -> None:
    assert not is_key(key)


@pytest.mark.parametrize("key", ["checkout-offer", "cases/regulars.yaml#3", "zażółć", " ", "é" * 128, "\u00a0"])
def test_keys_may_otherwise_be_anything(key: str) -> None:
    assert is_key(key)


def test_every_bad_or_repeated_name_is_reported() -> None:
    entries = [Entry("flag", "a", b"1"), Entry("flag", "a", b"2"), Entry("Flag", "", b"1"), Entry("flag", "b", b"")]
    with pytest.raises(DocumentError) as caught:
        Contents.of(entries)
    codes = sorted(problem.code for problem in caught.value.problems)
    assert codes == ["bad_key", "bad_kind", "empty_entry", "repeated_entry"]
