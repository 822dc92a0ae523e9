"""Ledgers against the plain list of what happened: exact where promised, never too low anywhere."""

from __future__ import annotations

from bisect import bisect_left
from datetime import datetime
from threading import Event, Thread
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearwise_rules import Assignment, Calendar, Ledger, LedgerLimits, Window, parse_window, series_key

ZONE = "Europe/Warsaw"
INFO = ZoneInfo(ZONE)
CALENDAR = Calendar(ZONE)
NOON = datetime(2026, 11, 25, 12, tzinfo=INFO).timestamp()
DAY = 86_400.0
AUTUMN = datetime(2026, 10, 24, 12, tzinfo=INFO).timestamp()
SPRING = datetime(2026, 3, 28, 12, tzinfo=INFO).timestamp()
ROLLING = [parse_window(text) for text in ("90s", "10m", "2h", "36h", "3d", "8d", "12d", "28d")]
CALENDARS = [parse_window(text) for text in ("day", "week", "month", "ever")]
HOUR = parse_window("hour")

steps = st.integers(0, 40 * 3600 * 1000).map(lambda ms: ms / 1000)
"""How much time passes between two occurrences: up to a day and a half."""
scales = st.sampled_from([1, 30, 600, 10_000])
"""By how much the steps of one history are shorter."""
jumps = st.sampled_from([0.0, 0.0, 0.0, 0.0, -3600.0, -2 * DAY, 3 * DAY, -20 * DAY, 20 * DAY])


def period(window: Window, at: float) -> object:
    """The calendar's name of the hour, day, week or month of a moment."""
    local = datetime.fromtimestamp(at, INFO)
    if window.kind == "hour":
        return local.date(), local.hour, local.fold
    return {"day": local.date(), "week": local.isocalendar()[:2], "month": (local.year, local.month), "ever": 0}[
        window.kind
    ]


def inside(times: list[float], window: Window, at: float) -> list[float]:
    """Brute force: what a window holds."""
    if window.kind == "rolling":
        return [time for time in times if at - window.seconds < time < at + window.seconds]
    return [time for time in times if period(window, time) == period(window, at)]


def reopened(ledger: Ledger) -> Ledger:
    return Ledger.from_bytes(ledger.to_bytes(), CALENDAR)


def filled(times: list[float], every: int) -> Ledger:
    """A ledger of these occurrences, written and read again after every few."""
    ledger = Ledger(CALENDAR)
    for number, at in enumerate(times, 1):
        ledger.add("seen", [""], at, 1.0)
        ledger.count("seen", "", ROLLING[number % len(ROLLING)], at)
        if number % every == 0:
            ledger = reopened(ledger)
    return ledger


