"""flagd's operators answer as openfeature-flagd-core does, in both generations of its hash.

2.0.0 is asked here; the answers of 1.0.0 are in vectors/flagd-1.0.0.json. `flagd_cases` compares 100,000 and more.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from nearwise_rules.logic.bucketing import Bucketing
from tests.rules.flagd_cases import NULL_IN_CAT, Case, answers_in_process, cases, compare

VECTORS = Path(__file__).parent / "vectors" / "flagd-1.0.0.json"
SAMPLE = 1_500


@pytest.fixture(autouse=True)
def quiet_oracle() -> Iterator[None]:
    """The oracle logs every operand that it cannot use."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def test_the_second_release_answers_the_same_with_cbor_buckets() -> None:
    counts, unexplained = compare(zip(cases(SAMPLE), answers_in_process(SAMPLE), strict=True), Bucketing.MURMUR3_CBOR)
    assert unexplained == []
    assert counts["same"] > 1.9 * SAMPLE


def test_the_first_release_answered_the_same_with_text_buckets() -> None:
    recorded = cast("list[tuple[Case, str]]", json.loads(VECTORS.read_text(encoding="utf-8")))
    counts, unexplained = compare(recorded, Bucketing.MURMUR3)
    assert unexplained == []
    assert counts["same"] > 1.9 * len(recorded)
    assert set(counts) <= {"same", NULL_IN_CAT}


def test_the_two_generations_put_subjects_into_different_buckets() -> None:
    asked = list(zip(cases(SAMPLE), answers_in_process(SAMPLE), strict=True))
    _, unexplained = compare(asked, Bucketing.MURMUR3)
    assert len(unexplained) > SAMPLE / 10
