"""Audience filters: every member is in, strangers hardly ever, known strangers never; and bytes that are none."""

from __future__ import annotations

import json
import random
import sys
from array import array
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearwise_rules import AudienceFilter, BundleRefused, Refusal, build_filter
from nearwise_rules.audiences import read_key_list
from nearwise_rules.audiences.building import LISTED_KEYS
from nearwise_rules.audiences.filters import MAX_EXCEPTIONS, MAX_KEY_CHARACTERS, MAX_KEYS, Head
from nearwise_rules.audiences.fuse import Shape, fingerprints_of, shape_for
from nearwise_rules.bundle.hashing import sha256

VECTORS = json.loads((Path(__file__).parent / "vectors" / "audience.json").read_text(encoding="utf-8"))
KEYS = st.sets(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), max_size=40)
SIZES = st.integers(0, 4 * LISTED_KEYS)


def cards(count: int, name: str = "card") -> list[str]:
    return [f"{name}-{number}" for number in range(count)]


def refusal(data: bytes) -> Refusal:
    with pytest.raises(BundleRefused) as caught:
        AudienceFilter.from_bytes(data)
    return caught.value.reason


@pytest.fixture(scope="module")
def vip() -> AudienceFilter:
    return build_filter(cards(3 * LISTED_KEYS), known=cards(4_000, "known"), purposes=8)


@settings(max_examples=60, deadline=None)
@given(odd=KEYS, size=SIZES, without=KEYS)
def test_every_member_is_in_and_nobody_who_is_left_out(odd: set[str], size: int, without: set[str]) -> None:
    members = {*odd, *cards(size)} - without
    built = build_filter([*odd, *cards(size)], without=without)
    assert built.keys == len(members)
    assert all(map(built.holds, members))
    assert not any(map(built.holds, without))


