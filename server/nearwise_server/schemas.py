"""JSON Schemas (2020-12) of what goes over HTTP, for the OpenAPI page; tests hold the answers to them."""

from __future__ import annotations

from collections.abc import Mapping

Schema = Mapping[str, object]

INTEGER: Schema = {"type": "integer"}
TEXT: Schema = {"type": "string"}
SHA256: Schema = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
MILLISECONDS: Schema = {"type": "integer", "description": "Unix milliseconds"}
DELIVERY_STATE: Schema = {"enum": ["waiting", "sent", "dead"]}
RANGES: Schema = {
    "type": "array",
    "items": {"type": "array", "items": INTEGER, "minItems": 2, "maxItems": 2},
    "description": "first and last sequence number of each range",
}


def record(
    members: Mapping[str, Schema], *, optional: Mapping[str, Schema] | None = None, more: bool = False
) -> Schema:
    """An object with these members."""
    return {
        "type": "object",
        "properties": {**members, **(optional or {})},
        "required": list(members),
        "additionalProperties": more,
    }


def listing(name: str, item: Schema, **members: Schema) -> Schema:
    """A page: its items, and the cursor of the next page or null."""
    cursor: Schema = {"type": ["string", "null"], "description": "send it as `after`; null on the last page"}
    return record({name: {"type": "array", "items": item}, "next": cursor, **members})


def path(name: str, schema: Schema) -> Schema:
    """A parameter in the path."""
    return {"name": name, "in": "path", "required": True, "schema": schema}


def query(name: str, schema: Schema = TEXT) -> Schema:
    """A parameter in the query."""
    return {"name": name, "in": "query", "required": False, "schema": schema}


def header(name: str) -> Schema:
    """A request header that may be left out."""
    return {"name": name, "in": "header", "required": False, "schema": TEXT}


PROBLEM = record(
    {"type": TEXT, "title": TEXT, "status": INTEGER, "detail": TEXT},
    optional={"problems": {"type": "array"}, "limit": INTEGER, "reason": TEXT, "id": TEXT},
)
PAGE = (query("after"), query("limit", INTEGER))
STATUS_HEADERS = (header("Nearwise-Device"), header("Nearwise-Bundle"), header("Nearwise-SDK"))

DIGESTS = record({"digests": {"type": "array", "items": SHA256}})
RECEIPT = record(
    {
        "device": TEXT,
        "epoch": TEXT,
        "stored": {"const": True},
        "duplicate": {"type": "boolean"},
        "high_water": INTEGER,
        "rejected": {"type": "array", "items": record({"index": INTEGER, "reason": TEXT})},
        "missing": RANGES,
    }
)
RULE_SET = record(
    {"files": {"type": "object", "additionalProperties": TEXT, "description": "text per path in the folder"}},
    optional={"note": TEXT},
)
ROLLBACK = record({"to": INTEGER}, optional={"note": TEXT})
PUBLISHED = record({"version": INTEGER, "root": SHA256, "environment": TEXT})
VERSION = record(
    {
        "version": INTEGER,
        "root": SHA256,
        "entries": INTEGER,
        "size_bytes": INTEGER,
        "note": TEXT,
        "published_by": TEXT,
        "published": MILLISECONDS,
        "content_of": {"type": ["integer", "null"], "description": "the version that this one rolled back to"},
    }
)
VERSIONS = listing("bundles", VERSION)
_NULLABLE_INTEGER: Schema = {"type": ["integer", "null"]}
_NULLABLE_TEXT: Schema = {"type": ["string", "null"]}
_NULLABLE_MILLISECONDS: Schema = {"type": ["integer", "null"], "description": "Unix milliseconds"}
DEVICE = record(
    {
        "name": TEXT,
        "bundle_version": _NULLABLE_INTEGER,
        "sdk": _NULLABLE_TEXT,
        "last_seen": _NULLABLE_MILLISECONDS,
        "epoch": _NULLABLE_TEXT,
        "stored": INTEGER,
        "rejected": INTEGER,
        "erased": INTEGER,
        "repeated": INTEGER,
        "lost": INTEGER,
        "high_water": INTEGER,
        "missing": RANGES,
        "missing_events": INTEGER,
    }
)
DEVICES = listing("devices", DEVICE)
EVENT = record(
    {"device": TEXT, "epoch": TEXT, "seq": INTEGER, "received": MILLISECONDS, "type": TEXT, "at": MILLISECONDS},
    more=True,
)
EVENTS = listing("events", EVENT)
SUMMARY = record(
    {
        "batches": INTEGER,
        "events": INTEGER,
        "counts": {
            "type": "array",
            "items": record(
                {
                    "type": TEXT,
                    "name": _NULLABLE_TEXT,
                    "flag": _NULLABLE_TEXT,
                    "variant": _NULLABLE_TEXT,
                    "events": INTEGER,
                    "count": INTEGER,
                    "value": {"type": "number"},
                }
            ),
        },
    }
)
CHANNEL_ASKED = record({"name": TEXT, "url": TEXT})
_CHANNEL: Mapping[str, Schema] = {
    "name": TEXT,
    "url": TEXT,
    "created": MILLISECONDS,
    "disabled": _NULLABLE_MILLISECONDS,
}
CHANNELS = record({"channels": {"type": "array", "items": record(_CHANNEL)}})
CHANNEL_MADE = record({**_CHANNEL, "secret": {"type": "string", "description": "shown this once"}})
CHANNEL_CHANGED = record({"name": TEXT})
DELIVERY = record(
    {
        "id": INTEGER,
        "webhook_id": TEXT,
        "device": TEXT,
        "epoch": TEXT,
        "seq": INTEGER,
        "trigger": TEXT,
        "channel": TEXT,
        "state": DELIVERY_STATE,
        "tries": INTEGER,
        "created": MILLISECONDS,
        "changed": MILLISECONDS,
        "next": _NULLABLE_MILLISECONDS,
        "last_error": _NULLABLE_TEXT,
    }
)
DELIVERIES = listing("deliveries", DELIVERY)
RETRY = record({}, optional={"channel": TEXT})
RETRIED = record({"retried": INTEGER})
TRAITS_OF_ONE: Schema = {"type": "object", "description": "value per attribute, by its dotted name"}
TRAITS = record({"subject": TEXT, "traits": TRAITS_OF_ONE, "updated": MILLISECONDS})
TRAITS_PUT = record({"updated": MILLISECONDS})
TRAITS_STORED = record({"stored": INTEGER, "updated": MILLISECONDS})
TRAITS_DROPPED = record({"deleted": {"type": "boolean"}})
ERASE = record({"subject": TEXT})
ERASURE = record(
    {
        "id": TEXT,
        "digest": SHA256,
        "device": {"type": ["string", "null"], "description": "who asked; null when it came by letter"},
        "status": {"enum": ["waiting", "done"]},
        "asked": MILLISECONDS,
        "done": {"type": ["integer", "null"], "description": "Unix milliseconds"},
        "events": INTEGER,
        "batches": INTEGER,
        "traits": INTEGER,
    }
)
ERASURES = listing("erasures", ERASURE)
HEALTH = record({"status": {"const": "ok"}})
