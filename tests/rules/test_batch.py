"""Sealed batches: a bad event is rejected alone, a bad batch as a whole."""

import json
import zlib
from pathlib import Path
from typing import cast

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearwise_rules import (
    BatchLimits,
    BundleRefused,
    Event,
    OpenBatch,
    Refusal,
    Rejected,
    SealedBatch,
    decode_batch,
    encode_batch,
    open_batch,
)

DEVICE, EPOCH = "till-07", "0123456789abcdef" * 2
TRACK = {"type": "track", "at": 1763779200000, "name": "redemption"}
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=5)
    | st.binary(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3) | st.integers(0, 9), inner, max_size=3)
    ),
    max_leaves=8,
)


def packed(value: object) -> bytes:
    return cast("bytes", msgpack.packb(value))  # pyright: ignore[reportUnknownMemberType]


def sent(*events: object, limits: BatchLimits | None = None) -> tuple[Event | Rejected, ...]:
    return decode_batch(encode_batch(DEVICE, EPOCH, 5, [packed(event) for event in events]), limits).events


def reason(event: object) -> str:
    (verdict,) = sent(event)
    assert isinstance(verdict, Rejected)
    return verdict.reason


def refusal(data: bytes, limits: BatchLimits | None = None) -> Refusal:
    with pytest.raises(BundleRefused) as caught:
        decode_batch(data, limits)
    return caught.value.reason


def parts(**members: object) -> bytes:
    good: dict[str, object] = {"v": 1, "device": DEVICE, "epoch": EPOCH, "first": 0, "events": []}
    return zlib.compress(packed({name: value for name, value in (good | members).items() if value is not ...}))


def test_the_vector_of_the_batch_holds() -> None:
    vector = json.loads((Path(__file__).parent / "vectors" / "batch.json").read_text())
    events = [bytes.fromhex(event) for event in vector["events"]]
    batch = encode_batch(vector["device"], vector["epoch"], vector["first"], events)
    assert zlib.decompress(batch).hex() == vector["packed"]
    received = decode_batch(bytes.fromhex(vector["batch"]))
    assert (received.device, received.epoch, received.first) == (vector["device"], vector["epoch"], vector["first"])
    for verdict, expected in zip(received.events, vector["decoded"], strict=True):
        assert received.first + verdict.index == expected["sequence"]
        if isinstance(verdict, Rejected):
            assert verdict.reason == expected["rejected"]
        else:
            common = {"type": verdict.type, "at": verdict.at, "subject": verdict.subject, "bundle": verdict.bundle}
            given_members = {name: value for name, value in common.items() if value is not None}
            assert given_members | {**verdict.fields} == expected["event"]


@given(st.lists(st.binary(max_size=20), max_size=10), st.integers(0, 2**40))
def test_equal_events_give_equal_bytes_and_come_back_in_order(events: list[bytes], first: int) -> None:
    batch = encode_batch(DEVICE, EPOCH, first, events)
    assert batch == encode_batch(DEVICE, EPOCH, first, tuple(events))
    received = decode_batch(batch)
    assert received == SealedBatch(DEVICE, EPOCH, first, received.events)
    assert [event.index for event in received.events] == list(range(len(events)))


def test_an_event_is_divided_into_what_all_have_and_the_rest() -> None:
    event = TRACK | {"subject": "household-1", "bundle": 41, "properties": {"offer": "coffee"}, "later": [1]}
    (received,) = sent(event)
    assert isinstance(received, Event)
    assert received.members == event
    assert received == Event(
        0,
        "track",
        1763779200000,
        "household-1",
        41,
        {"name": "redemption", "properties": {"offer": "coffee"}, "later": [1]},
    )


@pytest.mark.parametrize(
    "event",
    [
        {"type": "exposure", "at": 0, "flag": "f", "reason": "DEFAULT"},
        {"type": "exposure", "at": 0, "flag": "f", "variant": None, "reason": "SPLIT", "id": "x", "propensity": 0.25},
        {"type": "track", "at": 0, "name": "x", "value": 1},
        {"type": "track", "at": 0, "name": "x", "value": -1.5, "properties": {}},
        {"type": "summary", "at": 5, "flag": "f", "variant": "on", "count": 7, "from": 0},
        {"type": "loss", "at": 0, "first": 1, "last": 2, "count": 2, "why": "full"},
        {"type": "status", "at": 0, "anything": {"is": ["kept"]}},
        {"type": "exposure", "at": 0, "flag": "hero", "reason": "STATIC", "offer": "tea", "position": 0, "new": True},
        {"type": "exposure", "at": 0, "flag": "hero", "reason": "STATIC", "granted": 0b111},
        {"type": "track", "at": 0, "name": "x", "granted": 1},
        {"type": "consent", "at": 0, "granted": 0},
        {"type": "consent", "at": 0, "subject": "s", "granted": 3, "policy": "2026-10", "gpc": False},
        {"type": "erasure", "at": 0, "id": "e-1", "digest": "0f" * 32},
        {"type": "trigger", "at": 0, "trigger": "cart", "id": "t 1", "payload": {"total": 5}, "channel": "mail"},
        {"type": "trigger", "at": 0, "subject": "s", "trigger": "cart", "id": "1"},
        {"type": "decision", "at": 0, "record": {"flag": "f"}},
        {"type": "join", "at": 0, "subject": "s", "anonymous": "a"},
    ],
)
def test_events_of_every_type_are_taken(event: dict[str, object]) -> None:
    (received,) = sent(event)
    assert isinstance(received, Event)