@settings(max_examples=20, deadline=None)
@given(size=SIZES, strangers=st.integers(0, 3_000))
def test_the_answer_is_exact_for_known_subjects(size: int, strangers: int) -> None:
    built = build_filter(cards(size), known=[*cards(size // 2), *cards(strangers, "other")])
    assert all(map(built.holds, cards(size)))
    assert not any(map(built.holds, cards(strangers, "other")))


def test_one_stranger_in_256_is_admitted() -> None:
    built = build_filter(cards(100_000))
    admitted = sum(map(built.holds, cards(200_000, "stranger")))
    assert built.false_positives == 1 / 256
    assert abs(admitted / 200_000 - 1 / 256) < 5 * (1 / 256 / 200_000) ** 0.5
    assert built.size_bytes <= 1.2 * 100_000


def test_a_short_list_admits_no_stranger() -> None:
    built = build_filter(cards(LISTED_KEYS))
    assert (built.false_positives, built.size_bytes) == (0.0, 32 + 8 * LISTED_KEYS)
    assert not any(map(built.holds, cards(20_000, "stranger")))


def test_order_and_repetition_of_keys_change_nothing() -> None:
    keys = cards(2 * LISTED_KEYS)
    mixed = [*keys, *keys[:100]]
    random.Random(1).shuffle(mixed)
    built = build_filter(mixed, known=cards(500, "known"))
    assert built.to_bytes() == build_filter(keys, known=reversed_list(cards(500, "known"))).to_bytes()
    assert built.keys == len(keys)


def reversed_list(keys: list[str]) -> list[str]:
    return keys[::-1]


def test_a_filter_reads_back_as_it_was_written(vip: AudienceFilter) -> None:
    for built in (vip, build_filter([]), build_filter(["h-1"])):
        read = AudienceFilter.from_bytes(built.to_bytes())
        assert read.to_bytes() == built.to_bytes()
        assert (read.keys, read.exceptions, read.purposes) == (built.keys, built.exceptions, built.purposes)
        probes = [*cards(4_000), *cards(4_000, "known"), "h-1", ""]
        assert [*map(read.holds, probes)] == [*map(built.holds, probes)]


def test_a_filter_is_used_where_it_lies_in_a_larger_buffer(vip: AudienceFilter) -> None:
    buffer = b"x" * 13 + vip.to_bytes() + b"tail"
    read = AudienceFilter.from_bytes(memoryview(buffer)[13 : 13 + vip.size_bytes])
    assert all(map(read.holds, cards(3 * LISTED_KEYS)))


def test_purposes_change_and_nothing_else(vip: AudienceFilter) -> None:
    other = vip.with_purposes(4)
    assert (vip.purposes, other.purposes) == (8, 4)
    assert other.with_purposes(8).to_bytes() == vip.to_bytes()


def test_what_can_be_nobodys_key_is_in_no_audience(vip: AudienceFilter) -> None:
    assert not vip.holds("\ud800")
    assert not vip.holds("x" * (MAX_KEY_CHARACTERS + 1))


@pytest.mark.parametrize("key", ["\udfff", "x" * (MAX_KEY_CHARACTERS + 1)], ids=["half a pair", "too long"])
def test_a_key_that_cannot_be_looked_up_is_refused_when_building(key: str) -> None:
    with pytest.raises(ValueError, match=r"surrogates|at most 1,024 characters"):
        build_filter(["h-1", key])


def test_the_vectors_hold() -> None:
    listed, fuse = VECTORS["listed"], VECTORS["fuse"]
    assert build_filter(listed["keys"], purposes=listed["purposes"]).to_bytes().hex() == listed["filter"]
    keys = cards(fuse["members"])
    built = build_filter(keys, known=cards(fuse["known"], "known"))
    assert built.to_bytes()[:32].hex() == fuse["head"]
    assert sha256(built.to_bytes()).hexdigest() == fuse["sha256"]


def test_progress_goes_up_to_the_end() -> None:
    told: list[float] = []
    build_filter(cards(150_000), known=cards(70_000, "known"), progress=told.append)
    assert told == sorted(told)
    assert 0 < told[0] < 0.3
    assert 0.9 < told[-1] <= 1


def test_hashes_that_go_round_in_circles_have_no_filter() -> None:
    assert fingerprints_of([5, 5], shape_for(2), lambda _: None) is None


def test_a_machine_of_the_other_byte_order_reads_the_same(vip: AudienceFilter, monkeypatch: pytest.MonkeyPatch) -> None:
    exceptions = array("Q", vip.to_bytes()[32 : 32 + 8 * vip.exceptions])
    assert len(exceptions) > 5
    exceptions.byteswap()
    other = "big" if sys.byteorder == "little" else "little"
    monkeypatch.setattr(sys, "byteorder", other)
    with pytest.raises(BundleRefused, match="not in order"):
        AudienceFilter.from_bytes(vip.to_bytes())  # this machine pretends to read the numbers the other way round
    AudienceFilter.from_bytes(vip.to_bytes()[:32] + exceptions.tobytes() + vip.to_bytes()[32 + len(exceptions) * 8 :])


def head(**changed: object) -> bytes:
    fields: dict[str, object] = {
        "fuse": True,
        "purposes": 0,
        "seed": 0,
        "keys": 1,
        "exceptions": 0,
        "shape": Shape(4, 1),
    }
    return Head(**{**fields, **changed}).to_bytes()  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", Refusal.MALFORMED),
        (b"NWAF", Refusal.MALFORMED),
        (b"NWAX" + head()[4:] + bytes(12), Refusal.MALFORMED),
        (b"NWAF\2" + head()[5:] + bytes(12), Refusal.UNSUPPORTED_FORMAT),
        (b"NWAF\1\2" + head()[6:] + bytes(12), Refusal.MALFORMED),
        (head() + bytes(11), Refusal.MALFORMED),
        (head() + bytes(13), Refusal.MALFORMED),
        (head(keys=13) + bytes(12), Refusal.MALFORMED),
        (head(shape=Shape(3, 1)) + bytes(9), Refusal.MALFORMED),
        (head(shape=Shape(0, 1)), Refusal.MALFORMED),
        (head(shape=Shape(4, 0)) + bytes(8), Refusal.MALFORMED),
        (head(shape=Shape(1 << 19, 1)) + bytes(3 << 19), Refusal.MALFORMED),
        (head(keys=MAX_KEYS + 1), Refusal.TOO_LARGE),
        (head(exceptions=MAX_EXCEPTIONS + 1), Refusal.TOO_LARGE),
        (head(exceptions=2) + bytes(16 + 12), Refusal.MALFORMED),
        (head(fuse=False, shape=Shape(0, 0), keys=2) + bytes(16), Refusal.MALFORMED),
        (head(fuse=False, shape=Shape(0, 0), exceptions=1, keys=0) + bytes(8), Refusal.MALFORMED),
        (head(fuse=False, shape=Shape(4, 1), keys=0) + bytes(12), Refusal.MALFORMED),
    ],
)
def test_bytes_that_are_no_filter_are_refused(data: bytes, reason: Refusal) -> None:
    assert refusal(data) is reason


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_damaged_filters_are_refused_or_answer(vip: AudienceFilter, data: st.DataObject) -> None:
    damaged = bytearray(vip.to_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.one_of(st.integers(0, 40), st.integers(0, len(damaged) - 1)))] = data.draw(
            st.integers(0, 255)
        )
    try:
        read = AudienceFilter.from_bytes(bytes(damaged[: data.draw(st.integers(len(damaged) - 2, len(damaged)))]))
    except BundleRefused:
        return
    assert read.holds("card-1") in (True, False)


@given(st.binary(max_size=80))
def test_any_bytes_are_refused_or_answer(data: bytes) -> None:
    try:
        assert AudienceFilter.from_bytes(b"NWAF\1" + data).holds("card-1") in (True, False)
    except BundleRefused:
        return


def test_a_list_is_a_key_a_line_without_comments() -> None:
    read = read_key_list("\ufeff# customers\nh-1\r\n\n  h-2  \n#h-3\nh#4\nh-1")
    assert read == (["h-1", "h-2", "h#4", "h-1"], ())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("# nobody\n\n", [(0, "empty_audience")]),
        ("h-1\n" + "x" * 1_025 + "\n# " + "x" * 2_000, [(2, "key_too_long")]),
        ("h-1\nh\udcff2", [(2, "encoding")]),
        ("h\0-\x001", [(1, "encoding")]),
        (("x" * 1_025 + "\n") * 30, [*((line, "key_too_long") for line in range(1, 21)), (0, "too_many_problems")]),
    ],
)
def test_what_is_wrong_with_a_list_is_told_with_its_line(text: str, found: list[tuple[int, str]]) -> None:
    assert [(problem.line, problem.code) for problem in read_key_list(text).problems] == found
