"""An exposure within the window of its flag after the same one is none, also after a restart."""

from __future__ import annotations

import pytest

from nearwise import Decision, StorageFailed
from nearwise.exposures import Exposures
from nearwise.repeats import Repeats
from nearwise.testing import client_from
from nearwise_rules import Calendar, Ledger, Outcome, Reason, series_key
from tests.sdk.conftest import Clock

SHOWN = {"flag": "menu", "variant": "a"}
NOON = 1_795_000_000.0  # 2026-11-18, 12:06:40 in Warsaw


class Remembered:
    """A history that records exposures as a device does."""

    def __init__(self) -> None:
        self.ledgers: dict[str, Ledger] = {}

    def recall(self, owner: str) -> Ledger:
        return self.ledgers.setdefault(owner, Ledger(Calendar()))

    def record(self, subject: str, at: float) -> None:
        self.recall(subject).add("exposure", [series_key(SHOWN)], at)


def test_what_was_shown_within_the_window_is_not_claimed_again() -> None:
    repeats = Repeats(lambda: "UTC")
    times = (0, 3599, 3600, 3601, 7199, 7200)
    claimed = [repeats.claim("h", SHOWN, "1h", NOON + each) for each in times]
    assert claimed == [True, False, True, False, False, True]


def test_other_subjects_variants_and_flags_are_no_repeats() -> None:
    repeats = Repeats(lambda: "UTC")
    unlike = ({"variant": "b"}, {"flag": "x"})
    others = [("h", SHOWN), ("i", SHOWN), (None, SHOWN), *(("h", {**SHOWN, **each}) for each in unlike)]
    assert [repeats.claim(subject, shown, "ever", NOON) for subject, shown in others] == [True] * 5
    assert [repeats.claim(subject, shown, "ever", NOON + 9e8) for subject, shown in others] == [False] * 5


def test_a_day_is_one_of_the_store() -> None:
    repeats = Repeats(lambda: "Europe/Warsaw")
    midnight = NOON + 12 * 3600 - 400
    times = (NOON, midnight - 1, midnight)
    assert [repeats.claim("h", SHOWN, "day", at) for at in times] == [True, False, True]


def test_a_clock_that_goes_back_repeats_nothing() -> None:
    repeats = Repeats(lambda: "UTC")
    assert [repeats.claim("h", SHOWN, "1h", NOON + each) for each in (0.0, -600.0)] == [True, False]


def test_after_a_restart_history_knows_what_was_shown() -> None:
    history = Remembered()
    history.record("h", NOON)
    repeats = Repeats(lambda: "UTC")
    repeats.history = history
    times = (600.0, 3000.0, 3601.0)
    assert [repeats.claim("h", SHOWN, "1h", NOON + each) for each in times] == [False, False, True]
    assert repeats.claim("i", SHOWN, "1h", NOON + 600)


def test_a_subject_can_be_forgotten() -> None:
    repeats = Repeats(lambda: "UTC")
    assert repeats.claim("h", SHOWN, "ever", NOON)
    assert repeats.claim("i", SHOWN, "ever", NOON)
    repeats.forget("h")
    assert [repeats.claim(subject, SHOWN, "ever", NOON) for subject in ("h", "i")] == [True, False]


def test_only_so_much_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nearwise.repeats._REMEMBERED", 2)
    repeats = Repeats(lambda: "UTC")
    claimed = [repeats.claim(subject, SHOWN, "ever", NOON) for subject in ("a", "b", "c", "b", "a")]
    assert claimed == [True, True, True, False, True]


class Disk:
    """Keeps payloads, or refuses them when it is full."""

    def __init__(self) -> None:
        self.kept: list[bytes] = []
        self.is_full = False

    def append(self, payload: bytes) -> int:
        if self.is_full:
            raise StorageFailed("full")
        self.kept.append(payload)
        return len(self.kept)


def decision(dedupe: str | None) -> Decision:
    outcome = Outcome("menu", Reason.SPLIT, variant="a", dedupe=dedupe)
    return Decision((outcome, "x", NOON, "h", (), None))


@pytest.mark.parametrize(("dedupe", "events"), [(None, 3), ("1h", 2), ("ever", 1)])
def test_exposures_are_recorded_once_in_a_window(dedupe: str | None, events: int, clock: Clock) -> None:
    disk = Disk()
    exposures = Exposures(disk.append, clock)
    for seconds in (0, 600, 3600):
        clock.now = NOON + seconds
        exposures.record(decision(dedupe))
    assert len(disk.kept) == events


def test_what_the_disk_refused_was_not_recorded(clock: Clock) -> None:
    disk = Disk()
    disk.is_full = True
    exposures = Exposures(disk.append, clock)
    exposures.record(decision("1h"))
    assert exposures.failed
    disk.is_full = False
    exposures.record(decision("1h"))
    assert len(disk.kept) == 1


def test_counted_exposures_are_counted_once_in_a_window() -> None:
    banner = {"type": "boolean", "variants": {"on": True}, "default": "on", "exposures": "summary", "dedupe": "day"}
    with client_from({"flags": {"banner": banner}}, now="2026-11-18T11:00") as client:
        for _ in range(3):
            client.context("h").decide("banner").shown()
        assert [event["count"] for event in client.events] == [1]
