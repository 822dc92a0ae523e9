"""What can be asked over HTTP, as rows: paths, scopes and answers are written down here and in `subject_surface`."""

from __future__ import annotations

from collections.abc import Mapping

from nearwise_server import schemas
from nearwise_server.admin import Admin
from nearwise_server.edge import Edge
from nearwise_server.media_types import (
    AUDIENCE_TYPE,
    BATCH_TYPE,
    BUNDLE_TYPE,
    DELTA_TYPE,
    ENTRIES_TYPE,
    ENVELOPE_TYPE,
    JSON_TYPE,
)
from nearwise_server.operations import (
    CHANNEL_KEEPERS,
    DELIVERY_READERS,
    DEVICES,
    HOLDERS,
    PEOPLE,
    PUBLISHERS,
    READERS,
    WITH_BODY,
    Content,
    Handler,
    Operation,
    answers_of,
    listing,
)
from nearwise_server.outreach import Outreach


def device_operations(edge: Edge) -> tuple[Operation, ...]:
    """What devices call; people may look at what devices fetch."""
    root, base = schemas.path("root", schemas.SHA256), schemas.path("base_root", schemas.SHA256)
    return (
        Operation(
            method="GET",
            path="/v1/manifest",
            handler=edge.manifest,
            scopes=HOLDERS,
            summary="The signed manifest of the newest version; poll it with If-None-Match",
            parameters=(schemas.header("If-None-Match"), *schemas.STATUS_HEADERS),
            answers=answers_of(ENVELOPE_TYPE, 404) | {304: ("unchanged", None)},
        ),
        _fetch(edge.bundle, "/v1/bundles/{root}", "A whole bundle by its root hash", BUNDLE_TYPE, root),
        _fetch(edge.delta, "/v1/deltas/{base_root}/{root}", "The way between two contents", DELTA_TYPE, base, root),
        Operation(
            method="GET",
            path="/v1/entries/{digest}",
            handler=edge.entry,
            scopes=HOLDERS,
            summary="One entry: JSON, or the filter of an audience; never changes",
            parameters=(schemas.path("digest", schemas.SHA256),),
            answers=answers_of(JSON_TYPE, 404, also=(AUDIENCE_TYPE,)),
        ),
        Operation(
            method="POST",
            path="/v1/entries",
            handler=edge.entries,
            scopes=HOLDERS,
            summary="Many entries: a MessagePack array of [kind, key, body]; unknown digests are left out",
            body=Content(media_type=JSON_TYPE, schema=schemas.DIGESTS),
            answers=answers_of(ENTRIES_TYPE, 400, *WITH_BODY),
        ),
        Operation(
            method="POST",
            path="/v1/batches",
            handler=edge.batch,
            scopes=DEVICES,
            summary="Send a sealed batch of events; answered when it is on disk; sending it again changes nothing",
            parameters=(schemas.header("Nearwise-Sent"), *schemas.STATUS_HEADERS),
            body=Content(media_type=BATCH_TYPE),
            answers=answers_of(JSON_TYPE, *WITH_BODY, schema=schemas.RECEIPT),
        ),
    )


def people_operations(admin: Admin) -> tuple[Operation, ...]:
    """What people and CI call."""
    return (
        Operation(
            method="POST",
            path="/v1/bundles",
            handler=admin.publish,
            scopes=PUBLISHERS,
            summary="Check, build, sign and publish a rule set",
            body=Content(media_type=JSON_TYPE, schema=schemas.RULE_SET),
            answers=answers_of(JSON_TYPE, 400, *WITH_BODY, status=201, schema=schemas.PUBLISHED),
        ),
        Operation(
            method="POST",
            path="/v1/rollback",
            handler=admin.roll_back,
            scopes=PUBLISHERS,
            summary="Publish the content of an old version as a new one",
            body=Content(media_type=JSON_TYPE, schema=schemas.ROLLBACK),
            answers=answers_of(JSON_TYPE, 400, 404, *WITH_BODY, status=201, schema=schemas.PUBLISHED),
        ),
        listing(admin.versions, "/v1/bundles", "Published versions, newest first", schemas.VERSIONS, PEOPLE),
        listing(admin.devices, "/v1/devices", "Devices, one row per device and epoch", schemas.DEVICES),
        listing(admin.events, "/v1/events", "Stored events in the order of arrival", schemas.EVENTS),
        Operation(
            method="GET",
            path="/v1/summary",
            handler=admin.summary,
            scopes=READERS,
            summary="Counts of stored events per type, name, flag and variant",
            answers=answers_of(JSON_TYPE, schema=schemas.SUMMARY),
        ),
    )


