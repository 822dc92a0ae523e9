"""Budgets are divided by what each device used, counted from the stored events."""

from __future__ import annotations

from json import loads

from nearwise_server.app import Centre
from nearwise_server.publishing import Publication
from nearwise_server.scopes import Scope
from tests.server.conftest import Callers, packed

OFFER = "content: {{ title: Coffee }}\nbudget: {{ total: {total}, mode: {mode}, count: {count}, window: {window} }}\n"
PUBLICATION = Publication(environment="production", published_by="test")


def budget_of(
    centre: Centre, *, total: int = 100, mode: str = "hard", count: str = "exposure", window: str = "ever"
) -> dict[str, object]:
    text = OFFER.format(total=total, mode=mode, count=count, window=window)
    published = centre.publisher.publish({"nearwise.yaml": "name: shop\n", "offers/coffee.yaml": text}, PUBLICATION)
    found: dict[str, object] = loads(published.bundle.entry("offer", "coffee") or b"{}")["budget"]
    return found


def exposure(offer: str = "coffee", **members: object) -> bytes:
    known = {"at": 1, "flag": "hero", "variant": "p", "reason": "STATIC", "offer": offer}
    return packed(**{"type": "exposure", **known, **members})


def send(callers: Callers, device: str, *events: bytes) -> None:
    answer = callers.send(callers.batch(0, *events, device=device), callers.key(Scope.DEVICE))
    assert answer.status_code == 200


def test_quotas_follow_what_each_device_showed(centre: Centre, callers: Callers) -> None:
    assert budget_of(centre)["quotas"] == {}
    send(callers, "till-1", *[exposure()] * 7, exposure("tea"), exposure(fallback=True))
    send(callers, "till-2", exposure())
    assert budget_of(centre)["quotas"] == {"till-1": 80, "till-2": 20}


def test_any_event_can_be_counted(centre: Centre, callers: Callers) -> None:
    event = packed(type="track", at=1, name="redemption", properties={"offer": "coffee"})
    send(callers, "till-1", event, exposure(), packed(type="track", at=1, name="redemption"))
    assert budget_of(centre, count="redemption", total=10)["quotas"] == {"till-1": 10}


def test_a_smooth_budget_gets_the_share_of_subjects_that_fits(centre: Centre, callers: Callers) -> None:
    now_ms = int(centre.clock() * 1000)
    send(callers, "till-1", *[exposure(at=now_ms)] * 8)
    assert budget_of(centre, mode="smooth", total=2, window="week")["throttle"] == 0.25
    assert budget_of(centre, mode="smooth", total=2)["throttle"] == 0
