"""Composition: the one place where the parts of a server are made, joined, started and closed."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version

import anyio
from anyio.to_thread import run_sync
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp

from nearwise_rules import Signer
from nearwise_server import answers, schemas
from nearwise_server.admin import Admin
from nearwise_server.bodies import Bodies
from nearwise_server.catalogue import Catalogue
from nearwise_server.edge import Edge
from nearwise_server.eraser import Eraser
from nearwise_server.erasures import Erasures
from nearwise_server.errors import RequestRefused, RuleSetRefused, SigningKeyRefused
from nearwise_server.guard import Guard
from nearwise_server.ingest import Writer
from nearwise_server.keys import ApiKey, Keyring
from nearwise_server.media_types import JSON_TYPE
from nearwise_server.openapi import openapi_document
from nearwise_server.operations import ANYONE, Content, Handler, Operation, routes
from nearwise_server.outreach import Outreach
from nearwise_server.polling import Polling
from nearwise_server.publishing import Publisher, trust_of
from nearwise_server.settings import Settings
from nearwise_server.sightings import Roster
from nearwise_server.signing_keys import ensure_signing_key
from nearwise_server.store import Database, open_database
from nearwise_server.subject_surface import erasure_operations, trait_operations
from nearwise_server.surface import channel_operations, device_operations, people_operations
from nearwise_server.traits import Traits
from nearwise_server.webhooks.courier import Courier

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Centre:
    """A server's parts, opened. `close` closes what `open_centre` opened."""

    settings: Settings
    signer: Signer
    database: Database
    catalogue: Catalogue
    publisher: Publisher
    roster: Roster
    writer: Writer
    eraser: Eraser
    clock: Callable[[], float]

    def close(self) -> None:
        """Write what is queued, then close the database."""
        self.writer.stop()
        self.database.close()


def open_centre(settings: Settings, *, clock: Callable[[], float] = time.time) -> Centre:
    """Open everything a server needs; on the first run this makes the folder, the database and the signing key.

    Raises:
        SigningKeyRefused: the key file cannot be used.
        StoreUnusable: the database cannot be used.
    """
    os.makedirs(settings.data, mode=0o700, exist_ok=True)
    signer = ensure_signing_key(settings.path_of_signing_key)
    database = open_database(settings.url_of_database)
    catalogue = _load_catalogue(database, signer, settings)
    roster = Roster(flush_seconds=settings.sightings_seconds)
    writer = Writer(database, roster, settings)
    writer.start()
    return Centre(
        settings=settings,
        signer=signer,
        database=database,
        catalogue=catalogue,
        publisher=Publisher(database, catalogue, signer, settings, clock),
        roster=roster,
        writer=writer,
        eraser=Eraser(database, compaction_seconds=settings.compaction_seconds, clock=clock),
        clock=clock,
    )


def _load_catalogue(database: Database, signer: Signer, settings: Settings) -> Catalogue:
    catalogue = Catalogue(database, trust_of(signer), settings)
    for refused in catalogue.refresh().values():
        database.close()
        raise SigningKeyRefused(f"this key did not sign what is published here: {refused}") from None
    return catalogue


def make_app(centre: Centre) -> ASGIApp:
    """The ASGI application over an opened centre. It closes the centre when the server stops."""
    rooms = make_rooms(centre)
    keyring = Keyring(centre.database, rows=centre.settings.key_cache_rows, seconds=centre.settings.key_cache_seconds)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
        tasks = [asyncio.create_task(_refresh(centre)), asyncio.create_task(_erase(centre))]
        courier = Courier(centre.database, centre.settings, clock=centre.clock)
        delivering = asyncio.create_task(courier.run())
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            courier.stop()
            try:
                await delivering
            finally:
                await run_sync(centre.close)

    app = Starlette(
        routes=routes(list_operations(*rooms), keyring),
        lifespan=lifespan,
        exception_handlers={
            RequestRefused: answers.on_refusal,
            RuleSetRefused: answers.on_rule_set_refused,
            HTTPException: answers.on_http_error,
            ClientDisconnect: answers.on_disconnect,
            SQLAlchemyError: answers.on_store_failure,
            Exception: answers.on_failure,
        },
    )
    app.router.redirect_slashes = False  # a redirect would be made of the caller's own Host header
    return Guard(Polling(app, rooms[0], keyring))


def make_rooms(centre: Centre) -> tuple[Edge, Admin, Outreach, Traits, Erasures]:
    """What devices, people and keepers of channels call, and what is known of subjects, over one limit for bodies."""
    settings, bodies = centre.settings, Bodies(centre.settings)
    workers = anyio.CapacityLimiter(settings.workers)
    edge = Edge(
        settings=settings,
        catalogue=centre.catalogue,
        writer=centre.writer,
        roster=centre.roster,
        bodies=bodies,
        decoders=anyio.CapacityLimiter(settings.decoders),
        clock=centre.clock,
    )
    admin = Admin(
        settings=settings,
        database=centre.database,
        publisher=centre.publisher,
        roster=centre.roster,
        bodies=bodies,
        workers=workers,
    )
    outreach = Outreach(settings=settings, database=centre.database, bodies=bodies, workers=workers, clock=centre.clock)
    traits = Traits(
        settings=settings,
        database=centre.database,
        catalogue=centre.catalogue,
        bodies=bodies,
        workers=workers,
        clock=centre.clock,
    )
    erasures = Erasures(settings=settings, database=centre.database, bodies=bodies, workers=workers, clock=centre.clock)
    return edge, admin, outreach, traits, erasures


def list_operations(
    edge: Edge, admin: Admin, outreach: Outreach, traits: Traits, erasures: Erasures
) -> tuple[Operation, ...]:
    """All operations of a server: its rooms', and two that need no key. The OpenAPI page lists itself."""

    async def health(_request: Request, _key: ApiKey) -> Response:
        return answers.answer_json({"status": "ok"})

    async def openapi(_request: Request, _key: ApiKey) -> Response:
        return answers.answer_json(openapi_document(everything, version("nearwise")))

    everything = (
        *device_operations(edge),
        *people_operations(admin),
        *channel_operations(outreach),
        *trait_operations(traits),
        *erasure_operations(erasures),
        _open("/healthz", "Whether the server answers", health, schemas.HEALTH),
        _open("/openapi.json", "This page", openapi, {"type": "object"}),
    )
    return everything


def _open(path: str, summary: str, handler: Handler, schema: schemas.Schema) -> Operation:
    answers_of = {200: ("done", Content(media_type=JSON_TYPE, schema=schema))}
    return Operation(method="GET", path=path, handler=handler, scopes=ANYONE, summary=summary, answers=answers_of)


async def _refresh(centre: Centre) -> None:
    """Notice what other processes publish and renew what would expire; what is served stays served if that fails."""
    while True:
        await asyncio.sleep(centre.settings.refresh_seconds)
        try:
            await run_sync(centre.catalogue.refresh)
            await run_sync(centre.publisher.renew)
        except Exception as error:  # noqa: BLE001  # whatever it is, the next round may do better
            _log.warning("cannot look for new versions: %s", type(error).__name__)


async def _erase(centre: Centre) -> None:
    """Carry out what was asked to be erased, piece by piece; what fails is tried again."""
    while True:
        await asyncio.sleep(centre.settings.refresh_seconds)
        try:
            while await run_sync(centre.eraser.step):
                pass
        except Exception as error:  # noqa: BLE001  # whatever it is, the next round may do better
            _log.warning("cannot erase at the moment: %s", type(error).__name__)
