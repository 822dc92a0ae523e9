"""Placements in the SDK: shown items feed the history, and caps hold over restarts and clock jumps."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgpack import unpackb  # pyright: ignore[reportUnknownVariableType]

from nearwise import Client, Settings
from nearwise.decisions import Item
from nearwise.testing import client_from
from nearwise.testing.rule_sets import packed_bundle, signer
from nearwise_rules import Release, public_key_text
from tests.sdk.conftest import until

DAY = 86_400.0
OFFERS: dict[str, Any] = {
    "dear": {"content": {"title": "Dear"}, "tags": ["t"], "value": 3, "caps": [{"limit": 2, "window": "day"}]},
    "cheap": {"content": {"title": "Cheap"}, "tags": ["t"], "value": 1},
    "thanks": {"content": {"title": "Thank you"}},
}
SLOT: dict[str, Any] = {
    "candidates": {"tags": ["t"]},
    "policies": {"by_value": {"score": {"value": True}}},
    "fallback": ["thanks"],
}


def files(**offers: dict[str, Any]) -> dict[str, Any]:
    return {
        "nearwise.json": {"name": "shop"},
        **{f"offers/{key}.json": {**OFFERS[key], **offers.get(key, {})} for key in OFFERS},
        "placements/hero.json": SLOT,
        "placements/strip.json": {**SLOT, "size": 2},
    }


def test_items_are_iterated_shown_and_reported() -> None:
    with client_from(files()) as client:
        visit = client.context("h-1")
        decision = visit.decide("strip")
        assert [(item.key, item.value["title"]) for item in decision] == [("dear", "Dear"), ("cheap", "Cheap")]
        for item in decision:
            item.shown()
            item.shown()
        decision.items[0].clicked()
        decision.items[1].rejected()
        told = [
            (event["type"], event.get("offer") or event.get("name"), event.get("position")) for event in client.events
        ]
        assert told == [
            ("exposure", "dear", 0),
            ("exposure", "cheap", 1),
            ("track", "click", None),
            ("track", "rejection", None),
        ]
        exposure = client.events[0]
        assert (exposure["flag"], exposure["variant"], exposure["score"], exposure["subject"]) == (
            "strip",
            "by_value",
            3,
            "h-1",
        )


def test_a_shown_decision_reports_all_its_items() -> None:
    with client_from(files()) as client:
        decision = client.context("h-1").decide("strip")
        decision.shown()
        decision.shown()
        assert [event["offer"] for event in client.events] == ["dear", "cheap"]


def test_what_was_shown_counts_against_the_cap() -> None:
    with client_from(files()) as client:
        for _ in range(2):
            client.context("h-1").decide("hero").items[0].shown()
        assert client.context("h-1").decide("hero").keys == ["cheap"]
        assert client.context("h-2").decide("hero").keys == ["dear"]
        client.at(client.now + DAY)
        assert client.context("h-1").decide("hero").keys == ["dear"]


def test_what_other_slots_decided_is_reserved_until_it_is_shown_or_stale() -> None:
    with client_from(files(dear={"caps": [{"limit": 1}]})) as client:
        visit = client.context("h-1")
        hero = visit.decide("hero")
        assert hero.keys == ["dear"]
        assert visit.decide("strip").keys == ["cheap"]
        assert visit.decide("hero").keys == ["dear"]
        client.at(client.now + 600)
        assert visit.decide("strip").keys == ["dear", "cheap"]


def test_several_placements_share_one_call() -> None:
    with client_from(files()) as client:
        hero, strip = client.context("h-1").decide_many(["hero", "strip"])
        assert (hero.keys, strip.keys) == (["dear"], ["cheap"])
        hero.items[0].shown()
        assert client.events[0]["offer"] == "dear"


def test_a_client_without_a_bundle_answers_with_nothing() -> None:
    with Client() as client:
        (decision,) = client.context("h-1").decide_many(["hero"])
        assert (list(decision), decision.value) == ([], None)


class Raced(list[object]):
    """Another thread is always a step ahead."""

    def append(self, item: object) -> None:
        super().append(object())
        super().append(item)


def test_of_two_threads_that_show_an_item_one_reports_it() -> None:
    with client_from(files()) as client:
        (item,) = client.context("h-1").decide("hero").items
        Item((*item[:4], Raced())).shown()
        assert client.events == []
        item.shown()
        item.shown()
        assert [event["type"] for event in client.events] == ["exposure"]


def test_purchases_feed_history_attributes() -> None:
    attribute = {
        "type": "integer",
        "source": "history",
        "purposes": ["profile"],
        "history": {"count": "purchase", "where": {"category": "COFFEE"}, "window": "28d", "per": "device"},
    }
    case = {
        **files(dear={"eligible": {">=": [{"var": "coffees"}, 2]}}),
        "nearwise.json": {"name": "shop", "consent": {"granted": ["profile"]}},
        "attributes.json": {"coffees": attribute},
    }
    with client_from(case) as client:
        visit = client.context("h-1")
        assert visit.decide("hero").keys == ["cheap"]
        for _ in range(2):
            visit.track("purchase", 3.5, category=["COFFEE", "MILK"])
        assert visit.decide("hero").keys == ["dear"]


@contextmanager
def till(folder: Path, clock: list[float]) -> Generator[Client]:
    seed = folder / "seed.bundle"
    if not seed.exists():
        seed.write_bytes(packed_bundle(files(dear={"caps": [{"limit": 2, "window": "1h", "per": "device"}]})))
    client = Client(
        storage=folder / "till",
        seed=seed,
        trust=public_key_text(signer().public_key),
        settings=Settings(clock=lambda: clock[0], device="till-1"),
    )
    with client:
        yield client


steps = st.lists(
    st.one_of(
        st.tuples(st.just("decide"), st.sampled_from(["h-1", "h-2"])),
        st.tuples(st.just("show"), st.integers(0, 3)),
        st.tuples(st.just("clock"), st.sampled_from([1.0, 600.0, 1800.0, 3601.0, -900.0, -3600.0])),
        st.tuples(st.just("restart"), st.none()),
    ),
    min_size=4,
    max_size=24,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
def test_no_interleaving_of_exposures_restarts_and_clock_jumps_exceeds_a_cap(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[tuple[str, Any]]
) -> None:
    folder, clock = tmp_path_factory.mktemp("till"), [1_795_420_800.0]
    shown: list[float] = []
    pending: list[Any] = []
    runs: list[list[tuple[str, Any]]] = [[]]
    for step in drawn:
        runs[-1].append(step)
        if step[0] == "restart":
            runs.append([])
    for run in runs:
        pending.clear()
        with till(folder, clock) as client:
            for action, argument in run:
                if action == "clock":
                    clock[0] += argument
                    pending.clear()  # a reservation ends after two minutes, and so does the screen that showed it
                elif action == "decide":
                    clock[0] += 0.5
                    pending += [item for item in client.context(argument).decide("hero") if item.key == "dear"]
                elif action == "show" and argument < len(pending):
                    item = pending.pop(argument)
                    item.shown()
            outbox = client._engine.outbox  # pyright: ignore[reportPrivateUsage]
            outbox.commit()
            events = [cast("dict[str, Any]", unpackb(payload)) for payload in outbox.waiting()]
            shown = [
                event["at"] / 1000 for event in events if event["type"] == "exposure" and event.get("offer") == "dear"
            ]
    for at in shown:
        assert sum(at - 3600 < other <= at for other in shown) <= 2


def test_exposures_of_one_offer_within_the_window_of_the_placement_are_one() -> None:
    case = {**files(), "placements/hero.json": {**SLOT, "dedupe": "1h"}}
    with client_from(case) as client:
        for _ in range(3):
            client.context("h-1").decide("hero").items[0].shown()
        assert len(client.events) == 1
        assert client.context("h-1").decide("hero").keys == ["dear"]
        client.at(client.now + 3600)
        client.context("h-1").decide("hero").items[0].shown()
        assert len(client.events) == 2


def test_a_client_plans_its_placements_before_it_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planned: list[str] = []
    prepare = Release.prepare

    def noting(release: Release) -> Iterator[str]:
        for key in prepare(release):
            planned.append(key)
            yield key

    monkeypatch.setattr(Release, "prepare", noting)
    with till(tmp_path, [1_795_420_800.0]):
        until(lambda: planned == ["cheap", "dear", "thanks", "hero", "strip"])


def test_a_lost_history_is_made_again_of_the_events_that_still_wait(tmp_path: Path) -> None:
    clock = [1_795_420_800.0]
    with till(tmp_path, clock) as client:
        for _ in range(2):
            client.context("h-1").decide("hero").items[0].shown()
    for file in (tmp_path / "till").glob("history.db*"):
        file.unlink()
    with till(tmp_path, clock) as client:
        assert client.context("h-1").decide("hero").keys == ["cheap"]
    with till(tmp_path, clock) as client:
        assert client.context("h-1").decide("hero").keys == ["cheap"]
        clock[0] += 3600
        assert client.context("h-1").decide("hero").keys == ["dear"]


def test_the_first_event_of_a_run_is_counted_once() -> None:
    case = {**files(dear={"caps": [{"limit": 2, "count": "sale"}]})}
    with client_from(case) as client:
        client.context("h-1").track("sale", offer="dear")
        assert client.context("h-1").decide("hero").keys == ["dear"]
        client.context("h-1").track("sale", offer="dear")
        assert client.context("h-1").decide("hero").keys == ["cheap"]


def test_the_same_offer_drawn_twice_in_one_place_is_one_exposure() -> None:
    with client_from(files()) as client:
        first, again = (client.context("h-1").decide("hero") for _ in range(2))
        first.shown()
        again.shown()
        assert len(client.events) == 1
        client.context("h-1").decide("hero").shown()
        assert len(client.events) == 2


def test_a_default_that_is_a_tuple_is_given_back_beside_placements() -> None:
    with client_from(files()) as client:
        default: Any = ("large", "small")
        decision = client.context("h-1").decide("sizes", default)
        assert (decision.value, decision.items) == (default, ())


class Broken:
    """A store of history that cannot be opened."""

    def __init__(self, *_: object) -> None:
        raise RuntimeError("no memory is left")


def test_a_decision_is_given_and_shown_whatever_happens_to_its_history(monkeypatch: pytest.MonkeyPatch) -> None:
    with client_from(files()) as client:
        remembering = client._engine.remembering  # pyright: ignore[reportPrivateUsage]
        monkeypatch.setattr(remembering, "_make", Broken)
        decision = client.context("h-1").decide("hero")
        decision.shown()
        assert decision.keys == ["thanks"]


def test_an_item_is_shown_once_and_reported_however_many_others_were_decided_since(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("nearwise.remembering._MOST_RESERVED", 4)
    with client_from(files()) as client:
        (first,) = client.context("h-1").decide("hero").items
        for number in range(8):
            client.context(f"h-{number + 2}").decide("hero")
        (again,) = client.context("h-9").decide("hero").items
        for item in (first, again):
            item.shown()
        assert [event["subject"] for event in client.events if event["type"] == "exposure"] == ["h-1", "h-9"]
