"""Payloads of events: what the server reads is what the app said."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearwise.errors import EventRefused
from nearwise.events import ExposureHead, encode_event, encode_loss
from nearwise_rules import Decision, Event, Outcome, Reason, decode_batch, encode_batch
from tests.sdk.conftest import unpacked

OUTCOME = Outcome(
    "offer", Reason.SPLIT, variant="coffee", rule="big", experiment="e1", propensity=0.25, bundle_version=41
)


class Size(Enum):
    LARGE = "large"


class Level(IntEnum):
    HIGH = 3


class Word(StrEnum):
    YES = "yes"


def as_the_server_reads(payload: bytes) -> object:
    batch = decode_batch(encode_batch("till", "00" * 16, 0, [payload]))
    return batch.events[0]


def exposure(now: float, subject: object, at: float = 1_795_000_000.5) -> bytes:
    return ExposureHead(OUTCOME).event(now, Decision((OUTCOME, "x", at, subject, (), None)))


SUBJECTS = st.one_of(st.none(), st.text(max_size=100), st.text(min_size=250, max_size=300), st.integers())


@given(SUBJECTS, st.floats(0, 4e9), st.floats(0, 6e9))
def test_an_exposure_put_together_from_parts_is_the_map_of_its_fields(subject: object, now: float, at: float) -> None:
    expected = {
        "type": "exposure",
        "flag": "offer",
        "variant": "coffee",
        "reason": "SPLIT",
        "bundle": 41,
        "rule": "big",
        "experiment": "e1",
        "propensity": 0.25,
        "at": int(now * 1000),
        "id": Decision((OUTCOME, "x", at, subject, (), None)).id,
    }
    if subject is not None:
        expected["subject"] = str(subject)
    assert unpacked(exposure(now, subject, at)) == expected


def test_the_server_takes_every_kind_of_event() -> None:
    track = encode_event({"type": "track", "at": 1, "name": "purchase", "value": 1.5, "properties": {"a": [1, "b"]}})
    summary = encode_event({"type": "summary", "at": 2, "from": 1, "flag": "f", "variant": "v", "count": 3})
    for payload in (track, summary, exposure(1.0, "h-1"), encode_loss(1, 0, 5, 6, "bound")):
        assert isinstance(as_the_server_reads(payload), Event)


def test_an_exposure_before_1970_is_put_at_its_beginning() -> None:
    assert unpacked(exposure(-5.0, None))["at"] == 0
    assert unpacked(exposure(-5.0, "h-1"))["at"] == 0


def test_a_subject_that_is_no_valid_text_is_still_recorded() -> None:
    assert unpacked(exposure(1.0, "a\ud800b"))["subject"] == "a?b"


def test_values_that_json_lacks_become_those_it_has() -> None:
    payload = encode_event(
        {
            "type": "track",
            "properties": {
                "when": datetime(2026, 11, 23, 8, 10, tzinfo=UTC),
                "day": date(2026, 11, 23),
                "price": Decimal("2.50"),
                "size": Size.LARGE,
                "level": Level.HIGH,
                "word": Word.YES,
                "tags": ("a", "b"),
                "none": None,
            },
        }
    )
    assert unpacked(payload)["properties"] == {
        "when": "2026-11-23T08:10:00+00:00",
        "day": "2026-11-23",
        "price": 2.5,
        "size": "large",
        "level": 3,
        "word": "yes",
        "tags": ["a", "b"],
        "none": None,
    }


def circle() -> dict[str, object]:
    loop: dict[str, object] = {}
    loop["self"] = loop
    return loop


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), object(), 1 << 70, circle(), Decimal("NaN"), "a\ud800"],
    ids=lambda v: type(v).__name__,
)
def test_a_value_that_cannot_be_carried_is_refused(value: object) -> None:
    with pytest.raises(EventRefused):
        encode_event({"type": "track", "properties": {"value": value}})


def test_a_refusal_names_the_property_and_the_type() -> None:
    with pytest.raises(EventRefused, match=r"^'till': an event cannot carry a value of type 'object'$"):
        encode_event({"type": "track", "properties": {"a": 1, "basket": {"till": [object()]}}})
    with pytest.raises(EventRefused, match=r"^'total': an event cannot carry nan$"):
        encode_event({"type": "track", "properties": {"total": float("nan")}})
