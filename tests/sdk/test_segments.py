"""Segment files: both kinds keep the same bytes; a full disk is an OSError when a segment is made."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from nearwise.outbox.frames import HEADER_BYTES, Header, pack_header
from nearwise.outbox.segments import MappedSegment, Segment, WrittenSegment, file_system_of, segment_maker

Maker = Callable[[str, int], Segment]
HEADER = Header("00" * 16, 3)
both_kinds = pytest.mark.parametrize("make", [MappedSegment, WrittenSegment])


@both_kinds
def test_a_frame_is_in_the_file_when_write_returns(make: Maker, tmp_path: Path) -> None:
    segment = make(str(tmp_path / "a.seg"), 4096)
    segment.begin(HEADER)
    assert segment.write(b"frame one")
    on_disk = (tmp_path / "a.seg").read_bytes()
    assert on_disk.startswith(pack_header(HEADER) + b"frame one")
    assert segment.read() == pack_header(HEADER) + b"frame one"
    segment.sync()
    segment.close()


@both_kinds
def test_all_of_a_segment_is_allocated_ahead_and_cut_when_it_is_closed(make: Maker, tmp_path: Path) -> None:
    segment = make(str(tmp_path / "a.seg"), 8192)
    assert (tmp_path / "a.seg").stat().st_size == 8192
    assert (tmp_path / "a.seg").stat().st_blocks * 512 >= 8192
    segment.begin(HEADER)
    segment.write(b"x" * 100)
    segment.close()
    assert (tmp_path / "a.seg").stat().st_size == HEADER_BYTES + 100


@both_kinds
def test_a_frame_that_does_not_fit_leaves_the_segment_as_it_was(make: Maker, tmp_path: Path) -> None:
    segment = make(str(tmp_path / "a.seg"), 128)
    segment.begin(HEADER)
    assert segment.write(b"x" * (128 - HEADER_BYTES))
    assert not segment.write(b"y")
    assert segment.position == 128
    segment.close()


@both_kinds
def test_a_full_disk_is_an_error_that_leaves_no_file(
    make: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: int, offset: int, length: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match="No space left"):
        make(str(tmp_path / "a.seg"), 4096)
    assert list(tmp_path.iterdir()) == []


def test_where_nothing_can_be_allocated_ahead_frames_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(file: int, offset: int, length: int) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(os, "posix_fallocate", unsupported)
    segment = WrittenSegment(str(tmp_path / "a.seg"), 4096)
    segment.begin(HEADER)
    assert segment.write(b"frame")
    segment.close()


def test_a_refused_write_is_undone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    segment = WrittenSegment(str(tmp_path / "a.seg"), 4096)
    segment.begin(HEADER)
    segment.write(b"first")
    real = os.write

    def half(file: int, content: bytes) -> int:
        if len(content) < 6:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(file, content[:3])

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(OSError, match="No space left"):
        segment.write(b"second")
    monkeypatch.undo()
    segment.write(b"third")
    assert segment.read() == pack_header(HEADER) + b"firstthird"
    segment.close()


def test_mapping_is_only_chosen_on_file_systems_that_write_in_place(tmp_path: Path) -> None:
    in_place = file_system_of(str(tmp_path)) in {"ext4", "xfs", "tmpfs"}
    assert segment_maker(str(tmp_path)) is (MappedSegment if in_place else WrittenSegment)
    assert file_system_of(str(tmp_path / "nothing here")) == ""
