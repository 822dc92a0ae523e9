"""The web shop: pages by rules, exposures on render, conversions by track, and a page without any rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

import nearwise
from examples.web_shop.shop import create_app
from nearwise.testing import LocalClient, MemoryServer, client_from

RULES = Path(__file__).parents[2] / "examples" / "web_shop" / "rules"
GERMANY = {"cf-ipcountry": "DE"}


@pytest.fixture
def decider() -> Iterator[LocalClient]:
    with client_from(RULES, now="2026-11-23T12:00") as client:
        yield client


@pytest.fixture
def browse(decider: LocalClient) -> Callable[[str], TestClient]:
    """A browser with this visitor's cookie."""

    def browser(visitor: str) -> TestClient:
        app = create_app(lambda: decider)
        app.state.nearwise = decider  # these browsers share one running shop
        return TestClient(app, cookies={"visitor": visitor}, follow_redirects=False)

    return browser


def of(decider: LocalClient, kind: str) -> list[dict[str, object]]:
    return [event for event in decider.events if event["type"] == kind]


def test_the_page_says_what_the_rules_say(browse: Callable[[str], TestClient]) -> None:
    page = browse("qa-wide").get("/?item=beans&item=filter", headers=GERMANY).text
    assert "19.40 EUR. 20.60 EUR more, and shipping is free." in page
    assert "Buy now, return within 30 days" in page
    assert "Shipping is free." in browse("v-1").get("/?item=grinder", headers=GERMANY).text
    assert "shipping" not in browse("v-1").get("/?item=grinder").text


def test_visitors_are_split_in_halves_and_stay_there(browse: Callable[[str], TestClient]) -> None:
    def promised(visitor: str) -> bool:
        return "30 days" in browse(visitor).get("/?item=beans").text

    first = {f"v-{number}": promised(f"v-{number}") for number in range(200)}
    assert 70 < sum(first.values()) < 130
    assert all(promised(visitor) == promise for visitor, promise in list(first.items())[:20])


def test_the_exposure_is_recorded_on_render_and_the_conversion_when_paid(
    browse: Callable[[str], TestClient], decider: LocalClient
) -> None:
    browser = browse("v-1")
    for _ in range(3):
        browser.get("/?item=beans")
    assert browser.post("/buy?item=beans&item=filter").headers["location"] == "/thanks"
    (exposure,) = of(decider, "exposure")  # once a day
    (purchase,) = of(decider, "track")
    assert (exposure["subject"], exposure["experiment"], exposure["propensity"]) == ("v-1", "checkout-button", 0.5)
    assert (purchase["subject"], purchase["value"]) == ("v-1", 19.40)
    decider.at("2026-11-24T12:00")
    browser.get("/?item=beans")
    assert len(of(decider, "exposure")) == 2


def test_testers_and_empty_baskets_are_not_counted(browse: Callable[[str], TestClient], decider: LocalClient) -> None:
    browse("qa-wide").get("/?item=beans")
    browse("v-1").get("/")
    assert [event.get("experiment") for event in of(decider, "exposure")] in ([], [None])


def test_a_new_visitor_gets_a_cookie_and_keeps_it(browse: Callable[[str], TestClient]) -> None:
    browser = browse("")
    name = browser.get("/").cookies["visitor"]
    assert name.startswith("v-")


def test_the_app_opens_its_client_when_it_starts_and_sends_the_last_events_when_it_ends() -> None:
    server = MemoryServer(RULES)

    def dial() -> nearwise.Client:
        client = nearwise.Client(server, trust=server.public_key)
        assert client.ready(10)
        return client

    with TestClient(create_app(dial)) as browser:
        assert browser.get("/health").text == "READY 1"
        browser.get("/?item=beans", headers=GERMANY)
        browser.post("/buy?item=beans")
    assert sorted(event.type for event in server.events) == ["exposure", "summary", "track"]


def test_a_shop_without_rules_still_sells() -> None:
    with TestClient(create_app(nearwise.Client)) as browser:
        assert "<button>Buy</button>" in browser.get("/?item=beans").text
        assert browser.post("/buy?item=beans").text == "Thank you."
