"""Signatures of deliveries, by the Standard Webhooks specification 1.0.0 (symmetric, `v1`)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

from nearwise_server.store.deliveries import DeliveryRow

_PREFIX = "whsec_"
_SECRET_BYTES = 32  # the specification asks for 24 to 64


def new_secret() -> str:
    """A secret as people see it."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def signed_headers(secret: str, message_id: str, seconds: int, body: bytes) -> dict[str, str]:
    """The headers that identify and sign one try at the time `seconds`; neither id nor time may have a full stop."""
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    digest = hmac.digest(key, f"{message_id}.{seconds}.".encode() + body, "sha256")
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def message_id(row: DeliveryRow) -> str:
    """The id of a delivery, the same for every try: made of the event's id, so that no device can choose it."""
    name = "\0".join((row.environment, row.device, row.epoch, str(row.seq)))
    return f"msg_{hashlib.sha256(name.encode()).hexdigest()[:32]}"
