"""Whole files are their owner's to read; in small records what is damaged anywhere is not believed."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from nearwise.files import pack_record, read_record, write_whole


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX modes")
def test_a_whole_file_is_its_owners_to_read_before_and_after_it_is_replaced(tmp_path: Path) -> None:
    for content in (b"one", b"two"):
        write_whole(str(tmp_path / "file"), content, durable=True)
        assert (tmp_path / "file").read_bytes() == content
        assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600


def test_a_record_reads_back() -> None:
    fields = {"version": 41, "time": 1_795_000_000.25, "done": {"ab": 20}, "sealed": None}
    assert read_record(pack_record(fields)) == fields


def test_no_changed_or_missing_byte_passes_for_another_record() -> None:
    packed = pack_record({"version": 41, "done": {"ab": 20}})
    for index in range(len(packed)):
        for damaged in (packed[:index], packed[:index] + b"9" + packed[index + 1 :]):
            if damaged != packed:
                with pytest.raises(ValueError):
                    read_record(damaged)


@pytest.mark.parametrize("content", [None, b"", b"null", b"[]", b"{}", b'{"check": null}', b"[" * 60_000])
def test_what_is_no_record_is_refused(content: bytes | None) -> None:
    with pytest.raises(ValueError):
        read_record(content)
