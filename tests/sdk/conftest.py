"""What the SDK's tests share: a small rule set, a clock that is set by hand, and clients that are always closed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgpack
import pytest

import nearwise
from nearwise.testing import MemoryServer
from nearwise_rules import Json

if TYPE_CHECKING:
    from tests.sdk.trigger_device import Device

RuleSet = Callable[..., dict[str, Json]]


def unpacked(payload: bytes) -> dict[str, Any]:
    """The map that a payload holds."""
    return cast("dict[str, Any]", msgpack.unpackb(payload))  # pyright: ignore[reportUnknownMemberType]


def until(is_done: Callable[[], bool]) -> None:
    """Wait for what another thread does."""
    deadline = time.monotonic() + 10
    while not is_done():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def rule_set() -> RuleSet:
    """One flag with one condition on the basket; its text can be changed, and more flags be added by name."""

    def make(coffee: str = "10 % off", **flags: Json) -> dict[str, Json]:
        offer: Json = {
            "type": "string",
            "variants": {"coffee": coffee, "none": ""},
            "default": "none",
            "rules": [{"name": "big basket", "when": {">=": [{"var": "basket.total"}, 20]}, "serve": "coffee"}],
        }
        attributes: Json = {"basket.total": {"type": "number", "source": "context"}}
        return {"attributes": attributes, "flags": {"offer": offer, **flags}}

    return make


@pytest.fixture
def server(rule_set: RuleSet) -> MemoryServer:
    """A server that has published the rule set."""
    return MemoryServer(rule_set())


@pytest.fixture
def quick() -> nearwise.Settings:
    """Settings that do everything at once."""
    return nearwise.Settings(
        device="till-07",
        poll_seconds=0.01,
        send_seconds=0.001,
        commit_seconds=0.001,
        retry_first_seconds=0.001,
        retry_most_seconds=0.01,
        jitter=0,
    )


@pytest.fixture
def open_client(server: MemoryServer, quick: nearwise.Settings) -> Iterator[Callable[..., nearwise.Client]]:
    """Opens clients of the server; closes them in the end."""
    opened: list[nearwise.Client] = []

    def make(**options: Any) -> nearwise.Client:
        chosen: dict[str, Any] = {"trust": server.public_key, "settings": quick, **options}
        client = nearwise.Client(server, **chosen)
        opened.append(client)
        return client

    yield make
    for client in opened:
        client.close(0)


class Clock:
    """Seconds that pass only when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock at 1,000 seconds."""
    return Clock()


@pytest.fixture
def device(tmp_path: Path, clock: Clock) -> Iterator[Device]:
    """Triggers over real files, driven by hand."""
    from tests.sdk.trigger_device import Device

    made = Device(tmp_path, clock)
    yield made
    made.triggers.close(0)
    made.outbox.close()
