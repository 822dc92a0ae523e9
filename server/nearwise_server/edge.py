"""What devices call: the manifest they poll, the bodies they fetch, the batches they send."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import anyio
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response

from nearwise_rules import Entry, write_frame
from nearwise_server.answers import answer_json
from nearwise_server.bodies import Bodies
from nearwise_server.catalogue import Catalogue, Published
from nearwise_server.errors import RequestRefused
from nearwise_server.ingest import Writer, read_delivery
from nearwise_server.keys import DEVICE_NAME, ApiKey
from nearwise_server.media_types import (
    AUDIENCE_TYPE,
    BATCH_TYPE,
    BUNDLE_TYPE,
    DELTA_TYPE,
    ENTRIES_TYPE,
    ENVELOPE_TYPE,
    JSON_TYPE,
)
from nearwise_server.operations import DEVICES
from nearwise_server.requests import DIGEST, json_body, strings
from nearwise_server.settings import Settings
from nearwise_server.sightings import Roster
from nearwise_server.store.batches import Delivery, Receipt
from nearwise_server.store.devices import Sighting

_FOREVER = "public, max-age=31536000, immutable"
_VERSION = re.compile(r"[0-9]{1,15}")
_SDK = re.compile(r"[A-Za-z0-9._+-]{1,64}")
_MISSING_SHOWN = 100
_TYPES = {"audience": AUDIENCE_TYPE}
"""The media types of entries that are no JSON, by kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """The operations of devices over what the server shares."""

    settings: Settings
    catalogue: Catalogue
    writer: Writer
    roster: Roster
    bodies: Bodies
    decoders: anyio.CapacityLimiter
    clock: Callable[[], float]

    async def manifest(self, request: Request, key: ApiKey) -> Response:
        """The envelope of the newest version, or 304 when the caller has it."""
        headers = request.headers
        self.saw(key, headers.get("nearwise-device"), headers.get("nearwise-bundle"), headers.get("nearwise-sdk"))
        newest = self.catalogue.newest(key.environment)
        if newest is None:
            raise RequestRefused(404, "nothing_published", "nothing was published in this environment yet")
        if names(headers.get("if-none-match", ""), newest.etag):
            return Response(status_code=304, headers=manifest_headers(newest))
        return Response(newest.bundle.envelope, headers=manifest_headers(newest), media_type=ENVELOPE_TYPE)

    async def bundle(self, request: Request, key: ApiKey) -> Response:
        """A whole bundle by the root hash of its content."""
        published = await run_sync(self.catalogue.of_root, key.environment, _digest(request, "root"))
        if published is None:
            raise RequestRefused(404, "unknown_root", "this environment never had a bundle with this content")
        headers = {"Cache-Control": _FOREVER, "Vary": "Accept-Encoding", "ETag": f'"{published.root}"'}
        if _accepts_gzip(request):
            headers["Content-Encoding"] = "gzip"
            return Response(published.body_gzip, headers=headers, media_type=BUNDLE_TYPE)
        return Response(published.body, headers=headers, media_type=BUNDLE_TYPE)

    async def delta(self, request: Request, key: ApiKey) -> Response:
        """The way from one content to another, made once."""
        base, target = _digest(request, "base_root"), _digest(request, "root")
        delta = await run_sync(self.catalogue.delta, key.environment, base, target)
        if delta is None:
            raise RequestRefused(404, "no_delta", "there is no delta between these: fetch the whole bundle")
        return Response(delta, headers={"Cache-Control": _FOREVER}, media_type=DELTA_TYPE)

    async def entry(self, request: Request, key: ApiKey) -> Response:
        """One entry's body by its digest."""
        digest = _digest(request, "digest")
        found = await run_sync(self.catalogue.entries, key.environment, [digest])
        if digest not in found:
            raise RequestRefused(404, "unknown_digest", "this environment never had such an entry")
        entry = found[digest]
        headers = {"Cache-Control": _FOREVER, "ETag": f'"{digest}"'}
        return Response(entry.body, headers=headers, media_type=_TYPES.get(entry.kind, JSON_TYPE))

    async def entries(self, request: Request, key: ApiKey) -> Response:
        """Many entries at once; what is unknown, or would make the answer too large, is left out."""
        most = self.settings.digests_per_request
        async with self.bodies.body(request, 80 * most + 1024) as body:
            wanted = strings(json_body(body, most=most), "digests", most=most, pattern=DIGEST)
        found = await run_sync(self.catalogue.entries, key.environment, wanted)
        chosen = _within((found[digest] for digest in wanted if digest in found), self.settings.answer_bytes)
        frame = write_frame([[entry.kind, entry.key, entry.body] for entry in chosen])
        return Response(frame, headers={"Cache-Control": "no-store"}, media_type=ENTRIES_TYPE)

    async def batch(self, request: Request, key: ApiKey) -> Response:
        """A sealed batch of events: answered when it is on disk."""
        media_type = request.headers.get("content-type", BATCH_TYPE).partition(";")[0].strip().lower()
        if media_type != BATCH_TYPE:
            raise RequestRefused(415, "content_type", f"a batch is sent as {BATCH_TYPE}")
        sent = request.headers.get("nearwise-sent", "")
        async with self.bodies.body(request, self.settings.batch_bytes) as body:
            delivery = await run_sync(
                lambda: read_delivery(
                    body,
                    key.environment,
                    self.settings,
                    received_ms=int(self.clock() * 1000),
                    sent_ms=int(sent) if _VERSION.fullmatch(sent) else None,
                ),
                limiter=self.decoders,
            )
            if key.device not in (None, delivery.device):
                raise RequestRefused(403, "other_device", "this key belongs to another device")
            receipt = await asyncio.wrap_future(self.writer.submit(delivery))
        self.saw(key, delivery.device, request.headers.get("nearwise-bundle"), request.headers.get("nearwise-sdk"))
        if receipt.refused:
            raise RequestRefused(422, "too_many_gaps", "the events of this epoch arrive with too many gaps")
        return answer_json(_receipt(delivery, receipt))

    def saw(self, key: ApiKey, device: str | None, version: str | None, sdk: str | None) -> None:
        """Note who called and what it says it runs, as far as the key lets the caller speak for that device."""
        name = key.device or device or ""
        if key.scope not in DEVICES or not DEVICE_NAME.fullmatch(name):
            return
        sighting = Sighting(
            seen_ms=int(self.clock() * 1000),
            bundle_version=int(version) if version and _VERSION.fullmatch(version) else None,
            sdk=sdk if sdk and _SDK.fullmatch(sdk) else None,
        )
        self.roster.saw(key.environment, name, sighting)