def channel_operations(outreach: Outreach) -> tuple[Operation, ...]:
    """What keepers of channels call."""
    return (
        Operation(
            method="GET",
            path="/v1/channels",
            handler=outreach.channels,
            scopes=CHANNEL_KEEPERS,
            summary="The channels of the environment, without their secrets",
            answers=answers_of(JSON_TYPE, schema=schemas.CHANNELS),
        ),
        Operation(
            method="POST",
            path="/v1/channels",
            handler=outreach.add_channel,
            scopes=CHANNEL_KEEPERS,
            summary="Make a channel; its secret is in this answer and in no other",
            body=Content(media_type=JSON_TYPE, schema=schemas.CHANNEL_ASKED),
            answers=answers_of(JSON_TYPE, 400, *WITH_BODY, status=201, schema=schemas.CHANNEL_MADE),
        ),
        _channel_change(outreach.remove_channel, "DELETE", "", "Remove a channel; what waits for it becomes dead"),
        _channel_change(outreach.enable_channel, "POST", "/enable", "Let a disabled channel take deliveries again"),
        *_delivery_operations(outreach),
    )


def _delivery_operations(outreach: Outreach) -> tuple[Operation, ...]:
    return (
        Operation(
            method="GET",
            path="/v1/deliveries",
            handler=outreach.deliveries,
            scopes=DELIVERY_READERS,
            summary="Deliveries of trigger events to channels, newest first",
            parameters=(*schemas.PAGE, schemas.query("state", schemas.DELIVERY_STATE), schemas.query("channel")),
            answers=answers_of(JSON_TYPE, 400, schema=schemas.DELIVERIES),
        ),
        Operation(
            method="POST",
            path="/v1/deliveries/{id}/retry",
            handler=outreach.retry,
            scopes=CHANNEL_KEEPERS,
            summary="Try one delivery that was not sent again, now",
            parameters=(schemas.path("id", schemas.INTEGER),),
            answers=answers_of(JSON_TYPE, 404, 409, schema=schemas.RETRIED),
        ),
        Operation(
            method="POST",
            path="/v1/deliveries/retry",
            handler=outreach.retry_dead,
            scopes=CHANNEL_KEEPERS,
            summary="Try all dead deliveries again, or those of one channel",
            body=Content(media_type=JSON_TYPE, schema=schemas.RETRY),
            answers=answers_of(JSON_TYPE, 400, *WITH_BODY, schema=schemas.RETRIED),
        ),
    )


def _channel_change(handler: Handler, method: str, more: str, summary: str) -> Operation:
    """A change of one channel."""
    return Operation(
        method=method,
        path=f"/v1/channels/{{name}}{more}",
        handler=handler,
        scopes=CHANNEL_KEEPERS,
        summary=summary,
        parameters=(schemas.path("name", schemas.TEXT),),
        answers=answers_of(JSON_TYPE, 404, schema=schemas.CHANNEL_CHANGED),
    )


def _fetch(handler: Handler, path: str, summary: str, media_type: str, *parameters: Mapping[str, object]) -> Operation:
    """A body that never changes, addressed by a digest."""
    return Operation(
        method="GET",
        path=path,
        handler=handler,
        scopes=HOLDERS,
        summary=f"{summary}; never changes",
        parameters=parameters,
        answers=answers_of(media_type, 404),
    )
