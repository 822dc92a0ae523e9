"""Nothing leaks: every one of the 256 consent states, every kind of event and every gated attribute."""

from __future__ import annotations

from collections import Counter
from typing import cast

import pytest

from nearwise.testing import LocalClient, client_from
from nearwise_rules import PURPOSES, Json, purposes_mask

STATES = range(256)
EVENTS: dict[str, tuple[str, ...]] = {
    "exposure": ("measure",),
    "free": (),
    **{f"for_{name}": (name,) for name in PURPOSES},
    "purchase": ("profile", "measure"),
    "everything": PURPOSES,
}
"""What each event needs; `*` needs `analyse`."""

TRACKED = [name for name in EVENTS if name != "exposure"]


def gated_flag(name: str) -> Json:
    """A flag that is on when the attribute of a purpose can be read."""
    rule: Json = {"when": {"==": [{"var": f"x.{name}"}, "secret"]}, "serve": "on"}
    return {"type": "boolean", "variants": {"on": True, "off": False}, "default": "off", "rules": [rule]}


RULE_SET: dict[str, Json] = {
    "attributes": {f"x.{name}": {"type": "string", "privacy": "sensitive", "purposes": [name]} for name in PURPOSES},
    "events": {**{name: {"purposes": list(needs)} for name, needs in EVENTS.items()}, "*": {"purposes": ["analyse"]}},
    "flags": {f"sees_{name}": gated_flag(name) for name in PURPOSES},
}
DATA = {"x": dict.fromkeys(PURPOSES, "secret")}


def needed(event: str) -> int:
    return purposes_mask(EVENTS.get(event, ("analyse",)))


def name_of(event: dict[str, object]) -> str:
    return str(event["name"] if event["type"] == "track" else event["type"])


def consent_to(client: LocalClient, subject: str, state: int) -> None:
    client.consent(subject, {name: bool(state & purposes_mask([name])) for name in PURPOSES})


def record_everything(client: LocalClient, subject: str) -> None:
    context = client.context(subject, DATA)
    for name in [*TRACKED, "undeclared"]:
        context.track(name, 1.0, who=subject)
    context.decide("sees_store").shown()


def stored(client: LocalClient) -> Counter[tuple[str, str]]:
    """How many events of each subject and name are kept."""
    events = [event for event in client.events if event["type"] != "consent"]
    return Counter((str(event["subject"]), name_of(event)) for event in events)


@pytest.fixture
def client() -> LocalClient:
    return client_from(RULE_SET)


def test_no_event_is_stored_without_the_consent_that_it_needs(client: LocalClient) -> None:
    for state in STATES:
        consent_to(client, f"s-{state:03d}", state)
        record_everything(client, f"s-{state:03d}")
    expected = Counter(
        {
            (f"s-{state:03d}", name): 1
            for state in STATES
            for name in [*EVENTS, "undeclared"]
            if not needed(name) & ~state
        }
    )
    assert stored(client) == expected
    assert client.status.withheld == 256 * (len(EVENTS) + 1) - expected.total()
    assert {event["granted"] for event in client.events if event["type"] == "exposure"} == {
        state for state in STATES if state & purposes_mask(["measure"])
    }


def test_no_attribute_is_read_without_the_consent_that_it_needs(client: LocalClient) -> None:
    leaked = 0
    for state in STATES:
        consent_to(client, "anna", state)
        context = client.context("anna", DATA)
        for name in PURPOSES:
            seen = cast("bool", context.flag(f"sees_{name}"))
            leaked += seen is not bool(state & purposes_mask([name]))
    assert leaked == 0


def test_what_was_queued_under_a_withdrawn_purpose_is_not_sent(client: LocalClient) -> None:
    for state in STATES:
        subject = f"s-{state:03d}"
        consent_to(client, subject, 255)
        record_everything(client, subject)
        consent_to(client, subject, state)
    assert stored(client) == Counter(
        {
            (f"s-{state:03d}", name): 1
            for state in STATES
            for name in [*EVENTS, "undeclared"]
            if not needed(name) & ~state
        }
    )


def test_assignment_is_the_same_in_every_state() -> None:
    split: Json = {
        "type": "string",
        "variants": {"a": "a", "b": "b"},
        "default": "a",
        "rules": [{"split": {"a": 50, "b": 50}, "experiment": "e"}],
    }
    client = client_from({"flags": {"offer": split}})
    subjects = [f"h-{number}" for number in range(50)]
    before = [client.context(subject).flag("offer") for subject in subjects]
    for state in (0, 1, 64, 255):
        for subject in subjects:
            consent_to(client, subject, state)
        assert [client.context(subject).flag("offer") for subject in subjects] == before