BAD_EVENTS: list[tuple[object, str]] = [
    (None, "no event"),
    (5, "not a MessagePack map"),
    ([], "not a MessagePack map"),
    ({}, "unknown type"),
    (TRACK | {"type": "other"}, "unknown type"),
    (TRACK | {"type": 5}, "unknown type"),
    ({"type": "track", "name": "x"}, "at is missing"),
    (TRACK | {"at": -1}, "at is not"),
    (TRACK | {"at": 1.5}, "at is not"),
    (TRACK | {"at": True}, "at is not"),
    (TRACK | {"at": 2**60}, "at is not"),
    (TRACK | {"name": ""}, "name is not"),
    (TRACK | {"name": "x" * 1025}, "name is not"),
    (TRACK | {"subject": 5}, "subject is not"),
    (TRACK | {"bundle": -1}, "bundle is not"),
    (TRACK | {"value": "1"}, "value is not a number"),
    (TRACK | {"value": True}, "value is not a number"),
    (TRACK | {"properties": []}, "properties is not a map"),
    (TRACK | {"value": float("nan")}, "nan is not"),
    (TRACK | {"later": [float("inf")]}, "inf is not"),
    (TRACK | {"later": b"x"}, "a bytes is not"),
    (TRACK | {"later": {1: 2}}, "not a MessagePack map"),
    (TRACK | {"later": {b"x": 2}}, "key that is not text"),
    (TRACK | {"later": msgpack.Timestamp(1)}, "not a MessagePack map"),
    (TRACK | {"later": msgpack.ExtType(5, b"")}, "a ExtType is not"),
    ({1: 2}, "not a MessagePack map"),
    ({"type": "exposure", "at": 0, "flag": "f", "reason": "SPLIT", "propensity": 1.5}, "propensity is not"),
    ({"type": "exposure", "at": 0, "flag": "f", "reason": "SPLIT", "position": -1}, "position is not"),
    ({"type": "exposure", "at": 0, "flag": "f", "reason": "SPLIT", "new": 1}, "new is not true or false"),
    (TRACK | {"granted": -1}, "granted is not"),
    ({"type": "consent", "at": 0}, "granted is missing"),
    ({"type": "erasure", "at": 0, "id": "a/b", "digest": "0f" * 32}, "id is not 1..128 of"),
    ({"type": "erasure", "at": 0, "id": "", "digest": "0f" * 32}, "id is not"),
    ({"type": "erasure", "at": 0, "id": "e", "digest": "0F" * 32}, "digest is not 64 hex digits"),
    ({"type": "erasure", "at": 0, "id": "e"}, "digest is missing"),
    ({"type": "trigger", "at": 0, "id": "1"}, "trigger is missing"),
    ({"type": "decision", "at": 0, "record": []}, "record is not a map"),
    ({"type": "join", "at": 0, "anonymous": "a"}, "subject is missing"),
    ({"type": "join", "at": 0, "subject": "", "anonymous": "a"}, "subject is not"),
    ({"type": "join", "at": 0, "subject": "s"}, "anonymous is missing"),
]


@pytest.mark.parametrize(("event", "expected"), BAD_EVENTS)
def test_a_bad_event_is_rejected_with_its_reason(event: object, expected: str) -> None:
    assert expected in reason(event)


def test_a_bad_event_harms_no_other() -> None:
    events = [packed(TRACK), b"\xc1", packed(TRACK)[:-1], b"", packed(TRACK) + b"\x00", b"\x81" * 5000, packed(TRACK)]
    received = decode_batch(encode_batch(DEVICE, EPOCH, 0, events)).events
    assert [isinstance(event, Event) for event in received] == [True, False, False, False, False, False, True]


def test_nesting_and_size_of_an_event_have_limits() -> None:
    deep: object = 1
    for _ in range(20):
        deep = [deep]
    limits = BatchLimits(max_event_depth=22, max_event_bytes=100)
    assert "nested deeper than 16" in reason(TRACK | {"later": deep})
    assert isinstance(sent(TRACK | {"later": deep}, limits=limits)[0], Event)
    (verdict,) = sent(TRACK | {"later": "x" * 100}, limits=limits)
    assert isinstance(verdict, Rejected)
    assert "at most 100" in verdict.reason