@st.composite
def monotone(draw: st.DrawFn, most: int) -> list[float]:
    at, times = draw(st.sampled_from([NOON, AUTUMN, SPRING])), list[float]()
    scale, least = draw(scales), draw(st.sampled_from([1, most * 3 // 4]))
    for step in draw(st.lists(steps, min_size=least, max_size=most)):
        at = round(at + step / scale, 3)
        times.append(at)
    return times


@st.composite
def jumping(draw: st.DrawFn, most: int) -> list[float]:
    times = draw(monotone(most))
    moved, shift = list[float](), 0.0
    for at in times:
        shift += draw(jumps)
        moved.append(round(at + shift, 3))
    return moved


@given(times=jumping(32), ask=jumps, later=steps, every=st.integers(1, 40))
def test_up_to_32_occurrences_every_count_is_exact_whatever_the_clock_does(
    times: list[float], ask: float, later: float, every: int
) -> None:
    ledger, at = filled(times, every), times[-1] + ask + later
    for window in (*ROLLING, *CALENDARS, HOUR):
        held = inside(times, window, at)
        assert ledger.count("seen", "", window, at) == len(held), window
        assert ledger.total("seen", "", window, at) == len(held), window
        assert ledger.days("seen", "", window, at) == len({CALENDAR.day(time) for time in held}), window
        assert ledger.hours("seen", "", window, at) == len({CALENDAR.hour(time) for time in held}), window


@settings(max_examples=60)
@given(times=monotone(160), later=steps, scale=scales, every=st.integers(1, 200))
def test_a_rolling_count_is_exact_while_the_newest_32_cover_its_window(
    times: list[float], later: float, scale: int, every: int
) -> None:
    ledger, at = filled(times, every), times[-1] + later / scale
    for window in ROLLING:
        expected, given_ = len(inside(times, window, at)), ledger.count("seen", "", window, at)
        if len(times) <= 32 or times[-32] <= at - window.seconds:
            assert given_ == expected, window
        bucket = 3600.0 if window.seconds <= 8 * DAY else DAY * 25 / 24
        edge = bisect_left(times, at - window.seconds - bucket)
        assert expected <= given_ <= len(times) - edge, window


@settings(max_examples=60)
@given(times=jumping(160), ask=jumps, later=steps, every=st.integers(1, 200))
def test_no_count_is_ever_too_low_and_the_calendars_are_exact(
    times: list[float], ask: float, later: float, every: int
) -> None:
    ledger, at = filled(times, every), times[-1] + ask + later
    for window in ROLLING:
        held = inside(times, window, at)
        assert ledger.count("seen", "", window, at) >= len(held), window
        assert ledger.days("seen", "", window, at) >= len({CALENDAR.day(time) for time in held}), window
    for window in CALENDARS:
        held = inside(times, window, at)
        assert ledger.count("seen", "", window, at) == len(held), window
        assert ledger.days("seen", "", window, at) == len({CALENDAR.day(time) for time in held}), window
    assert ledger.count("seen", "", HOUR, at) >= len(inside(times, HOUR, at))
    assert (ledger.first("seen", ""), ledger.last("seen", "")) == (min(times), max(times))


@settings(max_examples=60)
@given(times=monotone(120), every=st.integers(1, 200))
def test_an_hour_of_the_calendar_is_exact_while_the_clock_goes_forward(times: list[float], every: int) -> None:
    at = times[-1]
    assert filled(times, every).count("seen", "", HOUR, at) == len(inside(times, HOUR, at))


@settings(max_examples=60)
@given(times=jumping(80), scale=scales, moments=st.lists(st.tuples(jumps, steps), min_size=1, max_size=8))
def test_what_was_worked_out_before_is_what_would_be_worked_out_now(
    times: list[float], scale: int, moments: list[tuple[float, float]]
) -> None:
    warm, at = filled(times, 1000), times[-1]
    for jump, step in moments:
        at += jump + step / scale
        cold = reopened(warm)
        for window in (*ROLLING, *CALENDARS, HOUR):
            for ask in (Ledger.count, Ledger.total, Ledger.days, Ledger.hours):
                assert ask(warm, "seen", "", window, at) == ask(cold, "seen", "", window, at), (window, ask)
        assert warm.distinct("seen", "a", ROLLING[2], at) == 0


@settings(max_examples=60)
@given(times=jumping(160), window=st.sampled_from([*ROLLING, *CALENDARS]), limit=st.integers(1, 5))
def test_whoever_adds_only_below_a_limit_never_exceeds_it_in_any_window(
    times: list[float], window: Window, limit: int
) -> None:
    ledger, shown = Ledger(CALENDAR), list[float]()
    for number, at in enumerate(times):
        if ledger.count("seen", "", window, at) < limit:
            ledger.add("seen", [""], at)
            shown.append(at)
        if number % 10 == 0:
            ledger = reopened(ledger)
    for at in shown:
        if window.kind == "rolling":
            assert len([time for time in shown if at <= time < at + window.seconds]) <= limit
        else:
            assert len(inside(shown, window, at)) <= limit


def test_what_a_clock_that_went_back_left_ahead_counts_when_its_time_comes() -> None:
    ledger, week = Ledger(CALENDAR), parse_window("7d")
    for minute in range(32):
        ledger.add("seen", [""], NOON + 20 * DAY + minute * 60)
    for minute in range(32):
        ledger.add("seen", [""], NOON + minute * 60)
    assert ledger.count("seen", "", week, NOON + 3600) == 32
    assert ledger.count("seen", "", week, NOON + 20 * DAY + 3600) == 32
    assert ledger.count("seen", "", week, NOON + 13 * DAY + 60) >= 2


def test_a_bucket_that_the_newest_32_reach_into_is_not_counted_again() -> None:
    ledger, minutes = Ledger(CALENDAR), parse_window("10m")
    for second in range(0, 1800, 10):
        ledger.add("seen", [""], NOON + second)
    assert ledger.count("seen", "", parse_window("2m"), NOON + 1790) == 12
    assert ledger.count("seen", "", minutes, NOON + 1790) == 180
    assert ledger.count("seen", "", minutes, NOON + 4200) == 0


@pytest.mark.parametrize("ahead", [0.0, 5 * DAY])
def test_a_count_changes_when_a_bucket_enters_or_leaves_its_window(ahead: float) -> None:
    ledger, window = Ledger(CALENDAR), parse_window("100m")
    for minute in range(0, 300, 2):
        ledger.add("seen", [""], NOON + ahead + minute * 60)
    for minute in range(-600, 900, 7):
        at = NOON + ahead + minute * 60
        assert ledger.count("seen", "", window, at) == reopened(ledger).count("seen", "", window, at), minute


@settings(max_examples=60)
@given(left=jumping(50), right=jumping(50), ask=jumps)
def test_a_merged_ledger_counts_what_either_counted(left: list[float], right: list[float], ask: float) -> None:
    ledger, other = filled(left, 1000), filled(right, 1000)
    ledger.merge(other)
    both, at = [*left, *right], max(*left, *right) + ask
    for window in (*ROLLING, *CALENDARS):
        held = inside(both, window, at)
        given_ = ledger.count("seen", "", window, at)
        assert given_ >= len(held) if window.kind == "rolling" and len(both) > 32 else given_ == len(held)
    assert (ledger.first("seen", ""), ledger.last("seen", "")) == (min(both), max(both))


@given(jumping(60))
def test_a_ledger_read_again_is_the_same(times: list[float]) -> None:
    ledger = filled(times, 1000)
    ledger.assign("hero", Assignment("b", 0.25, NOON))
    again = reopened(ledger)
    assert list(again.all_series()) == list(ledger.all_series())
    assert again.assigned("hero") == Assignment("b", 0.25, NOON)
    assert again.to_bytes() == ledger.to_bytes()


@given(cut=st.integers(0, 400), flipped=st.integers(1, 255))
def test_damaged_bytes_are_refused(cut: int, flipped: int) -> None:
    whole = filled([NOON + minute for minute in range(40)], 1000).to_bytes()
    place = cut % len(whole)
    with pytest.raises(ValueError):
        Ledger.from_bytes(whole[:place], CALENDAR)
    with pytest.raises(ValueError):
        Ledger.from_bytes(whole[:place] + bytes((whole[place] ^ flipped,)) + whole[place + 1 :], CALENDAR)


def test_an_occurrence_counts_under_each_of_its_keys_once() -> None:
    ledger, coffee = Ledger(CALENDAR), series_key({"category": "COFFEE"})
    ledger.add("purchase", ["", coffee, coffee], NOON, 4.5)
    ever = parse_window("ever")
    assert [ledger.count("purchase", key, ever, NOON) for key in ("", coffee, series_key({"category": "TEA"}))] == [
        1, 1, 0,
    ]  # fmt: skip
    assert ledger.total("purchase", coffee, ever, NOON) == 4.5
    assert ledger.first("rejection", "") is None


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_value_that_cannot_be_added_up_counts_nothing(value: float) -> None:
    ledger, ever = Ledger(CALENDAR), parse_window("ever")
    ledger.add("purchase", [""], NOON, value)
    assert (ledger.count("purchase", "", ever, NOON), ledger.total("purchase", "", ever, NOON)) == (1, 0.0)


def test_distinct_values_are_counted_among_the_occurrences_that_match() -> None:
    ledger, week = Ledger(CALENDAR), parse_window("7d")
    for store, category, days_ago in (("5", "TEA", 1), ("5", "TEA", 2), ("5", "WINE", 3), ("6", "BREAD", 1)):
        keys = [series_key({"category": category}), series_key({"category": category, "store": store})]
        ledger.add("purchase", keys, NOON - days_ago * DAY)
    at_five = series_key({"store": "5"})
    assert ledger.distinct("purchase", "category", week, NOON) == 3
    assert ledger.distinct("purchase", "category", week, NOON, at_five) == 2
    assert ledger.distinct("purchase", "category", week, NOON + 5 * DAY, at_five) == 1
    assert ledger.distinct("purchase", "brand", week, NOON) == 0
    ledger.add("purchase", [series_key({"category": "MILK"})], NOON)
    assert ledger.distinct("purchase", "category", week, NOON) == 4


def test_numbers_texts_and_truth_values_make_different_keys_and_names_any_order() -> None:
    values: list[object] = [5, "5", True, "True", 5.5, "'5", "x" * 150, "x" * 151, "a\x1eb\x1f'c", "a\x1db"]
    assert len({series_key({"p": value}) for value in values}) == len(values)
    assert series_key({"p": 5}) == series_key({"p": 5.0})
    assert series_key({"a": 1, "b": 2}) == series_key({"b": 2, "a": 1})
    assert series_key({"a": "1\x1eb\x1f'2"}) != series_key({"a": "1", "b": "2"})
    assert series_key({}) == ""
    assert series_key({"p": None}) not in ("", series_key({"p": ""}))


def test_more_series_than_the_limit_lose_the_least_recently_touched() -> None:
    ledger = Ledger(CALENDAR, LedgerLimits(series=3))
    for name in ("a", "b", "c", "a", "d"):
        ledger.add(name, [""], NOON)
    assert [event for event, _, _ in ledger.all_series()] == ["c", "a", "d"]


def test_more_days_than_the_limit_lose_those_farthest_away() -> None:
    ledger, month = Ledger(CALENDAR, LedgerLimits(days=20)), parse_window("4w")
    for hour in range(100 * 24):
        ledger.add("seen", [""], NOON + hour * 3600)
    series = ledger.series("seen", "")
    assert series is not None
    assert len(series.days) == 20
    assert ledger.count("seen", "", month, NOON + 2400 * 3600) >= 28 * 24
    assert ledger.count("seen", "", parse_window("ever"), NOON) == 2400


def test_pruning_forgets_old_days_and_series_that_nothing_was_added_to() -> None:
    ledger = Ledger(CALENDAR, LedgerLimits(days=30))
    for day in range(60):
        ledger.add("seen", [""], NOON + day * DAY)
    ledger.add("left", [""], NOON)
    ledger.assign("old", Assignment("a", 0.5, NOON))
    ledger.assign("new", Assignment("a", 0.5, NOON + 50 * DAY))
    ledger.prune(NOON + 59 * DAY)
    assert ledger.series("left", "") is None
    assert [ledger.assigned(name) is None for name in ("old", "new")] == [True, False]
    assert ledger.count("seen", "", parse_window("100d"), NOON + 59 * DAY) == 31
    assert ledger.first("seen", "") == NOON


def test_a_sticky_assignment_stays_and_the_oldest_leaves_beyond_the_limit() -> None:
    ledger = Ledger(CALENDAR, LedgerLimits(assignments=2))
    for experiment in ("a", "b", "c"):
        ledger.assign(experiment, Assignment("x", 0.5, NOON))
    assert [ledger.assigned(name) for name in ("a", "b", "c")] == [None, *[Assignment("x", 0.5, NOON)] * 2]


def test_merging_keeps_the_own_assignment() -> None:
    subject, anonymous = Ledger(CALENDAR), Ledger(CALENDAR)
    subject.assign("hero", Assignment("mine", 0.5, NOON))
    anonymous.assign("hero", Assignment("theirs", 0.5, NOON))
    anonymous.assign("strip", Assignment("theirs", 0.5, NOON))
    subject.merge(anonymous)
    assert [held and held.variant for held in (subject.assigned("hero"), subject.assigned("strip"))] == [
        "mine", "theirs",
    ]  # fmt: skip


def test_every_change_of_what_is_remembered_gives_a_later_version() -> None:
    ledger, versions = Ledger(CALENDAR), list[int]()
    ledger.add("seen", [""], NOON)
    versions.append(ledger.version)
    ledger.assign("hero", Assignment("a", 1.0, NOON))
    versions.append(ledger.version)
    ledger.merge(Ledger(CALENDAR))
    versions.append(ledger.version)
    ledger.prune(NOON + 500 * DAY)
    versions.append(ledger.version)
    assert versions == sorted(set(versions))
    ledger.prune(NOON + 500 * DAY)
    assert ledger.version == versions[-1]


def test_whoever_keeps_a_ledger_hears_of_every_change() -> None:
    ledger, heard = Ledger(CALENDAR), list[int]()
    ledger.on_change = lambda: heard.append(ledger.version)
    ledger.add("seen", [""], NOON)
    ledger.assign("hero", Assignment("a", 1.0, NOON + 5))
    ledger.hold(["tea"], "hero", NOON + 30)
    assert heard == [1, 2]
    assert ledger.newest == NOON + 5
    assert Ledger(CALENDAR).newest is None


def test_a_hold_counts_for_others_until_it_is_let_go_or_stale() -> None:
    ledger = Ledger(CALENDAR)
    ledger.hold(["tea", "drinks", "drinks"], "hero", NOON + 30)
    assert [ledger.held("drinks", slot, NOON) for slot in ("hero", "strip")] == [0, 2]
    assert ledger.held("tea", "strip", NOON + 30) == 0
    ledger.hold(["coffee"], "hero", NOON + 30)
    assert [ledger.held(key, "strip", NOON) for key in ("tea", "coffee")] == [0, 1]
    ledger.release("hero")
    assert ledger.held("coffee", "strip", NOON) == 0
    assert ledger.version == 0
    assert reopened(ledger).held("coffee", "strip", NOON) == 0


def test_the_places_in_a_slot_hold_for_it() -> None:
    ledger = Ledger(CALENDAR)
    for place in ("hero/h-1/0", "hero/h-1/1", "hero/h-2/0", "hero/h-1/x/0"):
        ledger.hold(["tea"], place, NOON + 30)
    assert [ledger.held("tea", slot, NOON) for slot in ("hero/h-1", "hero/h-2", "hero/h-1/0", "strip")] == [2, 3, 3, 4]
    ledger.release("hero/h-1/0")
    assert ledger.held("tea", "strip", NOON) == 3
    ledger.release("hero/h-1")
    assert ledger.held("tea", "strip", NOON) == 2


def test_thousands_of_slots_hold_at_a_time_and_the_oldest_end_first() -> None:
    ledger = Ledger(CALENDAR)
    for slot in range(6000):
        ledger.hold(["tea", f"tea-{slot}"], f"hero/{slot}", NOON + 30)
    assert 3500 < ledger.held("tea", "other", NOON) <= 4096
    assert [ledger.held(f"tea-{slot}", "other", NOON) for slot in (0, 5999)] == [0, 1]


@pytest.mark.parametrize("at", [float("nan"), float("inf"), -1e300, 1e300])
def test_no_clock_is_too_wrong_to_count_by(at: float) -> None:
    ledger = Ledger(CALENDAR)
    ledger.add("seen", [""], at)
    for window in (*ROLLING, *CALENDARS, HOUR):
        assert ledger.count("seen", "", window, at) == 1


def test_a_copy_stands_still_while_its_ledger_goes_on() -> None:
    ledger, window = Ledger(CALENDAR), parse_window("ever")
    ledger.add("seen", ["tea"], NOON)
    ledger.assign("hero", Assignment("a", 0.5, NOON))
    ledger.hold(["tea"], "hero", NOON + 60)
    still = ledger.still()
    ledger.add("seen", ["tea", "coffee"], NOON)
    ledger.assign("hero", Assignment("b", 0.5, NOON))
    ledger.release("hero")
    assert [still.count("seen", key, window, NOON) for key in ("tea", "coffee")] == [1, 0]
    assert still.assigned("hero") == Assignment("a", 0.5, NOON)
    assert still.held_by_others("strip", NOON) == {"tea": 1}
    assert reopened(still).count("seen", "tea", window, NOON) == 1


def test_a_copy_can_be_made_while_another_thread_adds() -> None:
    ledger, window = Ledger(CALENDAR, LedgerLimits(series=50)), parse_window("ever")
    stop = Event()

    def add() -> None:
        number = 0
        while not stop.is_set():
            ledger.add("seen", [f"tea-{number % 80}"], NOON + number)
            number += 1

    adding = Thread(target=add)
    adding.start()
    try:
        for _ in range(300):
            still = ledger.still()
            written = {(event, key): series.number for event, key, series in still.all_series()}
            again = reopened(still)
            assert all(again.count(event, key, window, NOON) == number for (event, key), number in written.items())
    finally:
        stop.set()
        adding.join()


def test_a_part_has_what_is_wanted_and_nothing_else() -> None:
    ledger = Ledger(CALENDAR)
    ledger.add("seen", ["tea", "coffee"], NOON)
    ledger.add("bought", ["tea"], NOON)
    for experiment in ("hero", "strip"):
        ledger.assign(experiment, Assignment("a", 0.5, NOON))
    part = ledger.part(lambda event, key: event == "seen" and key == "tea", {"strip"})
    assert [(event, key) for event, key, _ in part.all_series()] == [("seen", "tea")]
    assert list(part.assignments) == ["strip"]


def test_what_may_be_held_is_known_for_next_to_nothing() -> None:
    ledger = Ledger(CALENDAR)
    ledger.add("seen", ["tea"], NOON)
    ledger.hold(["coffee"], "hero", NOON + 60)
    assert [ledger.is_held(key) for key in ("tea", "coffee")] == [False, True]
    assert ("tea" in ledger.known_of("seen"), "coffee" in ledger.known_held()) == (True, True)
    assert not ledger.known_of("bought")