def manifest_headers(published: Published) -> dict[str, str]:
    """The headers of the manifest, changed or not."""
    return {"ETag": published.etag, "Cache-Control": "private, no-cache", "Vary": "Authorization"}


def names(if_none_match: str, etag: str) -> bool:
    """True when an If-None-Match header names the tag; comparison is weak, as RFC 9110 section 13.1.2 asks."""
    tags = (tag.strip().removeprefix("W/") for tag in if_none_match.split(","))
    return any(tag in (etag, "*") for tag in tags)


def _digest(request: Request, name: str) -> str:
    text = str(request.path_params[name])
    if not DIGEST.fullmatch(text):
        raise RequestRefused(404, "not_a_digest", f"{name} is 64 hexadecimal digits")
    return text


def _accepts_gzip(request: Request) -> bool:
    for offer in request.headers.get("accept-encoding", "").split(","):
        coding, _, weight = offer.partition(";")
        if coding.strip().lower() == "gzip":
            return weight.replace(" ", "").rstrip("0.") != "q="
    return False


def _within(entries: Iterable[Entry], most_bytes: int) -> list[Entry]:
    """As many entries as fit; at least one, so that a caller who asks again gets on."""
    chosen: list[Entry] = []
    for entry in entries:
        most_bytes -= len(entry.body)
        if most_bytes < 0 and chosen:
            break
        chosen.append(entry)
    return chosen


def _receipt(delivery: Delivery, receipt: Receipt) -> dict[str, object]:
    return {
        "device": delivery.device,
        "epoch": delivery.epoch,
        "stored": True,
        "duplicate": receipt.duplicate,
        "high_water": receipt.high_water,
        "rejected": [{"index": index, "reason": reason} for index, reason in delivery.rejected],
        "missing": receipt.missing[:_MISSING_SHOWN],
    }
