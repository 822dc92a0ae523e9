"""The commands around webhooks."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from nearwise_rules import encode_batch
from nearwise_server.serving import serve_in_thread
from nearwise_server.settings import Settings
from tests.server.conftest import BATCH, Ended, Nearwise, packed
from tests.server.receivers import receiving

CRM = ("--url", "https://crm.example/in")


@pytest.fixture(autouse=True)
def centre_folder(nearwise: Nearwise) -> None:
    """A centre's folder, here."""
    assert nearwise("keys", "create", "channels").code == 0


def test_a_channel_is_added_listed_and_removed(nearwise: Nearwise) -> None:
    assert nearwise("channels", "list").out == "no channel in 'production' yet\n"
    added = nearwise("channels", "add", "crm", *CRM)
    secret = added.out.strip()
    assert secret.startswith("whsec_")
    assert added.err == "channel 'crm' of 'production'. Its secret is shown this once.\n"
    listed = nearwise("channels", "list").out
    assert "https://crm.example/in" in listed
    assert secret not in listed
    assert nearwise("channels", "enable", "crm").out == "enabled crm\n"
    assert nearwise("channels", "remove", "crm").out == "removed crm\n"
    gone = Ended(1, "", "nearwise: there is no channel 'crm' in 'production'\n")
    assert nearwise("channels", "remove", "crm") == nearwise("channels", "enable", "crm") == gone


def test_a_channel_that_cannot_be_is_one_line(nearwise: Nearwise, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = ("channels", "add", "crm", "--url", "http://crm.example/")
    refused = nearwise(*plain)
    assert (refused.code, refused.out, refused.err.count("\n")) == (2, "", 1)
    assert "begins with https://" in refused.err
    monkeypatch.setenv("NEARWISE_WEBHOOK_PLAIN_HTTP", "true")
    assert nearwise(*plain).code == 0
    assert "already" in nearwise(*plain).err
    assert nearwise("channels", "add", "crm", *CRM, "--data", "nowhere").code == 2
    assert not Path("nowhere").exists()


def test_what_died_for_want_of_a_channel_is_sent_when_it_is_there(nearwise: Nearwise) -> None:
    device, keeper = (nearwise("keys", "create", scope).out.strip() for scope in ("device", "channels"))
    due = packed(type="trigger", at=1, trigger="abandoned", id="1", channel="crm")
    headers = BATCH | {"Authorization": f"Bearer {device.rpartition('.')[0]}"}
    settings = Settings(data="centre", port=0, webhook_poll_seconds=0.01)
    with receiving() as receiver, serve_in_thread(settings) as url:
        at = ("--url", url, "--key", keeper)
        assert nearwise("deliveries", "list", *at).out == "no delivery\n"
        httpx.post(f"{url}/v1/batches", content=encode_batch("till-1", "ab" * 16, 0, [due]), headers=headers)
        while "dead" not in (table := nearwise("deliveries", "list", *at).out):
            pass
        assert table.splitlines()[2].split()[-6:] == ["0", "no", "channel", "of", "this", "name"]
        added = nearwise("channels", "add", "crm", "--url", receiver.url)
        assert added.err.endswith("dead for want of it: 1   nearwise deliveries retry --dead --channel crm\n")
        again = nearwise("deliveries", "retry", "--dead", "--channel", "crm", *at)
        assert again.out == "1 to be tried again\n"
        assert receiver.accepted.wait(10)
        shown = json.loads(nearwise("deliveries", "list", *at, "--json").out)
        assert nearwise("deliveries", "list", "--state", "dead", *at).out == "no delivery\n"
        assert nearwise("deliveries", "retry", str(shown[0]["id"] + 1), *at).code == 1


@pytest.mark.parametrize("arguments", [(), ("7", "--dead")])
def test_another_try_is_for_one_or_for_all_that_is_dead(nearwise: Nearwise, arguments: tuple[str, ...]) -> None:
    refused = nearwise("deliveries", "retry", *arguments)
    assert refused == Ended(2, "", "nearwise: give the id of a delivery, or --dead\n")


def test_a_missing_key_says_how_to_make_one(nearwise: Nearwise) -> None:
    assert "nearwise keys create channels" in nearwise("deliveries", "list").err
