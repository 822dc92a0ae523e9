"""History from waiting events: what a crash took is recorded again, once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from nearwise.history import HistoryLimits, HistoryStore, Waiting, rebuild
from nearwise_rules import ANONYMOUS, DEVICE, HistoryPlan, Need, parse_window, purposes_mask, series_key

NOON = 1_795_604_400.0
EVER = parse_window("ever")
PROFILE = purposes_mask(["profile"])
PLAN = HistoryPlan(
    [
        Need("purchase", ("category",), mask=PROFILE),
        Need("purchase", (), "value"),
        Need("exposure", ("offer",)),
        Need("exposure", ("tag",)),
        Need("exposure", ("offer",), None, "device"),
    ]
)


def purchase(at: float = NOON, **members: object) -> dict[str, object]:
    return {
        "type": "track", "at": int(at * 1000), "name": "purchase", "subject": "h-1", "value": 3.5,
        "properties": {"category": "TEA"}, **members,
    }  # fmt: skip


def exposure(**members: object) -> dict[str, object]:
    return {
        "type": "exposure", "at": int(NOON * 1000), "flag": "hero", "variant": "by_value", "subject": "h-1",
        "offer": "coffee-10", **members,
    }  # fmt: skip


def waiting(*events: Mapping[str, object], epoch: str = "e", first: int = 0) -> list[Waiting]:
    return [Waiting(epoch, sequence, event) for sequence, event in enumerate(events, first)]


def in_memory() -> HistoryStore:
    return HistoryStore(None, HistoryLimits(), lambda: NOON)


def keys(history: HistoryStore, owner: str) -> dict[tuple[str, str], int]:
    return {(event, key): series.number for event, key, series in history.recall(owner).all_series()}


def test_waiting_events_are_recorded_as_the_plan_wants_them() -> None:
    history = in_memory()
    events = waiting(purchase(granted=PROFILE), exposure(), {"type": "summary", "at": 5}, purchase(name="refund"))
    assert rebuild(history, events, PLAN, lambda offer: ("coffee", offer)) == 3
    assert keys(history, "h-1") == {
        ("purchase", series_key({"category": "TEA"})): 1,
        ("purchase", "\x1d+value\x1f"): 1,
        ("exposure", series_key({"offer": "coffee-10"})): 1,
        ("exposure", series_key({"tag": "coffee"})): 1,
        ("exposure", series_key({"tag": "coffee-10"})): 1,
    }
    assert history.recall("h-1").last("purchase", series_key({"category": "TEA"})) == NOON
    assert keys(history, DEVICE) == {("exposure", series_key({"offer": "coffee-10"})): 1}


def test_what_the_subject_did_not_consent_to_is_not_recorded() -> None:
    history = in_memory()
    rebuild(history, waiting(purchase()), PLAN)
    assert list(keys(history, "h-1")) == [("purchase", "\x1d+value\x1f")]


def test_whoever_nobody_named_is_not_recorded_again_but_the_device_is() -> None:
    history = in_memory()
    rebuild(history, waiting(exposure(subject=None)), PLAN)
    assert keys(history, ANONYMOUS) == {}
    assert keys(history, DEVICE) == {("exposure", series_key({"offer": "coffee-10"})): 1}


def test_events_that_cannot_be_read_are_left_alone() -> None:
    history = in_memory()
    odd: list[dict[str, object]] = [{}, {"type": "track"}, purchase(at=0, properties=5, value="x", subject=7)]
    assert rebuild(history, waiting(*odd), PLAN) == 1


def test_only_what_came_after_the_last_commit_is_recorded_again(tmp_path: Path) -> None:
    path = str(tmp_path / "history.db")
    events = waiting(purchase(), purchase(), purchase(), epoch="old") + waiting(*[purchase()] * 5, epoch="e")
    history = HistoryStore(path, HistoryLimits(), lambda: NOON)
    assert rebuild(history, events[:6], PLAN) == 6
    history.commit()
    rebuild(history, events[6:7], PLAN)  # a crash before the next commit
    again = HistoryStore(path, HistoryLimits(), lambda: NOON)
    assert again.marked == ("e", 2)
    assert rebuild(again, events, PLAN) == 2
    assert keys(again, "h-1") == {("purchase", "\x1d+value\x1f"): 8}
    again.close()
    last = HistoryStore(path, HistoryLimits(), lambda: NOON)
    assert rebuild(last, events, PLAN) == 0
    assert keys(last, "h-1") == {("purchase", "\x1d+value\x1f"): 8}
    history.close()


def test_after_a_damaged_file_everything_that_waits_is_recorded_again(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    path.write_bytes(b"damaged" * 1000)
    history = HistoryStore(str(path), HistoryLimits(), lambda: NOON)
    assert rebuild(history, waiting(*[purchase()] * 4), PLAN) == 4
    assert history.recall("h-1").total("purchase", "\x1d+value\x1f", EVER, NOON) == 14.0
    history.close()
