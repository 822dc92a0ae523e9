"""What people and CI call: publish, roll back, and read what is published and what devices report."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import anyio
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response

from nearwise_rules import RulesError
from nearwise_server.answers import answer_json
from nearwise_server.bodies import Bodies
from nearwise_server.catalogue import Published
from nearwise_server.devices import devices_after
from nearwise_server.errors import RequestRefused
from nearwise_server.events import PageLimits, Tally, events_after
from nearwise_server.keys import DEVICE_NAME, ApiKey
from nearwise_server.publishing import Publication, Publisher
from nearwise_server.requests import cursor, json_body, page_limit, text, texts
from nearwise_server.settings import Settings
from nearwise_server.sightings import Roster
from nearwise_server.store import Database
from nearwise_server.store.bundles import BundleRow, bundles_before
from nearwise_server.store.devices import DeviceEpoch

_VERSION = re.compile(r"[0-9]{1,15}")
_PLACE = re.compile(r"([0-9]{1,18})\.(-1|[0-9]{1,9})")
_DEVICE_EPOCH = re.compile(rf"({DEVICE_NAME.pattern})@([0-9a-f]{{0,32}})")
_NOTE_CHARACTERS = 1_000
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Admin:
    """The operations of people and CI over what the server shares."""

    settings: Settings
    database: Database
    publisher: Publisher
    roster: Roster
    bodies: Bodies
    workers: anyio.CapacityLimiter
    tallies: dict[str, Tally] = field(default_factory=dict[str, Tally])

    async def _run(self, work: Callable[[], Result]) -> Result:
        """Work in a thread, of which people have few: their questions never take the threads that devices need."""
        return await run_sync(work, limiter=self.workers)

    async def publish(self, request: Request, key: ApiKey) -> Response:
        """Check, build, sign and publish a rule set."""
        async with self.bodies.body(request, self.settings.publish_bytes) as body:
            content = json_body(body, most=self.settings.publish_files)
            files = texts(content, "files", most=self.settings.publish_files)
            publication = _publication(key, text(content, "note", most=_NOTE_CHARACTERS))
            try:
                published = await self._run(partial(self.publisher.publish, files, publication))
            except RulesError as refused:
                raise RequestRefused(422, "bundle_refused", f"devices would refuse this: {refused}") from None
        return _published(published)

    async def roll_back(self, request: Request, key: ApiKey) -> Response:
        """Publish the content of an old version again."""
        async with self.bodies.body(request, 16 * 1024) as body:
            content = json_body(body)
        to = content.get("to")
        if not isinstance(to, int) or isinstance(to, bool) or not 0 < to < 2**53:
            raise RequestRefused(422, "bad_member", "'to' must be the number of a version")
        publication = _publication(key, text(content, "note", most=_NOTE_CHARACTERS))
        return _published(await self._run(partial(self.publisher.roll_back, to, publication)))

    async def versions(self, request: Request, key: ApiKey) -> Response:
        """Published versions, newest first."""
        limit, after = page_limit(request, self.settings.page_rows), cursor(request, _VERSION)
        below = None if after is None else int(after.group())

        def read() -> list[BundleRow]:
            with self.database.reading() as connection:
                return bundles_before(connection, key.environment, below, limit)

        rows = await self._run(read)
        following = str(rows[-1].version) if len(rows) == limit else None
        return answer_json({"bundles": [_version(row) for row in rows], "next": following})

    async def devices(self, request: Request, key: ApiKey) -> Response:
        """Devices: what they run, when they were seen, what of their events is here."""
        limit, after = page_limit(request, self.settings.page_rows), cursor(request, _DEVICE_EPOCH)

        place = ("", "") if after is None else (after.group(1), after.group(2))

        def read() -> tuple[list[dict[str, object]], DeviceEpoch | None]:
            self.roster.flush(self.database)
            return devices_after(self.database, key.environment, place, limit)

        listed, last = await self._run(read)
        return answer_json({"devices": listed, "next": None if last is None else "@".join(last)})

    async def events(self, request: Request, key: ApiKey) -> Response:
        """Stored events in the order of arrival."""
        limit, after = page_limit(request, self.settings.page_rows), cursor(request, _PLACE)
        position = (0, -1) if after is None else (int(after.group(1)), int(after.group(2)))
        limits = PageLimits(limit, self.settings.answer_bytes)
        page, (row, index) = await self._run(partial(events_after, self.database, key.environment, position, limits))
        following = f"{row}.{index}" if page else None
        return answer_json({"events": page, "next": following})

    async def summary(self, _request: Request, key: ApiKey) -> Response:
        """Counts of stored events per type, name, flag and variant."""
        tally = self.tallies.setdefault(key.environment, Tally(self.settings.summary_groups))
        groups = await self._run(partial(tally.update, self.database, key.environment))
        counts = [
            dict(zip(("type", "name", "flag", "variant"), group, strict=True))
            | {"events": count.events, "count": count.count, "value": count.value}
            for group, count in groups
        ]
        events = sum(count.events for _, count in groups)
        return answer_json({"batches": tally.batches, "events": events, "counts": counts})


def _publication(key: ApiKey, note: str) -> Publication:
    return Publication(environment=key.environment, published_by=key.key_id, note=note)


def _published(published: Published) -> Response:
    content = {"version": published.version, "root": published.root, "environment": published.environment}
    return answer_json(content, 201)


def _version(row: BundleRow) -> dict[str, object]:
    return {
        "version": row.version,
        "root": row.root,
        "entries": row.entries,
        "size_bytes": row.size_bytes,
        "note": row.note,
        "published_by": row.published_by,
        "published": row.published_ms,
        "content_of": row.content_of,
    }
