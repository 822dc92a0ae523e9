"""Signatures by the Standard Webhooks specification, and ids that no device can choose."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

from nearwise_server.webhooks.signing import message_id, new_secret, signed_headers
from tests.server.webhook_rows import ROW


def test_signatures_are_those_of_the_specification() -> None:
    secret, identity = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek"
    headers = signed_headers(secret, identity, 1614265330, b'{"test": 2432232314}')
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_every_secret_is_another() -> None:
    assert len({new_secret() for _ in range(100)}) == 100


def test_the_id_of_a_message_is_that_of_its_event() -> None:
    assert message_id(ROW) == message_id(replace(ROW, id=8, tries=5, channel="other"))
    others = (replace(ROW, seq=4), replace(ROW, epoch="cd" * 16), replace(ROW, environment="staging"))
    assert len({message_id(row) for row in (ROW, *others)}) == 4
    assert "." not in message_id(ROW)


def test_the_receiver_of_the_documentation_takes_what_is_signed_here() -> None:
    page = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text(encoding="utf-8")
    names: dict[str, Any] = {}
    exec(page.split("```python\n")[1].split("```")[0], names)
    secret = new_secret()
    names["SECRET"] = base64.b64decode(secret.removeprefix("whsec_"))
    headers = signed_headers(secret, message_id(ROW), 1_000, b"{}")
    assert names["is_from_centre"](headers, b"{}", 1_299)
    assert not names["is_from_centre"](headers, b"{}", 1_300)
    assert not names["is_from_centre"](headers, b"[]", 1_000)
    assert not names["is_from_centre"](headers | {"webhook-timestamp": "1001"}, b"{}", 1_000)