@given(st.dictionaries(st.sampled_from([*TRACK, "subject", "value", "x"]), VALUES), VALUES)
def test_events_of_any_shape_get_a_verdict(event: dict[str, object], other: object) -> None:
    assert len(sent(event, TRACK | event, other)) == 3


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_hostile_bytes_are_refused(data: bytes, packed_data: bytes) -> None:
    assert refusal(data) is Refusal.MALFORMED
    assert refusal(zlib.compress(packed_data)) in (Refusal.MALFORMED, Refusal.TOO_LARGE)


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_changed_batch_is_decoded_or_refused(place: int, change: int) -> None:
    good = bytearray(zlib.decompress(encode_batch(DEVICE, EPOCH, 5, [packed(TRACK)] * 3)))
    good[place % len(good)] ^= change
    try:
        received = decode_batch(zlib.compress(bytes(good)))
    except BundleRefused:
        return
    assert len(received.events) <= 3


@pytest.mark.parametrize(
    "data",
    [
        parts(v=None),
        parts(v="1"),
        parts(v=...),
        parts(extra=1),
        parts(device=""),
        parts(device="a b"),
        parts(device="é"),
        parts(device="x" * 129),
        parts(device=5),
        parts(epoch="0" * 31),
        parts(epoch="G" * 32),
        parts(first=-1),
        parts(first=2**53),
        parts(first=True),
        parts(events=5),
        parts(events={}),
        parts()[:-1],
        parts() + b"x",
        zlib.compress(packed([])),
        zlib.compress(zlib.decompress(parts()) + b"\x00"),
        zlib.compress(b"\x82\xa1v\x01\xa1v\x01"),
        zlib.compress(b"\xdf\xff\xff\xff\xff"),
        zlib.compress(b"\x81\xa6events\xdd\x00\x00\x00\x05"),
        zlib.compress(b"\x81\xa6device\xdb\xff\xff\xff\xff"),
        zlib.compress(b"\x81\xa5first" + b"\x91" * 100_000),
    ],
)
def test_a_batch_of_another_shape_is_malformed(data: bytes) -> None:
    assert refusal(data) is Refusal.MALFORMED


def test_a_later_format_is_told_apart_from_damage() -> None:
    assert refusal(parts(v=2)) is Refusal.UNSUPPORTED_FORMAT


def test_members_may_come_in_any_order() -> None:
    members = {"events": [packed(TRACK)], "first": 7, "epoch": EPOCH, "device": DEVICE, "v": 1}
    assert decode_batch(zlib.compress(packed(members))).first == 7


@pytest.mark.parametrize(
    "limits",
    [BatchLimits(max_batch_bytes=50), BatchLimits(max_inflated_bytes=100), BatchLimits(max_events=2)],
)
def test_every_limit_is_kept(limits: BatchLimits) -> None:
    assert refusal(encode_batch(DEVICE, EPOCH, 0, [packed(TRACK)] * 3), limits) is Refusal.TOO_LARGE


def test_a_batch_that_inflates_without_end_is_stopped() -> None:
    assert refusal(zlib.compress(bytes(100_000_000), 9)) is Refusal.TOO_LARGE


@pytest.mark.parametrize(
    ("device", "epoch", "first"), [("", EPOCH, 0), ("a b", EPOCH, 0), (DEVICE, "x", 0), (DEVICE, EPOCH, -1)]
)
def test_a_batch_that_no_server_would_take_is_not_sealed(device: str, epoch: str, first: int) -> None:
    with pytest.raises(ValueError, match="has a"):
        encode_batch(device, epoch, first, [])


def test_a_batch_without_some_events_keeps_its_numbers_and_all_other_bytes() -> None:
    events = [packed(TRACK), packed(TRACK | {"value": 2}), b"\xc1", b"\x81\xa1x\xd1\x00\x01"]  # not the shortest 1
    sealed = encode_batch(DEVICE, EPOCH, 5, events)
    rest = open_batch(open_batch(sealed).without({1}))
    assert rest == OpenBatch(DEVICE, EPOCH, 5, (events[0], b"\xc0", events[2], events[3]))
    assert open_batch(sealed).without(()) == sealed


def test_an_open_batch_shows_the_members_of_events_that_no_server_takes() -> None:
    bad = TRACK | {"at": "yesterday", "subject": "household-1"}
    batch = open_batch(encode_batch(DEVICE, EPOCH, 5, [packed(bad), packed([1]), b"\xc1"]))
    assert batch.members() == (bad, None, None)


def test_an_event_that_is_no_byte_string_is_no_event_when_sealed_again() -> None:
    batch = open_batch(parts(events=["text", packed(TRACK)]))
    assert batch.members() == (None, TRACK)
    assert open_batch(batch.without(())).payloads == (b"\xc0", packed(TRACK))
