"""From a trigger event to the delivery that it calls for: the body is made once, so that every try sends the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

from nearwise_rules import Event, SealedBatch
from nearwise_server.settings import Settings
from nearwise_server.store.deliveries import Draft


def drafts_of(batch: SealedBatch, environment: str, settings: Settings, received_ms: int) -> Iterator[Draft]:
    """A delivery for each trigger event of a batch."""
    for event in batch.events:
        if isinstance(event, Event) and event.type == "trigger":
            yield Draft(
                environment=environment,
                device=batch.device,
                epoch=batch.epoch,
                seq=batch.first + event.index,
                channel=_column_text(event.fields.get("channel")) or None,
                trigger=_column_text(event.fields["trigger"]),
                body=_body(event, environment, batch.device),
                created_ms=received_ms,
                until_ms=received_ms + int(settings.webhook_give_up_seconds * 1000),
            )


def _body(event: Event, environment: str, device: str) -> bytes:
    moment = datetime.fromtimestamp(event.at / 1000, UTC).isoformat(timespec="milliseconds")
    payload = event.fields.get("payload")
    content: dict[str, object] = {
        "type": "trigger.due",
        "timestamp": moment.replace("+00:00", "Z"),
        "data": {
            "id": event.fields["id"],
            "trigger": event.fields["trigger"],
            "subject": event.subject,
            "payload": {} if payload is None else payload,
            "environment": environment,
            "device": device,
            "bundle": event.bundle,
        },
    }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def _column_text(value: object) -> str:
    """Text as every database holds it and every terminal shows it; no channel has a name with other characters."""
    text = value if isinstance(value, str) else ""
    return "".join(mark if mark.isprintable() else "\N{REPLACEMENT CHARACTER}" for mark in text)
