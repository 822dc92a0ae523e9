"""The bytes of a segment: what was written is found again, whatever happened to the rest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearwise.outbox.frames import HEADER_BYTES, Header, pack_frame, pack_header, read_header, scan

EPOCH = "00112233445566778899aabbccddeeff"
PAYLOADS = [b"first event", b"second", b"a third one that is longer than the others", b"4"]


def segment_of(payloads: list[bytes], base: int = 7) -> bytes:
    frames = b"".join(pack_frame(base + index, payload) for index, payload in enumerate(payloads))
    return pack_header(Header(EPOCH, base)) + frames


def payloads_in(segment: bytes, base: int = 7) -> list[bytes]:
    return [segment[frame.start : frame.end] for frame in scan(segment, base).frames]


def test_a_header_is_read_back_and_any_flipped_bit_is_noticed() -> None:
    header = pack_header(Header(EPOCH, 12))
    assert len(header) == HEADER_BYTES
    assert read_header(header) == Header(EPOCH, 12)
    for bit in range(36 * 8):
        flipped = bytearray(header)
        flipped[bit // 8] ^= 1 << bit % 8
        assert read_header(bytes(flipped)) is None


@given(st.lists(st.binary(min_size=1, max_size=200), max_size=20), st.integers(0, 1 << 40), st.integers(0, 500))
def test_frames_are_read_back_in_order_with_zeros_behind(payloads: list[bytes], base: int, zeros: int) -> None:
    found = scan(segment_of(payloads, base) + bytes(zeros), base)
    assert [frame.sequence for frame in found.frames] == list(range(base, base + len(payloads)))
    assert payloads_in(segment_of(payloads, base) + bytes(zeros), base) == payloads
    assert not found.damaged
    assert not found.torn


@pytest.mark.parametrize("rest", [b"", bytes(64), b"\xff" * 64], ids=["cut", "zeroed", "garbled"])
def test_a_tail_torn_at_any_byte_leaves_the_frames_before_it(rest: bytes) -> None:
    whole = segment_of(PAYLOADS)
    ends = [frame.end for frame in scan(whole, 7).frames]
    for cut in range(HEADER_BYTES, len(whole)):
        kept = sum(end <= cut for end in ends)
        assert payloads_in(whole[:cut] + rest) == PAYLOADS[:kept]


def test_every_flipped_bit_costs_one_event_at_most() -> None:
    whole = segment_of(PAYLOADS)
    for bit in range(HEADER_BYTES * 8, len(whole) * 8):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        found = payloads_in(bytes(flipped))
        if found == PAYLOADS:
            continue  # the upper half of a sequence is covered by its neighbours, not by the check sum
        assert len(found) == len(PAYLOADS) - 1
        assert set(found) < set(PAYLOADS)


def test_what_follows_a_damaged_middle_is_kept_and_the_damage_is_located() -> None:
    whole = segment_of(PAYLOADS)
    frames = scan(whole, 7).frames
    hole = bytearray(whole)
    hole[frames[0].end : frames[1].end] = b"\x55" * (frames[1].end - frames[0].end)
    found = scan(bytes(hole), 7)
    assert [frame.sequence for frame in found.frames] == [7, 9, 10]
    assert found.damaged == ((frames[0].end, frames[1].end),)
    assert not found.torn


def test_frames_are_found_without_a_header() -> None:
    whole = bytearray(segment_of(PAYLOADS))
    whole[:HEADER_BYTES] = bytes(HEADER_BYTES)
    assert read_header(bytes(whole)) is None
    assert [frame.sequence for frame in scan(bytes(whole), None).frames] == [7, 8, 9, 10]


@given(st.binary(max_size=300))
def test_garbage_is_never_an_event(garbage: bytes) -> None:
    found = scan(pack_header(Header(EPOCH, 0)) + garbage, 0)
    assert not found.frames
    assert found.torn == any(garbage)
