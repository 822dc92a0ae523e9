"""Exposures: each, counted or none, as the flag says; a disk that refuses never reaches the caller."""

from __future__ import annotations

import pytest

from nearwise import Decision, StorageFailed
from nearwise.exposures import Exposures
from nearwise_rules import Outcome, Reason
from tests.sdk.conftest import unpacked


class Kept:
    """Keeps payloads, or refuses them."""

    def __init__(self) -> None:
        self.payloads: list[bytes] = []
        self.error: Exception | None = None

    def append(self, payload: bytes) -> int:
        if self.error is not None:
            raise self.error
        self.payloads.append(payload)
        return len(self.payloads)


def decision(mode: str, variant: str | None = "a", subject: object = "h-1") -> Decision:
    outcome = Outcome("menu", Reason.SPLIT, variant=variant, bundle_version=3, exposures=mode)
    return Decision((outcome, "x", 5.0, subject, (), None))


@pytest.mark.parametrize(("mode", "variant", "count"), [("each", "a", 1), ("none", "a", 0), ("each", None, 0)])
def test_a_flag_says_whether_its_exposures_are_recorded(mode: str, variant: str | None, count: int) -> None:
    kept = Kept()
    Exposures(kept.append, lambda: 10.0).record(decision(mode, variant))
    assert len(kept.payloads) == count


def test_counted_exposures_become_one_event_for_each_variant() -> None:
    kept, now = Kept(), [10.0]
    exposures = Exposures(kept.append, lambda: now[0])
    calls: list[int] = []
    exposures.wake = lambda: calls.append(1)
    for _ in range(100):
        exposures.record(decision("summary"))
    assert exposures.counting
    assert calls == [1]
    now[0] = 70.0
    exposures.flush()
    assert not exposures.counting
    assert [unpacked(payload) for payload in kept.payloads] == [
        {
            "type": "summary",
            "at": 70000,
            "from": 10000,
            "bundle": 3,
            "flag": "menu",
            "variant": "a",
            "count": 100,
        }
    ]


class Untold:
    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    ("error", "subject"), [(StorageFailed("full"), "h"), (OSError(28, "full"), "h"), (None, Untold())]
)
def test_whatever_goes_wrong_is_told_and_not_raised(error: Exception | None, subject: object) -> None:
    kept = Kept()
    kept.error = error
    exposures = Exposures(kept.append, lambda: 10.0)
    exposures.record(decision("each", subject=subject))
    assert exposures.failed
