"""Triggers: what is due after which events, once, whatever the clock does; and what is said when nothing is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple

import pytest

from nearwise_rules import Calendar, Diagnostic, Ledger, Release
from nearwise_rules.decide.surroundings import Surroundings
from nearwise_rules.triggers import (
    Action,
    Dropped,
    Heard,
    TriggerEvent,
    TriggerPlan,
    TriggerState,
    Turn,
    Waiting,
    due_action,
    next_due,
    step_trigger,
)
from tests.rules.conftest import opened

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC).timestamp()
"""A Wednesday."""

CART_LEFT = {
    "on": "cart_updated",
    "unless": "purchase",
    "wait": "30m",
    "cooldown": "24h",
    "payload": {"text": "Still yours", "basket": {"var": "event.properties.basket"}},
    "channel": "push",
}
THIRD_VISIT = {"on": "visit", "times": {"count": 3, "window": "week"}, "limit": {"count": 1, "window": "week"}}
NO_CARD = {
    "on": "basket",
    "when": {"and": [{">": [{"var": "event.value"}, 50]}, {"!": [{"var": "card"}]}]},
    "payload": {"total": {"var": "event.value"}, "store": {"var": ["store.name", "here"]}},
}
ATTRIBUTES: Mapping[tuple[str, str], object] = {
    ("attribute", "card"): {"type": "string"},
    ("attribute", "store.name"): {"type": "string"},
    ("attribute", "tier"): {"type": "string", "source": "trait"},
    ("attribute", "secret"): {"type": "string", "purposes": ["profile"]},
    ("attribute", "opened"): {"type": "datetime"},
}


def plan_of(document: Mapping[str, object], surroundings: Surroundings | None = None, **more: object) -> TriggerPlan:
    """The trigger `t` of a release; `more` are other entries by `kind__key`."""
    others = {tuple(name.split("__", 1)): entry for name, entry in more.items()}
    known = surroundings or Surroundings()
    bundle = opened({**ATTRIBUTES, ("trigger", "t"): document, **others})  # type: ignore[dict-item]
    plan = Release(bundle, surround=lambda _subject: known).triggers.plan("t")
    assert plan is not None
    return plan


class Device:
    """One device with one trigger: it looks at what is due, hears events and keeps every turn."""

    def __init__(self, plan: TriggerPlan, subject: str = "h-1") -> None:
        self.plan = plan
        self.subject = subject
        self.state = TriggerState(subject, "origin")
        self.turns: list[Turn] = []

    def look(self, at: float) -> Action | None:
        turn = due_action(self.plan, self.state, at)
        self.state = turn.state
        self.turns.append(turn)
        return turn.action

    def event(
        self,
        name: str,
        at: float,
        value: float | None = None,
        context: Mapping[str, object] | None = None,
        **properties: object,
    ) -> Action | None:
        early = self.look(at)
        event = TriggerEvent(name, value, properties)
        for _, heard in self.plan.release.triggers.heard(event, context or {}, self.subject, at):
            self.turns.append(Turn(self.state, diagnostics=heard.diagnostics))
            self.state = step_trigger(self.plan, self.state, heard)
        return self.look(at) or early

    @property
    def dropped(self) -> list[Dropped]:
        return [turn.dropped for turn in self.turns if turn.dropped]

    @property
    def diagnostics(self) -> list[Diagnostic]:
        return [note for turn in self.turns for note in turn.diagnostics]


def test_a_cart_left_without_a_purchase_is_due_after_the_wait_with_what_was_in_it() -> None:
    device = Device(plan_of(CART_LEFT))
    assert device.event("cart_updated", NOON, basket=["tea"]) is None
    assert next_due(device.state) == NOON + 30 * MINUTE
    assert device.look(NOON + 29 * MINUTE) is None
    action = device.look(NOON + 30 * MINUTE)
    assert action is not None
    assert action._replace(id="") == Action(
        "", "t", "h-1", {"text": "Still yours", "basket": ["tea"]}, "push", NOON + 30 * MINUTE
    )
    assert len(action.id) == 32
    assert "h-1" not in action.id
    assert device.look(NOON + DAY) is None


def test_a_purchase_within_the_wait_cancels() -> None:
    device = Device(plan_of(CART_LEFT))
    device.event("cart_updated", NOON)
    device.event("purchase", NOON + 10 * MINUTE)
    assert next_due(device.state) is None
    assert device.look(NOON + HOUR) is None


def test_each_new_event_restarts_the_wait_and_the_newest_basket_counts() -> None:
    device = Device(plan_of(CART_LEFT))
    device.event("cart_updated", NOON, basket=["tea"])
    device.event("cart_updated", NOON + 20 * MINUTE, basket=["tea", "milk"])
    assert device.look(NOON + 30 * MINUTE) is None
    action = device.look(NOON + 50 * MINUTE)
    assert action is not None
    assert action.payload["basket"] == ["tea", "milk"]


def test_a_purchase_after_the_due_time_cancels_nothing_however_late_the_device_looks() -> None:
    device = Device(plan_of(CART_LEFT))
    device.event("cart_updated", NOON)
    assert device.event("purchase", NOON + 31 * MINUTE) is not None


def test_the_third_visit_of_the_calendar_week_is_due_once() -> None:
    device = Device(plan_of(THIRD_VISIT))
    visits = [NOON - 2 * DAY, NOON, NOON + DAY, NOON + 2 * DAY, NOON + 5 * DAY, NOON + 6 * DAY, NOON + 7 * DAY]
    fired = [device.event("visit", at) is not None for at in visits]
    assert fired == [False, False, True, False, False, False, True]
    assert device.dropped == [Dropped.LIMIT]


def test_visits_of_last_week_do_not_count() -> None:
    device = Device(plan_of(THIRD_VISIT))
    sunday = NOON + 4 * DAY
    assert [device.event("visit", sunday + hours * HOUR) for hours in (0, 1, 13, 14)] == [None] * 4


def test_a_basket_over_50_without_a_card_is_due_at_once() -> None:
    device = Device(plan_of(NO_CARD))
    assert device.event("basket", NOON, 50) is None
    assert device.event("basket", NOON, 51, {"card": "c-9"}) is None
    action = device.event("basket", NOON, 51, {"store": {"name": "Praga"}})
    assert action is not None
    assert (action.payload, action.channel) == ({"total": 51, "store": "Praga"}, None)
    again = device.event("basket", NOON, 52)
    assert again is not None
    assert again.payload == {"total": 52, "store": "here"}
    assert again.id != action.id


class Jump(NamedTuple):
    """A story on one device: moments and what happens, and whether it ends in an action."""

    name: str
    document: Mapping[str, object]
    story: tuple[tuple[float, str], ...]
    fires: tuple[float, ...]


JUMPS = (
    Jump("overdue after a restart is due then", CART_LEFT, ((0, "cart_updated"), (5 * HOUR, "")), (5 * HOUR,)),
    Jump("overdue for longer than it may is dropped", CART_LEFT, ((0, "cart_updated"), (25 * HOUR, "")), ()),
    Jump(
        "a clock that goes back before the wait began starts it again",
        CART_LEFT,
        ((0, "cart_updated"), (-DAY, ""), (-DAY + 29 * MINUTE, ""), (-DAY + 30 * MINUTE, "")),
        (-DAY + 30 * MINUTE,),
    ),
    Jump(
        "a clock that goes back a little lengthens the wait by that",
        CART_LEFT,
        ((0, "cart_updated"), (20 * MINUTE, ""), (5 * MINUTE, ""), (29 * MINUTE, ""), (30 * MINUTE, "")),
        (30 * MINUTE,),
    ),
    Jump(
        "a clock that goes back years does not keep a cooldown for years",
        {"on": "a", "cooldown": "1h"},
        ((0, "a"), (-9000 * DAY, "a"), (-9000 * DAY + 59 * MINUTE, "a"), (-9000 * DAY + HOUR, "a")),
        (0, -9000 * DAY + HOUR),
    ),
    Jump(
        "a cooldown ends when its time is over",
        {"on": "a", "cooldown": "1h"},
        ((0, "a"), (HOUR - 1, "a"), (HOUR, "a")),
        (0, HOUR),
    ),
    Jump(
        "a limit counts in its window",
        {"on": "a", "limit": {"count": 2, "window": "1h"}},
        ((0, "a"), (1, "a"), (2, "a"), (HOUR, "a"), (HOUR + 0.5, "a"), (HOUR + 1, "a")),
        (0, 1, HOUR, HOUR + 1),
    ),
    Jump(
        "one event under a wrong clock does not spoil the count",
        {"on": "a", "times": {"count": 2, "window": "1h"}},
        ((0, "a"), (-9000 * DAY, "a"), (60, "a")),
        (60,),
    ),
    Jump(
        "a wait keeps to itself while the cooldown lasts",
        {**CART_LEFT, "cooldown": "1h"},
        (
            (0, "cart_updated"),
            (30 * MINUTE, ""),
            (31 * MINUTE, "cart_updated"),
            (61 * MINUTE, ""),
            (62 * MINUTE, "cart_updated"),
            (92 * MINUTE, ""),
        ),
        (30 * MINUTE, 92 * MINUTE),
    ),
)


@pytest.mark.parametrize("jump", JUMPS, ids=lambda jump: jump.name)
def test_stories_of_clocks(jump: Jump) -> None:
    device = Device(plan_of(jump.document))
    fired: list[Action] = []
    for at, name in jump.story:
        action = device.event(name, NOON + at) if name else device.look(NOON + at)
        if action is not None:
            fired.append(action)
    assert tuple(action.at - NOON for action in fired) == jump.fires
    assert len({action.id for action in fired}) == len(fired)


def test_a_state_survives_as_text() -> None:
    waiting = Waiting(1.5, 2.25, {"event": {"properties": {"basket": ["Tee", 1, None, True]}}})
    state = TriggerState("h-1", "origin", 3, (1.0, 2.0), (0.1 + 0.2,), waiting)
    assert TriggerState.from_text("h-1", state.to_text()) == state
    assert "h-1" not in state.to_text()


@pytest.mark.parametrize(
    "text",
    ["", "{}", '[2,"o",0,[],[],null]', '[1,"o",0,[null],[],null]', '[1,"o",0,[],[],[1]]', '[1,"o",0,[],[true],null]'],
)
def test_a_damaged_state_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        TriggerState.from_text("h-1", text)


def test_the_same_state_gives_the_same_id_and_another_origin_another() -> None:
    plan = plan_of({"on": "a"})
    heard = Heard(NOON, matches=True)

    def fired(state: TriggerState) -> str:
        action = due_action(plan, step_trigger(plan, state, heard), NOON).action
        assert action is not None
        return action.id

    state = TriggerState("h-1", "origin")
    assert fired(state) == fired(TriggerState.from_text("h-1", state.to_text()))
    others = [state._replace(origin="other"), state._replace(subject="h-2"), state._replace(sequence=1)]
    assert len({fired(state), *map(fired, others)}) == 4


def test_unless_takes_several_events_with_conditions() -> None:
    document = {
        **CART_LEFT,
        "unless": ["left", {"event": "purchase", "where": {">": [{"var": "event.value"}, 10]}}],
    }
    device = Device(plan_of(document))
    assert device.plan.events == ("cart_updated", "left", "purchase")
    device.event("cart_updated", NOON)
    device.event("purchase", NOON + 1, 5)
    assert next_due(device.state) is not None
    device.event("purchase", NOON + 2, 11)
    assert next_due(device.state) is None
    device.event("cart_updated", NOON + 3)
    device.event("left", NOON + 4)
    assert next_due(device.state) is None


def test_the_condition_when_due_sees_the_event_the_clock_of_then_and_what_is_known_then() -> None:
    traits: dict[str, object] = {"tier": "none"}
    document = {
        **CART_LEFT,
        "when_due": {"and": [{"==": [{"var": "tier"}, "gold"]}, {"==": [{"var": "now.minute"}, 30]}]},
        "payload": {"tier": {"var": "tier"}, "card": {"var": "card"}},
    }
    device = Device(plan_of(document, Surroundings(traits=traits)))
    device.event("cart_updated", NOON, context={"card": "c-9"})
    traits["tier"] = "gold"
    action = device.look(NOON + 30 * MINUTE)
    assert action is not None
    assert action.payload == {"tier": "gold", "card": "c-9"}
    traits["tier"] = "none"
    device.event("cart_updated", NOON + 2 * DAY)
    assert device.look(NOON + 2 * DAY + HOUR) is None
    assert device.dropped == [Dropped.WHEN_DUE]


def test_history_is_asked_again_when_due_about_what_the_event_was_about() -> None:
    measure = {"count": "purchase", "where": {"category": {"var": "category"}}, "window": "1h"}
    bought: dict[str, object] = {"type": "integer", "source": "history", "history": measure}
    document = {**CART_LEFT, "unless": "left", "when_due": {"==": [{"var": "bought"}, 0]}}
    ledger = Ledger(Calendar())

    class Remembered:
        def recall(self, owner: str) -> Ledger:
            return ledger

    surroundings = Surroundings(history=Remembered())
    device = Device(plan_of(document, surroundings, attribute__bought=bought, attribute__category={"type": "string"}))
    for seconds, category in ((0, "TEA"), (DAY, "MILK")):
        device.event("cart_updated", NOON + seconds, context={"category": category})
        device.plan.release.remembers.record(ledger, "purchase", {"category": "TEA"}, None, NOON + seconds + MINUTE)
        fired = device.look(NOON + seconds + 30 * MINUTE)
        assert (fired is not None) is (category == "MILK")


def test_a_flag_decides_with_the_context_of_the_event_also_when_due() -> None:
    flag = {
        "type": "string",
        "variants": {"push": 1, "mail": 2},
        "default": "mail",
        "rules": [{"name": "card", "when": {"==": [{"var": "card"}, "c-9"]}, "serve": "push"}],
    }
    device = Device(plan_of({**CART_LEFT, "channel": {"flag": "way"}}, flag__way=flag))
    device.event("cart_updated", NOON, context={"card": "c-9"})
    action = device.look(NOON + HOUR)
    assert action is not None
    assert action.channel == "push"


@pytest.mark.parametrize(
    ("channel", "chosen"),
    [
        (None, None),
        ("mail", "mail"),
        ({"if": [{">": [{"var": "event.value"}, 10]}, "push", "mail"]}, "push"),
        ({"highest": {"push": {"var": "event.value"}, "mail": 3}}, "push"),
        ({"highest": {"push": 3, "mail": 3}}, "mail"),
        ({"highest": {"push": {"model": "p"}, "mail": 0.4}}, "push"),
        ({"highest": {"push": {"model": "none"}, "mail": 0.1}}, "mail"),
        ({"highest": {"push": {"var": "event.name"}}}, None),
    ],
)
def test_the_channel_is_a_text_a_rule_or_the_highest_number(channel: object, chosen: str | None) -> None:
    model: dict[str, object] = {"kind": "linear", "features": {}, "intercept": 0.5}
    device = Device(plan_of({"on": "a", "channel": channel}, model__p=model))
    action = device.event("a", NOON, 20)
    assert action is not None
    assert action.channel == chosen


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"channel": {"var": "event.value"}}, Dropped.BAD_CHANNEL),
        ({"channel": {"throw": "x"}}, Dropped.BAD_CHANNEL),
        ({"payload": {"text": {"var": "card"}, "more": {"var": "card"}}}, Dropped.BAD_PAYLOAD),
        ({"when_due": {"throw": "x"}}, Dropped.WHEN_DUE),
    ],
)
def test_what_cannot_be_filled_in_when_due_is_dropped_and_told(document: Mapping[str, object], reason: Dropped) -> None:
    device = Device(plan_of({"on": "a", **document}))
    assert device.event("a", NOON, 20, {"card": "c" * 8300}) is None
    assert device.dropped == [reason]
    assert device.diagnostics != []


@pytest.mark.parametrize(
    "value",
    [float("nan"), object(), 1 << 80, [[[[[[[1]]]]]]], "x" * 20_000, "\ud800"],
    ids=["nan", "object", "long number", "deep", "large", "surrogate"],
)
def test_a_value_that_cannot_be_kept_is_told_and_nothing_fires(value: object) -> None:
    device = Device(plan_of(CART_LEFT))
    assert device.event("cart_updated", NOON, basket=value) is None
    assert next_due(device.state) is None
    assert [note.code for note in device.diagnostics] == ["BAD_VALUE"]


def test_values_are_kept_as_json() -> None:
    device = Device(plan_of({"on": "a", "payload": {"p": {"var": "event.properties"}, "o": {"var": "opened"}}}))
    moment = datetime(2026, 11, 25, 13, tzinfo=UTC)
    action = device.event("a", NOON, context={"opened": moment}, price=Decimal("9.5"), when=moment, items=("x",))
    assert action is not None
    assert action.payload == {
        "p": {"price": 9.5, "when": "2026-11-25T13:00:00+00:00", "items": ["x"]},
        "o": "2026-11-25T13:00:00+00:00",
    }


def test_only_what_is_needed_later_is_kept() -> None:
    device = Device(plan_of({**CART_LEFT, "when": {"==": [{"var": "card"}, "c-9"]}}))
    device.event("cart_updated", NOON, 9, {"card": "c-9"}, basket=["tea"], title="Ann")
    waiting = device.state.waiting
    assert waiting is not None
    assert waiting.captured == {"event": {"properties": {"basket": ["tea"]}}}


def test_what_the_subject_does_not_consent_to_is_not_kept() -> None:
    document = {**CART_LEFT, "payload": {"secret": {"var": "secret"}, "card": {"var": "card"}}}
    device = Device(plan_of(document))
    device.event("cart_updated", NOON, context={"secret": "s", "card": "c"})
    waiting = device.state.waiting
    assert waiting is not None
    assert waiting.captured == {"card": "c"}


def test_without_the_consent_that_it_needs_nothing_is_kept_and_what_waits_is_dropped() -> None:
    document = {**CART_LEFT, "purposes": ["personalise", "measure"]}
    refused = Device(plan_of(document, Surroundings(granted=0b1000)))
    refused.event("cart_updated", NOON)
    assert refused.state.waiting is None
    granted = Device(plan_of(document, Surroundings(granted=0b11000)))
    granted.event("cart_updated", NOON)
    granted.plan = refused.plan
    assert granted.look(NOON + HOUR) is None
    assert granted.dropped == [Dropped.CONSENT]


def test_a_trigger_that_is_switched_off_hears_nothing_and_drops_what_waits() -> None:
    on, off = plan_of(CART_LEFT), plan_of({**CART_LEFT, "enabled": False})
    device = Device(on)
    device.event("cart_updated", NOON)
    device.plan = off
    device.event("cart_updated", NOON + 1)
    assert device.look(NOON + HOUR) is None
    assert device.dropped == [Dropped.DISABLED]


def test_an_expired_bundle_calls_for_nothing_unless_it_serves_on() -> None:
    for grace, fires in (("serve", True), ("safe_only", False)):
        bundle = opened({("trigger", "t"): {"on": "a"}}, expires=NOON - 1, grace=grace)
        plan = Release(bundle).triggers.plan("t")
        assert plan is not None
        assert (Device(plan).event("a", NOON) is not None) is fires


def test_conditions_that_fail_or_read_odd_values_do_not_hold_and_are_told() -> None:
    device = Device(plan_of(NO_CARD))
    assert device.event("basket", NOON, context={"card": 7}) is None
    assert device.event("basket", NOON, "a lot") is None  # type: ignore[arg-type]
    assert {note.code for note in device.diagnostics} == {"TYPE_MISMATCH"}


def test_a_trigger_that_this_version_cannot_read_is_told_and_harms_no_other() -> None:
    documents: dict[tuple[str, str], object] = {
        ("trigger", "broken"): {"on": "a", "when": {"of_tomorrow": []}},
        ("trigger", "shapeless"): [],
        ("trigger", "good"): {"on": "a"},
    }
    triggers = Release(opened(documents)).triggers
    assert triggers.events == {"a"}
    heard = dict(triggers.heard(TriggerEvent("a"), {}, "h-1", NOON))
    assert heard["good"].matches
    assert [note.code for note in heard["broken"].diagnostics] == ["BROKEN_TRIGGER"]
    assert triggers.plan("shapeless") is None


def test_a_context_that_is_none_is_told() -> None:
    triggers = plan_of({"on": "a"}).release.triggers
    ((_, heard),) = triggers.heard(TriggerEvent("a"), [], "h-1", NOON)  # type: ignore[arg-type]
    assert not heard.matches
    assert heard.diagnostics[0].code == "GENERAL"
