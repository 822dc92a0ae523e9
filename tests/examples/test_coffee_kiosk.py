"""The coffee kiosk: two days without a network, on the disk and in memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from examples.coffee_kiosk import kiosk as example
from tests.examples.conftest import Shipped

FLAT_WHITE, CROISSANT = "Flat white, 2 zł off", "A warm croissant with it"
ESPRESSO, CHEESECAKE = "A double for the price of one", "Cheesecake and tea"
COUNTED = [
    ("Flat white 2 zł taniej", ("Do tego ciepły croissant", "Podwójne w cenie pojedynczego"), "Nasza kawa do domu"),
    ("Do tego ciepły croissant", ("Dobrze, że jesteś",), None),
    ("Order ahead and skip the line", (FLAT_WHITE, CROISSANT), None),
    ("Soup of the day", (CHEESECAKE, ESPRESSO), "Thank you, see you soon"),
    (CHEESECAKE, (ESPRESSO,), None),
    (FLAT_WHITE, (CROISSANT, ESPRESSO), None),
    (CROISSANT, (ESPRESSO,), None),
    (FLAT_WHITE, (CROISSANT, ESPRESSO), "Thank you, see you soon"),
    (ESPRESSO, ("Good to see you",), "Our beans to take home"),
]


@pytest.fixture
def shipped(ship: Callable[[str], Shipped]) -> Shipped:
    return ship("coffee_kiosk")


def screens(kiosk: example.Kiosk, visits: tuple[example.Visit, ...]) -> list[tuple[str, tuple[str, ...], str | None]]:
    with kiosk.client:
        return [(screen.hero, screen.strip, screen.receipt) for _, screen in kiosk.play(visits)]


def test_what_happened_decides_what_is_offered(shipped: Shipped) -> None:
    assert screens(example.Kiosk(*shipped), example.VISITS) == COUNTED


def test_a_restart_between_any_two_visits_changes_nothing(shipped: Shipped, tmp_path: Path) -> None:
    found: list[tuple[str, tuple[str, ...], str | None]] = []
    for visit in example.VISITS:
        found += screens(example.Kiosk(*shipped, str(tmp_path / "kiosk")), (visit,))
    assert found == COUNTED


def test_no_offer_stands_in_two_places_and_no_slot_is_blank(shipped: Shipped) -> None:
    for hero, strip, _ in screens(example.Kiosk(*shipped), example.VISITS):
        assert hero
        assert strip
        assert hero not in strip
