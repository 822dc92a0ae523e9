"""Frames: a subset of MessagePack that any library can write and that is read without one."""

from collections.abc import Sequence
from typing import cast

import msgpack
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nearwise_rules import BundleRefused, Refusal, read_frame, write_frame
from nearwise_rules.bundle.framing import Frame, Part

PARTS = st.recursive(
    st.text(max_size=40) | st.binary(max_size=300) | st.integers(0, 2**64 - 1),
    lambda inner: st.lists(inner, max_size=5),
    max_leaves=10,
)
FRAMES = st.lists(PARTS, max_size=20)


def plain(frame: Frame) -> object:
    if isinstance(frame, memoryview):
        return bytes(frame)
    return [plain(part) for part in frame] if isinstance(frame, list) else frame


def refusal(data: bytes, **limits: int) -> Refusal:
    with pytest.raises(BundleRefused) as caught:
        read_frame(data, **limits)
    return caught.value.reason


@given(FRAMES)
def test_frames_are_the_messagepack_that_the_library_writes(frame: Sequence[Part]) -> None:
    assert write_frame(frame) == cast("bytes", msgpack.packb(frame))  # pyright: ignore[reportUnknownMemberType]
    assert plain(read_frame(write_frame(frame), max_parts=1000)) == frame


@pytest.mark.parametrize("size", [31, 32, 255, 256, 65535, 65536])
def test_lengths_take_the_shortest_form_at_every_border(size: int) -> None:
    frame: list[Part] = ["x" * size, b"x" * size, size, [1] * size]
    assert write_frame(frame) == cast("bytes", msgpack.packb(frame))  # pyright: ignore[reportUnknownMemberType]
    assert plain(read_frame(write_frame(frame), max_parts=size + 10)) == frame


@given(st.binary(max_size=60))
@example(b"\x91" * 100)
@example(b"\xdd\xff\xff\xff\xff")
@example(b"\x91\xc6\xff\xff\xff\xff")
@example(b"\x91\xa1\xff")
def test_hostile_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        frame = read_frame(data)
    except BundleRefused:
        return
    assert write_frame(frame) == data


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x01",
        b"\x91",
        b"\x90\x00",
        b"\x91\xc0",
        b"\x91\xcc\x05",
        b"\x91\xcd\x00\xff",
        b"\x91\xd9\x01x",
        b"\xdc\x00\x01\x01",
    ],
)
def test_what_is_cut_off_too_long_or_not_shortest_is_malformed(data: bytes) -> None:
    assert refusal(data) is Refusal.MALFORMED


def test_an_announced_length_is_checked_before_anything_is_made_of_it() -> None:
    assert refusal(b"\xdd\xff\xff\xff\xff" + b"\x01" * 64) is Refusal.TOO_LARGE
    assert refusal(write_frame([[1, 2, 3]]), max_parts=4) is Refusal.TOO_LARGE
    assert refusal(b"\x91" * 50) is Refusal.TOO_LARGE


@pytest.mark.parametrize("value", [-1, 2**64])
def test_numbers_out_of_range_cannot_be_written(value: int) -> None:
    with pytest.raises(ValueError, match="range"):
        write_frame([value])
