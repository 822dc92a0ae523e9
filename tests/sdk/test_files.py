"""Small records: what is damaged anywhere is not believed."""

from __future__ import annotations

import pytest

from nearwise.files import pack_record, read_record


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
