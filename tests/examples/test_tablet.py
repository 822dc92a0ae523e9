"""The tablet: nothing personal without a yes, sessions that end, and a visitor who is forgotten here and there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import nearwise
from examples.tablet.tablet import Tablet, run
from nearwise.testing import MemoryServer
from nearwise_rules import subject_token

RULES = Path(__file__).parents[2] / "examples" / "tablet" / "rules"
SUBJECT_KEY = bytes(range(16))
TENTS, BOOTS = "* Tents, 20 % off this week", "* Boots for wet ground"
CLIMBING, MEMBERS = "* A first climbing lesson", "* Members' evening, Thursday at 7"
LOOKS = ["look CLIMBING"] * 3


@pytest.fixture
def server() -> MemoryServer:
    return MemoryServer(RULES)


@pytest.fixture
def tablet(server: MemoryServer, tmp_path: Path) -> Iterator[Tablet]:
    settings = nearwise.Settings(subject_key=SUBJECT_KEY, poll_seconds=0.1, send_seconds=0.05)
    with nearwise.Client(server, trust=server.public_key, storage=tmp_path / "data", settings=settings) as client:
        assert client.ready(10)
        yield Tablet(client)


def seen(tablet: Tablet, *touches: str) -> list[str]:
    return list(run(tablet, touches))


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_without_a_yes_nothing_is_remembered_counted_or_chosen(tablet: Tablet, server: MemoryServer) -> None:
    seen(tablet, *LOOKS, "card 1042", *LOOKS)
    assert seen(tablet, "home") == [TENTS, BOOTS]
    tablet.client.flush()
    assert server.events == []


def test_who_agrees_sees_what_he_looked_at_and_it_is_his_when_he_signs_in(tablet: Tablet) -> None:
    assert seen(tablet, "privacy", "yes", "yes", "no")[-1] == "Thank you. You agreed to: store, profile, personalise"
    seen(tablet, *LOOKS)
    assert seen(tablet, "home") == [CLIMBING, TENTS]
    assert seen(tablet, "card 1042") == ["Hello, and we remember."]
    assert seen(tablet, "home") == [MEMBERS, CLIMBING]


def test_the_next_visitor_starts_afresh_and_the_member_is_known_when_he_comes_back(tablet: Tablet) -> None:
    seen(tablet, "card 1042", "privacy", "yes", "yes", "yes", *LOOKS)
    assert seen(tablet, "next", "home") == ["Welcome", TENTS, BOOTS]
    assert seen(tablet, "card 1042", "home")[1:] == [MEMBERS, CLIMBING]


def test_a_no_takes_out_what_was_stored_under_an_earlier_yes(tablet: Tablet) -> None:
    seen(tablet, "card 1042", "privacy", "yes", "yes", "yes", *LOOKS)
    assert seen(tablet, "privacy", "no", "no", "no")[-1] == "Thank you. You agreed to: nothing"
    assert seen(tablet, "home") == [TENTS, BOOTS]
    seen(tablet, "privacy", "yes", "yes", "yes")
    assert seen(tablet, "home") == [MEMBERS, TENTS]  # the looks are gone


def test_the_centre_gets_tokens_and_only_what_was_agreed_to(tablet: Tablet, server: MemoryServer) -> None:
    seen(tablet, "card 1042", "privacy", "yes", "no", "yes", "look BOOTS", "home")
    assert tablet.client.flush() == 0
    found = [(event.type, event.subject) for event in server.events]
    token = subject_token("1042", SUBJECT_KEY)
    assert found == [("consent", token), ("track", token), ("exposure", token), ("exposure", token)]
    assert all("1042" not in str(event.fields) for event in server.events)


def test_forgotten_here_at_once_and_at_the_centre_when_it_answers(
    tablet: Tablet, server: MemoryServer, tmp_path: Path
) -> None:
    seen(tablet, "card 1042", "privacy", "yes", "yes", "yes", *LOOKS, "home")
    assert tablet.client.flush() == 0
    server.offline = True
    (line,) = seen(tablet, "forget")
    receipt = line.removeprefix("Forgotten on this tablet. Your receipt: ")
    token = subject_token("1042", SUBJECT_KEY).encode()
    assert not [path for path in (tmp_path / "data").rglob("*") if path.is_file() and token in path.read_bytes()]
    assert tablet.receipts() == [f"{receipt}: on its way"]
    server.offline = False
    until(lambda: tablet.receipts() == [f"{receipt}: done at the centre"])
    assert [event.type for event in server.events] == ["erasure"]
    assert seen(tablet, "card 1042", "home") == ["Hello.", TENTS, BOOTS]


def test_nobody_is_forgotten_who_is_not_signed_in(tablet: Tablet) -> None:
    assert seen(tablet, "forget") == ["You are not signed in: when you leave, nothing is kept."]
