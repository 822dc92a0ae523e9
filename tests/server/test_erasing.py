"""Which events a request to erase means: by sequence on the device that asks, by the clock elsewhere, in doubt more."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from nearwise_rules import encode_batch, erasure_digest, open_batch
from nearwise_server.erasing import asked_at, find_erased
from nearwise_server.store.erasures import Tombstone
from tests.server.conftest import packed

DAY = 86_400_000
ASKED = 100 * DAY
EPOCH, OTHER = "ab" * 16, "cd" * 16


@dataclass(frozen=True)
class Arrived:
    """Where and when a batch came from."""

    device: str = "till-2"
    epoch: str = EPOCH
    received_ms: int = ASKED + DAY
    sent_ms: int | None = None


def tombstone(subject: str = "anna", *, erasure: int = 1, by_letter: bool = False) -> Tombstone:
    return Tombstone(
        row=erasure,
        erasure=erasure,
        environment="production",
        digest=erasure_digest(subject),
        asked_ms=ASKED,
        device=None if by_letter else "till-1",
        epoch=None if by_letter else EPOCH,
        sequence=None if by_letter else 12,
        scanned_row=0,
    )


def erased(arrived: Arrived, *events: bytes, tombstones: tuple[Tombstone, ...] = (tombstone(),)) -> list[int]:
    """The indices that are erased of a batch whose first sequence number is 10."""
    batch = open_batch(encode_batch(arrived.device, arrived.epoch, 10, events))
    return sorted(find_erased(batch, arrived, tombstones).by_index)


def sale(at: int, subject: str | None = "anna") -> bytes:
    return packed(type="track", at=at, name="sale", subject=subject)


def test_the_device_that_asks_is_told_by_its_sequence_whatever_its_clock_says() -> None:
    events = [sale(at) for at in (ASKED + DAY, ASKED, 0, 0, ASKED - DAY)]
    assert erased(Arrived("till-1"), *events) == [0, 1, 2]
    assert erased(Arrived("till-1", received_ms=ASKED - DAY), *events) == [0, 1, 2]


def test_another_epoch_of_the_device_is_another_clock() -> None:
    assert erased(Arrived("till-1", epoch=OTHER), sale(ASKED), sale(ASKED + 1)) == [0]


def test_elsewhere_what_is_dated_before_the_request_is_erased() -> None:
    assert erased(Arrived(), sale(ASKED - 1), sale(ASKED), sale(ASKED + 1), sale(ASKED + DAY)) == [0, 1]


def test_what_the_server_had_when_the_request_was_made_is_erased_whatever_its_date() -> None:
    assert erased(Arrived(received_ms=ASKED), sale(ASKED + 5), sale(ASKED + DAY)) == [0, 1]


def test_a_clock_that_is_known_to_be_ahead_is_put_right() -> None:
    received = ASKED + DAY
    assert erased(Arrived(sent_ms=received + 1_000), sale(ASKED + 1_000), sale(ASKED + 1_001)) == [0]
    assert erased(Arrived(sent_ms=received - 1_000), sale(ASKED - 1_000), sale(ASKED - 999)) == [0]


def test_an_event_dated_long_after_its_arrival_is_erased() -> None:
    received = ASKED + DAY
    assert erased(Arrived(), sale(received + DAY), sale(received + DAY + 1)) == [1]


def test_an_event_without_a_date_is_erased() -> None:
    assert erased(Arrived(), packed(type="track", subject="anna"), packed(type="track", at="x", subject="anna")) == [
        0,
        1,
    ]


def test_only_events_that_name_the_subject_are_erased() -> None:
    token = f"s_{5:032x}"
    events = [
        sale(1, "ann"),
        sale(1, None),
        packed(type="track", at=1, name="anna", properties={"friend": "anna"}),
        packed(type="track", at=1, name="sale", subject="ben", properties={"friends": [{"of": token}]}),
        b"\xc0",
        b"no event",
    ]
    assert erased(Arrived(), *events, tombstones=(tombstone(), tombstone(token, erasure=2))) == [3]


def test_a_request_by_letter_goes_by_the_clock_everywhere() -> None:
    letter = (tombstone(by_letter=True),)
    assert erased(Arrived("till-1"), sale(ASKED + 1), sale(ASKED), tombstones=letter) == [1]


def test_every_request_that_means_an_event_is_told() -> None:
    batch = open_batch(encode_batch("till-2", EPOCH, 0, [sale(1), sale(1, "ben"), sale(1, "carl")]))
    graves = [tombstone(erasure=1), tombstone(erasure=2), tombstone("ben", erasure=3)]
    assert find_erased(batch, Arrived(), graves).by_index == {0: {1, 2}, 1: {3}}


def test_a_join_gives_the_anonymous_one_to_the_request_but_not_the_subject() -> None:
    join = packed(type="join", at=1, subject="anna", anonymous="a-1")
    late = packed(type="join", at=ASKED + 1, subject="anna", anonymous="a-2")
    track = packed(type="track", at=1, name="x", subject="anna", anonymous="a-3")
    batch = open_batch(encode_batch("till-2", EPOCH, 0, [join, late, track]))
    assert find_erased(batch, Arrived(), [tombstone()]).joined == {(1, erasure_digest("a-1"))}
    found = find_erased(batch, Arrived(), [tombstone("a-1")])
    assert (list(found.by_index), found.joined) == ([0], frozenset())


@pytest.mark.parametrize(
    ("at", "sent", "asked"),
    [
        (ASKED - 5, None, ASKED - 5),
        (ASKED + 5, None, ASKED),  # from the future: from its arrival on
        (ASKED - 30 * DAY, None, ASKED - 30 * DAY),
        (ASKED - 30 * DAY - 1, None, ASKED),
        (0, None, ASKED),
        (0, 5, ASKED - 5),  # a clock that is a century behind, and says so
        (ASKED + DAY, ASKED + DAY + 7, ASKED - 7),
    ],
)
def test_a_request_counts_from_when_it_was_made_as_far_as_that_can_be_known(
    at: int, sent: int | None, asked: int
) -> None:
    assert asked_at(at, ASKED, sent) == asked
